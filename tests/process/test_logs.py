"""Lines that a machine can read, and lines that a person can."""

import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent

PROGRAM = """
import logging, threading, warnings
from process.logs import LogSettings, configure
from process.settings import read

configure(read(LogSettings))
log = logging.getLogger("stage.part")
"""


def run(*lines: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM + "\n".join(lines)],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )


def logged(*lines: str, **variables: str) -> list[dict[str, Any]]:
    """What the program logs, a dictionary a line, where a machine reads it."""
    done = run(*lines, **variables)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_line_carries_what_it_is_searched_by() -> None:
    [line] = logged("log.warning('got %s', 'ünïcode\\nand\\t\\x1b', extra={'alert_key': 'k'})")
    time = datetime.fromisoformat(line.pop("time"))
    assert time.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - time) < timedelta(minutes=5)
    assert line == {
        "level": "WARNING",
        "logger": "stage.part",
        "message": "got ünïcode\nand\t\x1b",
        "alert_key": "k",
    }


def test_values_that_json_has_not_are_written_as_text() -> None:
    [line] = logged(
        "import pathlib", "log.error('x', extra={'path': pathlib.Path('a'), 'kind': {1}})"
    )
    assert line["path"] == "a"


def test_an_exception_is_in_its_line() -> None:
    [line] = logged("try:", "    1 / 0", "except ZeroDivisionError:", "    log.exception('failed')")
    assert line["message"] == "failed"
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


def test_warnings_are_logged() -> None:
    [line] = logged("warnings.warn('old')")
    assert (line["level"], line["logger"]) == ("WARNING", "py.warnings")
    assert "UserWarning: old" in line["message"]


def test_uncaught_exceptions_are_logged() -> None:
    thread, main = logged(
        "def fail(name): raise RuntimeError(name)",
        "thread = threading.Thread(target=fail, args=['in a thread'])",
        "thread.start()",
        "thread.join()",
        "fail('in main')",
    )
    assert (thread["level"], main["level"]) == ("CRITICAL", "CRITICAL")
    assert thread["exception"].endswith("RuntimeError: in a thread")
    assert main["exception"].endswith("RuntimeError: in main")


def test_an_uncaught_exception_still_ends_the_process_with_1() -> None:
    assert run("raise RuntimeError").returncode == 1


def test_a_thread_may_end_itself() -> None:
    assert logged("thread = threading.Thread(target=exit)", "thread.start()", "thread.join()") == []


@pytest.mark.parametrize(
    ("level", "written"), [("DEBUG", ["d", "i", "e"]), ("INFO", ["i", "e"]), ("ERROR", ["e"])]
)
def test_less_severe_lines_are_left_out(level: str, written: list[str]) -> None:
    lines = logged("log.debug('d')", "log.info('i')", "log.error('e')", LOG_LEVEL=level)
    assert [line["message"] for line in lines] == written


def test_loggers_made_before_are_kept() -> None:
    [line] = logged("configure(read(LogSettings))", "log.info('still here')")
    assert line["message"] == "still here"


def test_text_is_for_people() -> None:
    done = run("log.warning('careful')", LOG_FORMAT="text")
    assert done.stderr.endswith(" WARNING stage.part: careful\n")


def test_a_terminal_gets_text() -> None:
    terminal, end = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-c", PROGRAM + "log.warning('careful')"],
            cwd=ROOT,
            stderr=end,
            timeout=60,
            check=True,
        )
        assert b" WARNING stage.part: careful" in os.read(terminal, 4096)
    finally:
        os.close(terminal)
        os.close(end)


def test_nobody_waits_for_a_reader_that_has_stopped_and_it_misses_nothing_when_it_goes_on() -> None:
    program = "for number in range(5000): log.info('line %d', number)\nprint('done', flush=True)"
    with started(program) as process:
        assert process.stdout
        assert process.stdout.readline() == "done\n"
        _, log = process.communicate(timeout=60)
    messages = [json.loads(line)["message"] for line in log.splitlines()]
    assert messages == [f"line {number}" for number in range(5000)]


def test_a_process_ends_though_nobody_reads_what_it_logs() -> None:
    with started("for number in range(20_000): log.info('line %d', number)") as process:
        assert process.wait(60) == 0


def started(program: str) -> subprocess.Popen[str]:
    """A process whose standard error nobody reads yet."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM + program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
