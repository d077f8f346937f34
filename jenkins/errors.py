"""Why a delivery cannot go on.

DeliveryError
├── NotReady     the service was not ready in time
├── BadAnswers   the service answers, but not as it should
├── NoImages     there is nothing to post
└── NoReport     the gate has not judged the version
"""

from process.errors import Failure, UsageError


class DeliveryError(Failure):
    """The base of every error of this package."""


class NotReady(DeliveryError):
    """Nobody listens, or the service has no model yet."""


class BadAnswers(DeliveryError):
    """Errors, another version, or too many wrong classes."""


class NoImages(DeliveryError, UsageError):
    """No image of the data is held out."""


class NoReport(DeliveryError):
    """There is no verdict, and so no report."""
