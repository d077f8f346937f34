"""Progress is told as often as it helps."""

import io
import logging

import pytest

from api.batch.progress import EVERY, WIDTH, Progress
from tests.clock import Clock


def test_a_bar_on_a_terminal_shows_how_far_it_is_and_how_long_it_takes(clock: Clock) -> None:
    terminal = io.StringIO()
    progress = Progress(1200, 200, terminal, clock)
    clock.now += 2
    progress.add(400)
    progress.close()
    first, second = terminal.getvalue().split("\r")[1:]
    assert first.startswith(f"[{'#' * 5}{'-' * 25}] 200 of 1,200 images\033")
    assert second.startswith(
        f"[{'#' * (WIDTH // 2)}{'-' * 15}] 600 of 1,200 images, 200.0/s, 3 s left"
    )
    assert second.endswith("\n")


def test_a_log_gets_a_line_now_and_then_and_one_at_the_end(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    with caplog.at_level(logging.INFO):
        progress = Progress(10, 0, None, clock)
        for _ in range(10):
            clock.now += EVERY / 4
            progress.add(1)
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split()[0] for line in lines] == ["0", "4", "8", "10"]
