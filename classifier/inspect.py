"""Whether a model file may be loaded, found out before Keras or TensorFlow touch it.

Safe mode is not enough: it trusts the container, builds what the configuration asks for before
it looks at a weight, and bars layers by a list of names. So each file is read first by a process
of its own (``classifier.inspection.child``): h5py without Keras, no environment, and the kernel's
limits on memory, time, descriptors and writing. A crash of libhdf5 is that process's crash, and a
refusal.

What the limits cannot stop is code that takes over that process through a hole in libhdf5: it
may then do what its user may. That is why so little of the format is allowed, and why most of it
is refused by the first bytes of a file or of an object, before libhdf5 goes on.
"""

import io
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from subprocess import PIPE, STDOUT
from tempfile import NamedTemporaryFile

from classifier.errors import HostileModel, UnreadableModel
from classifier.inspection.child import HARMLESS, REFUSED, WALL

LARGEST = 1 << 30  # bytes; VGG19, the largest of keras.applications that loads, takes 0.6e9
BLOCK = 1 << 20  # bytes

# For a child that does not get as far as its own limits, as on a machine that is out of memory.
PATIENCE = 60  # seconds
PIPE_BUFFER = 1 << 16  # bytes that it can say while nobody reads
LONGEST = 1_000  # characters of them that we repeat

ROOT = Path(__file__).parent.parent
# `-m` would search the working directory, which -I forbids.
START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from classifier.inspection.child import main; sys.exit(main())"
)
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",  # it reserves memory for each
    "HDF5_PLUGIN_PRELOAD": "::",  # no filter is ever loaded from a library
}


def inspect(path: Path) -> None:
    """Require a file that holds a model of plain Keras layers with finite weights, and no more.

    Raises:
        UnreadableModel: the file is missing or cannot be inspected.
        HostileModel: it must not be loaded; the message says what was found, and where.
    """
    with _opened(path) as file:
        _judge(file, path)


@contextmanager
def inspected(path: Path) -> Iterator[Path]:
    """A copy of ``path`` that has passed :func:`inspect` and that no other user can change.

    What is loaded is thereby what was inspected, whoever writes to ``path`` in the meantime.
    """
    with _copied(path) as copy:
        with _opened(copy) as file:
            _judge(file, path)
        yield copy


@contextmanager
def _copied(path: Path) -> Iterator[Path]:
    with _opened(path) as file, ExitStack() as stack:
        try:
            copy = stack.enter_context(NamedTemporaryFile(prefix="model-", suffix=".hdf5"))
            blocks = iter(partial(file.read, BLOCK), b"")
            copy.writelines(islice(blocks, LARGEST // BLOCK + 1))  # it may grow while it is read
            copy.flush()
        except OSError as error:
            folder = tempfile.gettempdir()
            raise UnreadableModel(
                f"{path} cannot be copied into {folder}: {error.strerror}"
            ) from error
        yield Path(copy.name)


@contextmanager
def _opened(path: Path) -> Iterator[io.FileIO]:
    """The regular file ``path``, of a size that a model may have."""
    try:
        # A FIFO would else be waited for until it has a writer.
        file = io.FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
    except OSError as error:
        raise UnreadableModel(f"{path} cannot be read: {error.strerror}") from error
    with file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableModel(f"{path} is not a file")
        if found.st_size > LARGEST:
            raise HostileModel(f"{path} has {found.st_size} bytes, more than {LARGEST}")
        yield file


def _judge(file: io.FileIO, path: Path) -> None:
    code, said = _examine(file, path)
    if (code, said) == (0, HARMLESS):
        return
    if code == REFUSED:
        raise HostileModel(f"{path} must not be loaded: {said}")
    if code == -signal.SIGALRM:
        raise HostileModel(f"{path} must not be loaded: reading it takes more than {WALL} seconds")
    if code < 0:
        name = signal.Signals(-code).name
        raise HostileModel(f"{path} must not be loaded: its reader ended with {name}")
    raise UnreadableModel(f"{path} could not be inspected: {said or f'exit code {code}'}")


def _examine(file: io.FileIO, path: Path) -> tuple[int, str]:
    """The exit code of the process that reads ``file``, and what it said."""
    command = [sys.executable, "-I", "-c", START, str(ROOT)]
    try:
        child = subprocess.Popen(
            command, stdin=file, stdout=PIPE, stderr=STDOUT, env=ENVIRONMENT, cwd="/"
        )
    except OSError as error:
        raise UnreadableModel(f"{path} could not be inspected: {error.strerror}") from error
    with child:
        with suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)
        child.kill()
        assert child.stdout is not None
        said = child.stdout.read(PIPE_BUFFER).decode("ascii", "replace").strip()
    last = said.rpartition("\n")[2][-LONGEST:]  # of a traceback, the line that says what it was
    return child.returncode, "".join(c if c.isprintable() else "?" for c in last)
