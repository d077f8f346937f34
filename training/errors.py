"""What can end a training run without a published model.

    TrainingError
    ├── NotEnoughImages   a part of the split lacks a class; a usage error
    ├── CannotWarmStart   production has no model with these classes; a usage error
    ├── AlreadyRunning    another process works on the same run; a usage error
    ├── NotPermitted      the registry will not let this process publish
    ├── WorkUnwritable    the work folder does not take what a run has to keep
    ├── TooInaccurate     no attempt reached the required accuracy
    └── NotPublished      the model is trained, but the registry did not take it

What the images themselves lack is :class:`images.errors.DataError`.
"""

from process.errors import Failure, UsageError


class TrainingError(Failure):
    """The base of every error of this package."""


class NotEnoughImages(TrainingError, UsageError):
    """A class has no image in a part of the split that training needs."""


class CannotWarmStart(TrainingError, UsageError):
    """The model in production, if there is one, cannot be trained further on this data."""


class AlreadyRunning(TrainingError, UsageError):
    """Another process is at work on the same run in the same work folder."""


class NotPermitted(TrainingError):
    """The registry would refuse the model, however good it is."""


class WorkUnwritable(TrainingError):
    """The operating system refuses a file or folder below the work folder."""


class TooInaccurate(TrainingError):
    """The validation accuracy stayed under the required one in every attempt."""


class NotPublished(TrainingError):
    """The registry failed; the message says where the trained model is."""
