"""How often the answers are right, of those that callers told the true class of. Pure.

They are no random sample: people rather tell of mistakes, or only of what they happened to check.
So these figures show where to look, and cannot be compared with the gate's.
"""

from dataclasses import dataclass

from intervals.wilson import proportion

LEVEL = 0.95


@dataclass(frozen=True)
class Rating:
    """The answers of one version.

    Attributes:
        version: the model.
        images: of how many the true class was told.
        right: how many of them it had answered with that class.
    """

    version: str
    images: int
    right: int

    @property
    def figures(self) -> dict[str, float]:
        """The part that is right between the ends of its interval, by name.

        The confidence level is :data:`LEVEL`.
        """
        found = proportion(self.right, self.images, LEVEL)
        return {"low": found.low, "accuracy": found.value, "high": found.high}
