"""Mutations judged by several workers at once, and those accepted loaded."""

import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[3]
WORKERS = 2


def judge(genuine: Path, count: int) -> dict[int, str]:
    """What was found in each of ``count`` mutations; ``harmless`` is what was accepted."""
    with ThreadPoolExecutor(WORKERS) as threads:
        parts = list(threads.map(partial(_judge, genuine, count), range(WORKERS)))
    lines = [line.partition(" ") for part in parts for line in part]
    return {int(number): found for number, _, found in lines}


def _judge(genuine: Path, count: int, first: int) -> list[str]:
    return _run("worker", genuine, first, WORKERS, count)


def load(genuine: Path, numbers: Iterable[int]) -> list[str]:
    """What is wrong with mutations that were accepted, and then how many contents they had."""
    return _run("loader", genuine, lines="".join(f"{number}\n" for number in numbers))


def _run(module: str, *arguments: object, lines: str = "") -> list[str]:
    command = [sys.executable, "-m", f"tests.classifier.hostile.{module}", *map(str, arguments)]
    ended = subprocess.run(
        command,
        input=lines,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    )
    return ended.stdout.splitlines()
