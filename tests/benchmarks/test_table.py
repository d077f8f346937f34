import json
from pathlib import Path

import pytest

from benchmarks import plot, table
from benchmarks.load import Load
from benchmarks.results import FILE, Forward, Results, Visit

MACHINE = {"cores": 2, "processor": "P", "memory": "8 GB", "kernel": "6.1", "python": "3.11"}


def visit(number: int, server: str, answered: int, **facts: int) -> Visit:
    load = Load(8, 2.0, answered, 0.004, 0.009, refused=facts.pop("refused", 0))
    late = facts.pop("late", 0)
    half = Load(8, 2.0, answered // 2, 0.002, 0.003 * number, refused=late)
    kept = {"ready": 1.5, "memory": 2**30, "asked": 100, "loads": (load,), "half": half}
    return Visit(number, "small", server, **kept, **facts)  # type: ignore[arg-type]


@pytest.fixture
def results() -> Results:
    return Results(
        MACHINE,
        {},
        {"seconds": 2, "date": "2026-01-01"},
        {"ray": "it does not install"},
        [
            visit(1, "service", 2000),
            visit(1, "other", 1000, wrong=3, refused=7, late=2),
            visit(1, "echo", 4000),
            visit(2, "service", 2400),
            visit(2, "other", 800, strays=2),
            Visit(1, "small", "broken", problem="it ended with exit code 1"),
        ],
        [
            Forward(1, "small", "tensorflow", {1: 400.0, 32: 1000.0}),
            Forward(2, "small", "tensorflow", {1: 500.0, 32: 2000.0}),
        ],
    )


def test_figures_stand_with_their_spread(results: Results) -> None:
    page = table.render(results, [8])
    assert "| service | 1,100 (1,000 to 1,200) |" in page
    assert "| other | 450 (400 to 500) |" in page
    assert "| service | 4.0 / 9.0 | 2.0 / 4.5 |" in page


def test_mistakes_are_added_up_over_the_rounds(results: Results) -> None:
    assert "| other | - | 1.5 | 1,024 | 9 | 3 of 200 | 2 |" in table.render(results, [8])


def test_ratios_are_of_the_service_over_the_others(results: Results) -> None:
    page = table.render(results, [8])
    assert "| other | 2.50 (2.00 to 3.00) | 1.00 | 1.00 | 1.00 | 1.00 |" in page


def test_the_best_batch_of_each_runtime_is_shown(results: Results) -> None:
    assert "| tensorflow | 1,500 (1,000 to 2,000) | 32 |" in table.render(results, [8])


def test_a_service_is_held_against_what_its_bare_costs_allow_together(results: Results) -> None:
    # 1 / (1/1000 + 1/2000) is 667 images per second, of which 500 are three quarters.
    results.visits.append(visit(1, "service-tensorflow", 1000))
    page = table.render(results, [8])
    assert "| tensorflow | 1,500 (1,000 to 2,000) | 32 | 667 | 0.75 |" in page


def test_whatever_was_not_measured_says_why(results: Results) -> None:
    page = table.render(results, [8])
    assert "- ray: it does not install" in page
    assert "- broken (small, round 1): it ended with exit code 1" in page


def test_latencies_that_are_incomplete_are_marked(results: Results) -> None:
    results.visits.append(visit(3, "other", 4))
    assert "| other | ≥ 4.0 / 9.0 |" in table.render(results, [8])


def test_results_are_written_and_drawn(results: Results, tmp_path: Path) -> None:
    results.write(tmp_path)
    written = json.loads((tmp_path / FILE).read_text())
    assert written["visits"][1]["wrong"] == 3
    assert plot.draw(results, [8], tmp_path).read_bytes().startswith(b"\x89PNG")


def test_a_server_that_answered_nothing_has_no_latency(results: Results) -> None:
    silent = Load(8, 2.0, 0, 0.0, 0.0, timeouts=8)
    results.visits.append(Visit(1, "small", "silent", loads=(silent,)))
    assert "| silent | - |" in table.render(results, [8])


def test_what_ran_the_model_is_named_each_time_it_changed(results: Results) -> None:
    for number, runs in enumerate(["onnx int8", "onnx int8", "tensorflow float32"], start=3):
        results.visits.append(
            Visit(number, "small", "auto", 1.0, runs, loads=(Load(8, 1, 9, 1, 1),))
        )
    assert "| auto | onnx int8, tensorflow float32 |" in table.render(results, [8])
