"""What a process leaves behind: an exit code, and a sentence where something failed."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from process.command import subcommands

ROOT = Path(__file__).parent.parent.parent

PROGRAM = """
import sys
from process.command import run
from process.errors import Failure, UsageError

def main(argv):
{body}

sys.exit(run("stage", main))
"""


def command(*body: str) -> list[str]:
    """A command whose ``main`` has these lines."""
    return [sys.executable, "-c", PROGRAM.format(body="\n".join(f"    {line}" for line in body))]


def run(*body: str, arguments: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command(*body), *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_the_code_of_main_is_the_process_own() -> None:
    done = run("sys.stdout.write(' '.join(argv))", "return 3", arguments=("one", "two"))
    assert (done.returncode, done.stdout, done.stderr) == (3, "one two", "")


@pytest.mark.parametrize(("error", "code"), [("Failure", 1), ("UsageError", 2)])
def test_a_failure_is_one_sentence(error: str, code: int) -> None:
    done = run(f"raise {error}('no model.h5')")
    assert (done.returncode, done.stderr) == (code, "stage: no model.h5\n")


def test_a_bug_shows_its_traceback() -> None:
    done = run("raise RuntimeError('oops')")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("RuntimeError: oops\n")


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "stage: interrupted\n"), (signal.SIGTERM, 143, "stage: terminated\n")],
)
def test_what_ends_it_from_outside_is_told(number: signal.Signals, code: int, said: str) -> None:
    process = subprocess.Popen(
        command("sys.stdout.write('ready\\n')", "sys.stdout.flush()", "sys.stdin.read()"),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (code, said)


def closed_early(*body: str) -> tuple[int, str]:
    """The exit code and errors of a command whose output nobody reads when it is flushed."""
    process = subprocess.Popen(
        command("sys.stdin.readline()", *body),
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate("go\n", timeout=60)
    return process.returncode, errors


def test_a_reader_who_has_gone_is_no_error() -> None:
    assert closed_early("sys.stdout.write('text')", "return 0") == (141, "")


def test_a_failure_is_told_though_the_reader_has_gone() -> None:
    code, errors = closed_early("sys.stdout.write('text')", "raise Failure('no model.h5')")
    assert (code, errors) == (141, "stage: no model.h5\n")


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    """One with two sub-commands."""
    parser = argparse.ArgumentParser()
    add = subcommands(parser)
    add("list", list, "list them")
    add("print", print, "print one").add_argument("--name")
    return parser


def test_a_subcommand_brings_its_function_and_what_was_given_to_it(
    parser: argparse.ArgumentParser,
) -> None:
    given = parser.parse_args(["print", "--name", "x"])
    assert (given.command, given.name) == (print, "x")
    assert parser.parse_args(["list"]).command is list


@pytest.mark.parametrize("given", [[], ["lis"], ["print", "--nam", "x"]])
def test_a_subcommand_is_needed_and_nothing_is_abbreviated(
    parser: argparse.ArgumentParser, given: list[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(given)
