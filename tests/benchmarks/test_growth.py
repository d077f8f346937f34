"""Which layouts are measured, and what follows from the figures."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.growth import sizing
from benchmarks.growth.layouts import Layout, arranged, layouts
from benchmarks.growth.measure import Memory, Speed
from benchmarks.growth.page import Growth, render, with_tables
from benchmarks.servers import Server

MIB = 2**20
MACHINE = {
    "date": "2026-11-21",
    "cores": 2,
    "processor": "a processor",
    "memory": "24 GiB",
    "kernel": "6",
    "load": 0.1,
    "rounds": 3,
    "seconds": 2,
    "connections": 64,
}


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        (1, [(1, 1)]),
        (2, [(1, 1), (1, 2), (2, 1)]),
        (6, [(1, 1), (1, 2), (2, 1), (1, 4), (4, 1)]),
    ],
)
def test_layouts_are_powers_of_two_in_one_process_and_in_many(
    cores: int, expected: list[tuple[int, int]]
) -> None:
    assert list(layouts(cores)) == [Layout(*each) for each in expected]


@given(st.integers(1, 128))
def test_no_two_processes_share_a_core_and_load_comes_from_elsewhere_where_it_can(
    cores: int,
) -> None:
    numbers = [3 * core for core in range(cores)]
    for layout in layouts(cores):
        used = [core for own in layout.split(numbers) for core in own]
        assert len(used) == len(set(used)) == layout.processes * layout.cores
        spare = set(layout.spare(numbers))
        assert spare == (set(numbers) - set(used) or set(numbers))


def test_each_process_has_its_cores_and_port() -> None:
    server = arranged(Server(["python", "-m", "api"], Path()), Layout(2, 1), [4, 7], 8600)
    assert server.command == [
        "sh",
        "-c",
        "SERVE_PORT=8600 taskset --cpu-list 4 python -m api & "
        "SERVE_PORT=8601 taskset --cpu-list 7 python -m api & wait",
    ]


def test_a_pod_has_room_and_there_are_two_at_least() -> None:
    pod = sizing.pod(1000.0, Memory(100 * MIB, (90 * MIB, 200 * MIB)))
    assert (pod.request, pod.limit, pod.rate) == (128 * MIB, 384 * MIB, 700.0)
    assert sizing.counts(pod, [1, 1400, 1401, 7000]) == [2, 2, 3, 10]


def test_the_page_has_every_layout_and_server() -> None:
    speeds = {
        Layout(1, 1): [Speed(1000, 2.0, 1.6, 0.05, 0), Speed(800, 2.0, 1.6, 0.07, 1)],
        Layout(2, 1): [Speed(2000, 2.0, 4.0, 0.04, 0)],
    }
    growth = Growth("default", MIB, speeds, {"service": Memory(80 * MIB, (81 * MIB, 90 * MIB))})
    page = render([growth], MACHINE, "service")
    assert "| 1 process, 1 core | 450 (400-500) | 562 (500-625) | 60 (50-70) | 1 |" in page
    assert "| 2 processes, 1 core each | 1,000 | 500 | 40 | 0 |" in page
    assert "| service | 80 | 81 | 90 |" in page
    assert "| 1 | 128Mi | 256Mi | 394 |" in page


def test_tables_take_the_place_of_those_before_them() -> None:
    text = "# Sizing\n\n<!-- growth -->\nold\n<!-- end -->\n\nWhy.\n"
    assert with_tables(text, "new\n") == "# Sizing\n\n<!-- growth -->\nnew\n<!-- end -->\n\nWhy.\n"
