"""Running a stage's ``main`` so that a person sees a sentence and a script sees an exit code.

A ``main`` that does one of several things has sub-commands.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence

from process.errors import Failure
from process.termination import Terminated, terminable

Main = Callable[[Sequence[str]], int]
Add = Callable[[str, Callable[..., object], str], argparse.ArgumentParser]


def run(name: str, main: Main) -> int:
    """Run ``main`` on the command line's arguments and return the process's exit code.

    A :class:`~process.errors.Failure` becomes one line on standard error and its own exit code;
    an interrupt becomes 130, SIGTERM 143 and a closed pipe 141, as shells have it; any other
    exception is a bug and propagates.
    """
    try:
        code = _explained(name, main)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code


def subcommands(parser: argparse.ArgumentParser) -> Add:
    """What adds a sub-command to ``parser``, which then asks for one.

    It takes the name, the function that parsed arguments have as ``command``, and the purpose.
    """
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[..., object], purpose: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=purpose, description=purpose, allow_abbrev=False)
        one.set_defaults(command=command)
        return one

    return add


def _explained(name: str, main: Main) -> int:
    try:
        # By default it would be ignored in process 1, as a container has it.
        with terminable():
            return main(sys.argv[1:])
    except Failure as failure:
        sys.stderr.write(f"{name}: {failure}\n")
        return failure.exit_code
    except Terminated:
        sys.stderr.write(f"{name}: terminated\n")
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        sys.stderr.write(f"{name}: interrupted\n")
        return 128 + signal.SIGINT
