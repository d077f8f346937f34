import json
import math
from pathlib import Path

import pytest

from benchmarks.errors import ServerFailed
from benchmarks.load import LONGEST, Load, duration, parse, parse_paced

FIGURES = {
    "microseconds": 2_000_000,
    "requests": 110,
    "p50": 1500,
    "p99": 20_000,
    "status": 10,
    "timeout": 2,
    "connect": 1,
    "read": 3,
    "write": 4,
}
OUTPUT = """Running 2s test @ http://127.0.0.1:8600/
  1 threads and 8 connections
Requests/sec:     55.00
"""


def test_what_wrk_prints_becomes_a_load() -> None:
    load = parse(f"{OUTPUT}{json.dumps(FIGURES)}\n", 8)
    assert load == Load(8, 2.0, 100, 0.0015, 0.02, refused=10, timeouts=2, broken=8)


def test_what_hey_prints_becomes_a_load() -> None:
    rows = [f"{seconds / 1000},0,0,0,0,0,200,0.1" for seconds in range(1, 102)]
    header = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,"
    output = "\n".join([f"{header}status-code,offset", *rows, "0.5,0,0,0,0,0,503,0.2", ""])
    load = parse_paced(output, 8, 2)
    assert (load.answered, load.refused, load.throughput) == (101, 1, 50.5)
    assert (load.p50, load.p99) == (pytest.approx(0.051), pytest.approx(0.1))


@pytest.mark.parametrize("output", ["", "response-time,status-code\n"])
def test_where_hey_got_no_answer_there_is_no_latency(output: str) -> None:
    assert parse_paced(output, 8, 2) == Load(8, 2, 0, 0.0, 0.0)


def test_only_good_answers_count() -> None:
    load = parse(json.dumps(FIGURES), 8)
    assert load.throughput == 50
    assert load.errors == 20


def test_an_output_without_figures_is_an_error() -> None:
    with pytest.raises(ServerFailed, match="no figures"):
        parse(OUTPUT, 8)


@pytest.mark.parametrize(("answered", "steady"), [(15, False), (16, True)])
def test_a_load_of_one_wave_says_nothing_of_latency(answered: int, steady: bool) -> None:
    assert Load(8, 1.0, answered, 0.1, 0.1).steady == steady


@pytest.mark.parametrize(
    ("connections", "throughput", "seconds"),
    [(1, math.inf, 2), (64, 160.0, 2), (64, 150.0, 3), (256, 100.0, LONGEST), (8, 0.0, LONGEST)],
)
def test_a_load_is_longer_where_answers_are_slow(
    connections: int, throughput: float, seconds: int
) -> None:
    assert duration(2, connections, throughput) == seconds


def test_the_script_prints_every_figure() -> None:
    script = Path("benchmarks/wrk.lua").read_text()
    assert all(f'"{name}": %d' in script for name in FIGURES)
