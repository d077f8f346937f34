"""Running a stage's ``main`` so that a person sees a sentence and a script sees an exit code."""

import os
import signal
import sys
from collections.abc import Callable, Sequence

from process.errors import Failure


def run(name: str, main: Callable[[Sequence[str]], int]) -> int:
    """Run ``main`` on the command line's arguments and return the process's exit code.

    A :class:`~process.errors.Failure` becomes one line on standard error and its own exit code;
    an interrupt becomes 130, as shells have it; any other exception is a bug and propagates.
    """
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except Failure as failure:
        sys.stderr.write(f"{name}: {failure}\n")
        return failure.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"{name}: interrupted\n")
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code
