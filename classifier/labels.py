"""From the number of an output to the name that a caller reads."""

from dataclasses import dataclass, replace

OTHER = "other"


@dataclass(frozen=True)
class Labels:
    """The names of a model's outputs, and when none of them is given.

    Attributes:
        classes: the class names in the order of the model's outputs.
        threshold: an answer with less confidence than this is :data:`OTHER`; with 0 none is.
    """

    classes: tuple[str, ...]
    threshold: float

    def name(self, index: int, confidence: float) -> str:
        """The name for the output ``index``, answered with ``confidence`` (0 to 1)."""
        return self.classes[index] if confidence >= self.threshold else OTHER

    def at(self, threshold: float) -> "Labels":
        """The same names, given by another threshold."""
        return replace(self, threshold=threshold)
