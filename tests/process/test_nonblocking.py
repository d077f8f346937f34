"""Lines on a real pipe that is read late, or never."""

import logging
import os
import re
import threading
from collections.abc import Iterator

import pytest

from process.nonblocking import PIECE, ROOM, NonBlockingHandler

FOREVER = 60.0  # seconds; no test waits for as long unless it fails


class Pipe:
    """A pipe with a handler at one end."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.handler = NonBlockingHandler(self.writer)
        self.log = logging.Logger("test")
        self.log.addHandler(self.handler)

    def read(self) -> str:
        """All that was logged so far, once all is written."""
        end = threading.Timer(0, self._end)
        end.start()
        with os.fdopen(self.reader, closefd=False) as file:
            return file.read()

    def _end(self) -> None:
        self.handler.flush()
        os.close(self.writer)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    opened = Pipe()
    yield opened
    os.close(opened.reader)
    opened.handler.close()


def is_written(pipe: Pipe) -> bool:
    return not any(each.name == "log" for each in threading.enumerate())


def test_a_line_is_in_the_pipe_when_the_call_returns(pipe: Pipe) -> None:
    pipe.log.info("one %s", "ü\udc80")
    assert os.read(pipe.reader, 100) == "one ü\\udc80\n".encode()
    assert is_written(pipe)


def test_long_and_short_lines_keep_their_order(pipe: Pipe) -> None:
    lines = [str(number) * (1 if number % 3 else PIECE) for number in range(30)]
    for line in lines:
        pipe.log.info(line)
    assert pipe.read().splitlines() == lines


def test_lines_of_many_threads_stay_whole_and_in_the_order_of_each(pipe: Pipe) -> None:
    def write(name: int) -> None:
        for number in range(90):
            pipe.log.info("%d %d %s", name, number, "x" * (10 if number % 7 else 2 * PIECE))

    threads = [threading.Thread(target=write, args=[name]) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(FOREVER)
    found = [line.split()[:2] for line in pipe.read().splitlines()]
    for name in range(4):
        assert [each for each in found if each[0] == str(name)] == [
            [str(name), str(number)] for number in range(90)
        ]


def test_what_a_pipe_that_nobody_reads_has_no_room_for_is_counted_and_told_of(pipe: Pipe) -> None:
    for number in range(20_000):
        pipe.log.info("%06d %s", number, "x" * 92)
    pipe.log.info("the last")
    *kept, loss = pipe.read().splitlines()
    assert [int(line[:6]) for line in kept] == list(range(len(kept)))
    assert len(kept) >= ROOM // 100
    [lost] = re.findall(r"^(\d+) lines of the log are lost", loss)
    assert int(lost) + len(kept) == 20_001


def test_the_log_goes_on_when_the_pipe_is_read_again(pipe: Pipe) -> None:
    for number in range(20_000):
        pipe.log.info("%06d %s", number, "x" * 92)
    received = b""
    while b"are lost" not in received:
        received += os.read(pipe.reader, 65536)
    pipe.handler.flush()
    pipe.log.info("and on")
    assert pipe.read().splitlines()[-1] == "and on"


def test_a_reader_that_has_gone_takes_what_waits_with_it(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    pipe.log.info("x" * ROOM)
    os.close(pipe.reader)
    pipe.handler.flush()
    pipe.log.info("y")
    assert is_written(pipe)
    pipe.reader = os.dup(pipe.writer)  # for the fixture to close
    os.close(pipe.writer)
