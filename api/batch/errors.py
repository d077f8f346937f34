"""What can be wrong with a batch.

BatchError
├── BadSource      the source is neither a folder nor a bucket, or has nothing in it; a usage error
├── OtherBatch     the output folder holds something else; a usage error
├── Busy           another process is scoring into the output folder
├── Unwritable     the output folder cannot be written
├── Unfinished     Ray has ended the batch
└── SourceAway     images cannot be read, for a reason that is not theirs
"""

from api.errors import APIError
from process.errors import UsageError


class BatchError(APIError):
    """The base of every error of this package."""


class BadSource(BatchError, UsageError):
    """There is nothing to be scored where the caller says."""


class OtherBatch(BatchError, UsageError):
    """The output folder belongs to another batch, or to something else altogether."""


class Busy(BatchError):
    """Another process works on this batch."""


class Unwritable(BatchError):
    """What is to be kept in the output folder cannot be."""


class Unfinished(BatchError):
    """Ray has ended the batch, which can be gone on with."""


class SourceAway(BatchError):
    """The machine, the network or the rights are at fault, and not an image."""
