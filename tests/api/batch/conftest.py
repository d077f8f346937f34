from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from api.batch.ledger import Asked, Job

WIDTH = 4  # pixels


@pytest.fixture
def job() -> Job:
    """A job in blocks of two."""
    asked = Asked("source", "jsonl", None, 2, "follow", "auto", "auto")
    return Job(asked, "a" * 64, "onnx", "float32", 0.0, 7)


@pytest.fixture
def draw(tmp_path: Path) -> Callable[[str, int], Path]:
    """Writes a grey image of that level, below the folder ``source``."""

    def write(name: str, level: int) -> Path:
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), np.full((WIDTH, WIDTH), level, np.uint8))
        return path

    return write


@pytest.fixture
def source(tmp_path: Path, draw: Callable[[str, int], Path]) -> Path:
    """Seven files, of which one is damaged."""
    for level in range(6):
        draw(f"{level % 2}/{level}.png", level)
    damaged = draw("damaged.png", 0)
    damaged.write_bytes(damaged.read_bytes()[:40])
    return tmp_path / "source"
