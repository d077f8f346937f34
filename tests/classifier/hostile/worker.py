"""A process that examines mutations: ``python -m ... GENUINE FIRST STEP STOP``.

It writes a line for each: its number, and ``harmless``, or what was found, or the signal that
ended the examination. That runs in a copy of this process, which is renewed when it dies of one.
"""

import mmap
import os
import resource
import signal
import struct
import sys
import tempfile
from io import FileIO
from pathlib import Path

from classifier.inspection.child import MEMORY
from classifier.inspection.examine import examine
from classifier.inspection.finding import Finding
from tests.classifier.hostile.mutations import mutated

CPU = 0.04  # seconds for one, which takes a tenth of that unless libhdf5 hangs
EVENTS: list[str] = []


def main() -> None:
    genuine = Path(sys.argv[1]).read_bytes()
    first, step, stop = map(int, sys.argv[2:])
    current = mmap.mmap(-1, 8)  # the number that the copy is at
    with tempfile.NamedTemporaryFile(buffering=0) as named:
        assert judged(genuine, named.file) == "harmless"  # what Python still loads, it loads now
        while first < stop:
            copy = os.fork()
            if copy == 0:
                code = 1
                try:
                    examine_all(genuine, range(first, stop, step), named.file, current)
                    code = 0
                finally:
                    os._exit(code)  # the file is not the copy's to remove
            code = os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])
            if code == 0:
                break
            (number,) = struct.unpack("Q", current[:])
            say(number, signal.Signals(-code).name if code < 0 else f"exit code {code}")
            first = number + step


def examine_all(genuine: bytes, numbers: range, file: FileIO, current: mmap.mmap) -> None:
    limit()
    sys.addaudithook(note)
    for number in numbers:
        current[:] = struct.pack("Q", number)
        found = judged(mutated(genuine, number), file)
        say(number, f"did {EVENTS}" if EVENTS else found)


def note(event: str, arguments: object) -> None:
    """Keep what Python does beyond computing, but for what this process does itself."""
    if event not in {"builtins.id", "os.truncate"}:
        EVENTS.append(event)


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    free = os.dup(0)  # the lowest descriptor that is free, which libhdf5 will take
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, free + 1))


def judged(content: bytes, file: FileIO) -> str:
    """What the examination says of a file with this content."""
    os.ftruncate(file.fileno(), 0)
    os.pwrite(file.fileno(), content, 0)
    file.seek(0)
    signal.setitimer(signal.ITIMER_PROF, CPU)  # SIGPROF ends this process
    try:
        examine(file)
    except Finding as finding:
        return str(finding)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "harmless"


def say(number: int, found: str) -> None:
    sys.stdout.write(f"{number} {found}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
