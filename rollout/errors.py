"""What keeps the judge from judging.

RolloutError
├── Unreadable      what a pod answers at /metrics is not what the service writes
└── NoReport        ROLLOUT_REPORT cannot be written
"""

from process.errors import Failure


class RolloutError(Failure):
    """The base of every error of this package."""


class Unreadable(RolloutError):
    """A pod answers, but not with the service's figures."""


class NoReport(RolloutError):
    """The report cannot be written where it is wanted."""
