"""What each of those who use a registry has to be allowed to write there.

docs/permissions.md has the whole table, and what a bucket's policy makes of it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from registry import names

Role: TypeAlias = Literal["training", "gate", "service"]


@dataclass(frozen=True)
class Area:
    """Objects that are written for one purpose.

    Attributes:
        prefix: how their names begin.
        part: what else their names hold.
        replaced: whether they are replaced, and not written once.
    """

    prefix: str
    part: str = ""
    replaced: bool = False

    def __str__(self) -> str:
        return f"{self.prefix}*{self.part}" if self.part else self.prefix

    def holds(self, name: str) -> bool:
        """Whether an object of that name is one of them."""
        return name.startswith(self.prefix) and self.part in name


WRITES: dict[Role, tuple[Area, ...]] = {
    "training": (
        Area(names.VERSIONS, f"/{names.MODEL}"),
        Area(names.stage("testing"), replaced=True),
        Area(names.log("testing")),
    ),
    "gate": (
        Area(names.VERSIONS, "/gate/"),
        Area(names.stage("production"), replaced=True),
        Area(names.log("production")),
    ),
    "service": (),
}
