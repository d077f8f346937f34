"""What can be wrong with Ray.

RayError
├── RayMissing    Ray is not installed; a usage error
└── RayFailed     Ray could not be started, or ended by itself
"""

from api.errors import APIError
from process.errors import UsageError


class RayError(APIError):
    """The base of every error of this package."""


class RayMissing(RayError, UsageError):
    """Ray is not installed where this program runs."""

    exit_code = UsageError.exit_code


class RayFailed(RayError):
    """Ray could not be started, or ended by itself."""
