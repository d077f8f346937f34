"""Why the gate cannot judge a candidate, or cannot act on its verdict.

    GateError
    ├── NoCandidate    the testing stage is empty
    ├── ClassesDiffer  the candidate answers with other classes than the gate's images have
    ├── NothingHeldOut the split of the gate's images leaves none to judge by
    ├── WrongSlices    the file of slices cannot be read, or names images that are not there
    ├── NotMade        a variant of the model could not be made
    ├── Overtaken      another changed production while the gate judged
    └── NotIntact      production holds the candidate already, but its file is damaged

A refusal is no error: it is a verdict, and the command's exit code 1.
"""

from process.errors import Failure, UsageError


class GateError(Failure):
    """The base of every error of this package."""


class NoCandidate(GateError):
    """There is nothing to judge."""


class ClassesDiffer(GateError, UsageError):
    """The gate was pointed at images of other classes than the candidate was trained on."""


class NothingHeldOut(GateError, UsageError):
    """There are too few images for any to be held out."""


class NotMade(GateError):
    """A process that was to make a variant failed; the verdict says so."""


class Overtaken(GateError):
    """Production is no longer what the candidate was compared with."""


class NotIntact(GateError):
    """What is in production has the candidate's record, and other bytes."""


class WrongSlices(GateError, UsageError):
    """The file of slices is not what it has to be."""
