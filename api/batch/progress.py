"""How far a batch has come: a bar on a terminal, and now and then a line in a log."""

import logging
import time
from collections.abc import Callable
from typing import TextIO

logger = logging.getLogger(__name__)

WIDTH = 30  # columns
EVERY = 10.0  # seconds between two lines in a log


class Progress:
    """Tells of progress.

    Args:
        total: images in all.
        before: how many of them were done before.
        terminal: where the bar is drawn; None for lines in the log.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        total: int,
        before: int,
        terminal: TextIO | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._before = self._done = before
        self._terminal = terminal
        self._clock = clock
        self._began = self._said = clock()
        self._tell()

    def add(self, images: int) -> None:
        """Note that so many more images are done."""
        self._done += images
        if self._terminal or self._done == self._total or self._clock() - self._said >= EVERY:
            self._tell()

    def close(self) -> None:
        """Leave the bar as it is, on a line of its own."""
        if self._terminal:
            self._terminal.write("\n")

    def __str__(self) -> str:
        count = f"{self._done:,} of {self._total:,} images"
        done, elapsed = self._done - self._before, self._clock() - self._began
        if not done or not elapsed:
            return count
        left = (self._total - self._done) * elapsed / done
        return f"{count}, {done / elapsed:,.1f}/s, {left:,.0f} s left"

    def _tell(self) -> None:
        if self._terminal:
            filled = WIDTH * self._done // self._total
            bar = "#" * filled + "-" * (WIDTH - filled)
            self._terminal.write(f"\r[{bar}] {self}\033[K")  # which clears the rest of the line
            self._terminal.flush()
        else:
            self._said = self._clock()
            logger.info("%s", str(self))  # as it is now
