"""The command, as a process."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from images.decode import decode

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "images", *arguments], cwd=ROOT, capture_output=True, check=False
    )


def test_the_bytes_are_those_that_training_sees(tmp_path: Path) -> None:
    path = tmp_path / "half transparent.png"
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 4), np.uint8)
    assert cv2.imwrite(str(path), pixels)
    result = run(str(path))
    assert result.returncode == 0
    assert result.stdout == decode(path.read_bytes()).tobytes()


@pytest.mark.parametrize("content", [None, b"text"])
def test_what_is_no_image_is_named_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "notes.txt"
    if content is not None:
        path.write_bytes(content)
    result = run(str(path))
    assert result.returncode == 1
    assert result.stdout == b""
    [line] = result.stderr.decode().splitlines()
    assert line.startswith(f"images: {path}: ")
