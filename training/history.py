"""The epochs of an attempt so far, and what follows from them: the best one, and when to stop."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class History:
    """Metrics by epoch.

    The best epoch is the one of the lowest validation loss: on a small validation part many
    epochs share the highest accuracy, and the loss says which of them is surest of it.

    Attributes:
        metrics: for each name, as ``loss`` or ``val_accuracy``, its value in every epoch.
    """

    metrics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.metrics.get("val_loss", ()))

    def after(self, epoch: Mapping[str, float]) -> "History":
        """This history and one more epoch."""
        return History({name: (*self.metrics.get(name, ()), epoch[name]) for name in epoch})

    @property
    def best(self) -> int:
        """The index of the best epoch, the first among equals; a loss of NaN never is better."""
        losses = [math.inf if math.isnan(loss) else loss for loss in self.metrics["val_loss"]]
        return losses.index(min(losses))

    @property
    def best_metrics(self) -> dict[str, float]:
        """Each metric in the best epoch."""
        return {name: values[self.best] for name, values in self.metrics.items()}

    def is_over(self, epochs: int, patience: int) -> bool:
        """Whether there were enough epochs, or no better one among the last ``patience``."""
        return len(self) >= epochs or (len(self) > 0 and len(self) - 1 - self.best >= patience)
