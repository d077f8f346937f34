"""The table of who may do what in the registry's bucket: terraform/permissions.json.

Terraform reads the same file; docs/permissions.md shows it, and the storage server enforces it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

TABLE = Path(__file__).parents[2] / "terraform" / "permissions.json"


@dataclass(frozen=True)
class Grant:
    """What one stage may do to the objects of one area, and the binding that lets it.

    Attributes:
        stage: ``training``, ``gate`` or ``service``.
        area: a name for the objects.
        role: one of Google's predefined roles.
        may: what it allows there: ``list``, ``read``, ``create``, ``replace``, ``edit`` (of
            metadata), ``delete``.
        condition: of the binding; ``${bucket}`` stands for the bucket's name in conditions, and
            ``${root}`` for how the names of the registry's objects begin there.
    """

    stage: str
    area: str
    role: str
    may: tuple[str, ...]
    condition: str

    def binding(self, bucket: str, prefix: str, member: str) -> dict[str, Any]:
        """Of a bucket's policy."""
        name = f"projects/_/buckets/{bucket}"
        root = f"{name}/objects/{prefix}/"
        expression = Template(self.condition).substitute(bucket=name, root=root)
        condition = {"title": self.area, "expression": expression}
        return {"role": self.role, "members": [member], "condition": condition}


def grants() -> list[Grant]:
    """Every line of the table."""
    table = json.loads(TABLE.read_text())
    return [
        Grant(
            stage=each["stage"],
            area=each["area"],
            role=each["role"],
            may=tuple(each["may"]),
            condition=table["areas"][each["area"]]["condition"],
        )
        for each in table["grants"]
    ]


def areas() -> dict[str, str]:
    """The objects of each area, in words."""
    table = json.loads(TABLE.read_text())
    return {name: area["objects"] for name, area in table["areas"].items()}


def stages() -> list[str]:
    """The stages, in the table's order."""
    return list(dict.fromkeys(grant.stage for grant in grants()))


def allowed(stage: str, area: str) -> set[str]:
    """What a stage may do to the objects of an area; what it may do to all of them is included."""
    return {
        operation
        for grant in grants()
        if grant.stage == stage and grant.area in (area, "registry")
        for operation in grant.may
    }
