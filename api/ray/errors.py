"""What can be wrong with Ray.

RayError
├── RayMissing          Ray is not installed; a usage error
├── BadConfiguration    Ray Serve cannot do what a file asks for; a usage error
└── RayFailed           Ray could not be started, or ended by itself
"""

from api.errors import APIError
from process.errors import UsageError


class RayError(APIError):
    """The base of every error of this package."""


class RayMissing(RayError, UsageError):
    """Ray is not installed where this program runs."""


class BadConfiguration(RayError, UsageError):
    """A file does not say what Ray Serve is to run."""


class RayFailed(RayError):
    """Ray could not be started, or ended by itself."""
