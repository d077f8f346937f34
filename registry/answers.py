"""How a model's answers on held-out images are distributed: what live answers are compared with.

The gate leaves it in the metrics of its verdict, and the signature on that covers it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

METRIC = "answers"

Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Answers:
    """Counts of answers; the class is the likeliest one, whatever the threshold is.

    Attributes:
        classes: how many gave each class, in the order of the model's outputs.
        edges: where one bin of confidence ends, itself included, and the next begins.
        confidence: how many lie in each bin: one more than there are edges.
    """

    classes: tuple[Count, ...]
    edges: tuple[float, ...]
    confidence: tuple[Count, ...]

    def __post_init__(self) -> None:
        """Check that the counts belong together.

        Raises:
            ValueError: they do not.
        """
        if not sum(self.classes) == sum(self.confidence) > 0:
            raise ValueError("every answer has a class and a confidence, and there is one at least")
        if len(self.confidence) != len(self.edges) + 1:
            raise ValueError("there has to be a bin on either side of each edge")
        if not all(low < high for low, high in pairwise(self.edges)):
            raise ValueError("the edges have to rise")

    @property
    def images(self) -> int:
        """How many images were answered."""
        return sum(self.classes)


def read(metrics: Mapping[str, Any]) -> Answers | None:
    """The answers in a verdict's metrics; None if there are none, as in older ones."""
    try:
        return TypeAdapter(Answers).validate_python(metrics.get(METRIC))
    except ValidationError:
        return None
