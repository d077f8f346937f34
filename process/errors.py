"""The errors that one sentence explains.

Every package derives its own base error from :class:`Failure`, so that a command can tell a
person what went wrong without a traceback, and a bug still shows one.

    Failure             the command was refused or failed          exit code 1
    └── UsageError      the command was called or configured wrong  exit code 2
"""


class Failure(Exception):
    """A failure whose message is one sentence naming the file, variable or object at fault."""

    exit_code = 1


class UsageError(Failure):
    """The caller's command line or environment must change before a retry can succeed."""

    exit_code = 2
