"""What goes wrong in a benchmark.

BenchmarkError          the base, a :class:`process.errors.Failure`
├── Unprepared          what is to be measured could not be made ready
├── UnknownName         a setting names a server or model that does not exist
├── PortTaken           another process listens where the next server should
└── ServerFailed        a server ended, never answered, or answered what cannot be read
"""

from process.errors import Failure, UsageError


class BenchmarkError(Failure):
    """A benchmark, or a part of it, could not be carried out."""


class Unprepared(BenchmarkError):
    """A model, or the program that makes load, is not there."""


class UnknownName(BenchmarkError, UsageError):
    """A setting names a server or model that does not exist."""


class PortTaken(BenchmarkError):
    """Another process listens on the port."""


class ServerFailed(BenchmarkError):
    """A server could not be measured; the message says what it did, and the end of its log."""
