"""Mutations judged by several workers at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

WORKERS = 2
WORKER = Path(__file__).with_name("worker.py")


def judge(genuine: Path, count: int) -> dict[int, str]:
    """What was found in each of ``count`` mutations; ``harmless`` is what was accepted."""
    with ThreadPoolExecutor(WORKERS) as threads:
        parts = list(threads.map(partial(_judge, genuine, count), range(WORKERS)))
    lines = [line.partition(" ") for part in parts for line in part.splitlines()]
    return {int(number): found for number, _, found in lines}


def _judge(genuine: Path, count: int, first: int) -> str:
    command = [sys.executable, "-I", WORKER, genuine, first, WORKERS, count]
    return subprocess.run(
        list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True
    ).stdout
