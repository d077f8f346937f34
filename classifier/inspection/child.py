"""The process that touches a model file first: limits on itself, one examination, one verdict.

The file is its standard input. It ends with code 0 and :data:`HARMLESS` on standard output, or
with :data:`REFUSED` and a sentence, or in any other way, which its parent takes as a refusal.
"""

import codecs
import io
import resource
import signal
import sys

HARMLESS = "harmless"
REFUSED = 3  # exit code

MEMORY = 1 << 30  # bytes of address space, of which Python, numpy and h5py take 0.15e9
CPU = 6  # seconds
WALL = 4  # seconds, for the file alone: how long Python takes to start says nothing about it
# Standard input, output and error, and the one file that libhdf5 opens, which is its input.
DESCRIPTORS = 4
DEEPEST = 200  # calls within calls of Python, as which it reads JSON


class Forbidden(BaseException):
    """The examination did more than to read and compute: a fault of ours, or a hole."""


def main() -> int:
    """Examine standard input, and say on standard output what came of it."""
    limit_process()
    from classifier.inspection.examine import examine
    from classifier.inspection.finding import Finding

    file = io.FileIO(0, closefd=False)
    limit_examination()
    try:
        examine(file)
    except Finding as finding:
        sys.stdout.write(str(finding))
        return REFUSED
    sys.stdout.write(HARMLESS)
    return 0


def limit_process() -> None:
    """Bound what the whole process may take."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))


def limit_examination() -> None:
    """Bound what it may do from now on: compute, read its input, and say what it found."""
    for codec in ("ascii", "latin-1"):  # h5py reads names with them; Python loads each on first use
        codecs.lookup(codec)
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    sys.setrecursionlimit(DEEPEST)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # what the parent ignores, its child does too
    signal.setitimer(signal.ITIMER_REAL, WALL)
    sys.addaudithook(_forbid)


def _forbid(event: str, arguments: tuple[object, ...]) -> None:
    """Let Python do nothing that PEP 578 finds worth an event, as opening and importing are."""
    if event != "builtins.id" and not event.startswith("cpython."):  # the latter end the process
        raise Forbidden(f"{event} in the course of an examination")
