"""A short soak, and proof that it would find what it looks for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.processes import Process
from tests.gcs.gcs_process import GCSServer
from tests.nginx.upstream import Handler, Upstream
from tests.soak import phases, smuggling
from tests.soak.__main__ import soak
from tests.soak.callers import Asked, Callers
from tests.soak.laws import disagreements, p99, violations
from tests.soak.report import Report

LABELS = {"one": "1", "two": "2"}


@pytest.fixture
def report() -> Iterator[Report]:
    """Of which no line says that anything was wrong."""
    report = Report()
    yield report
    assert report.violations == []


def test_swaps_with_corrupt_candidates_in_between(tmp_path: Path, report: Report) -> None:
    phases.swaps(tmp_path, report, count=20, corrupt=5)


def test_kills(tmp_path: Path, report: Report) -> None:
    phases.kills(tmp_path, report, count=2)


@pytest.mark.usefixtures("gcs_bucket")
def test_outages(tmp_path: Path, report: Report, gcs_server: GCSServer) -> None:
    phases.outages(tmp_path, report, gcs_server, count=1)


def test_a_full_disk(tmp_path: Path, report: Report) -> None:
    phases.full_disk(tmp_path, report, count=1)


def test_slow_connections(tmp_path: Path, report: Report) -> None:
    phases.slow_connections(tmp_path, report, count=400, requests=100)


def test_smuggled_requests(tmp_path: Path, report: Report) -> None:
    phases.smuggled(tmp_path, report)


def asked(*answers: tuple[str, str], status: int = 200, seconds: float = 0.0) -> Asked:
    return Asked("id", 0.0, seconds, status, answers)


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (asked(status=503), "503"),
        (asked(status=0), "0"),
        (asked(("one", "2")), "version one said 2"),
        (asked(("three", "1")), "version three said 1"),
        (asked(("one", "1"), ("two", "2")), "one"),
    ],
)
def test_what_breaks_a_law_is_found(one: Asked, sentence: str) -> None:
    [found] = violations([asked(("one", "1"), ("one", "1")), one], LABELS)
    assert sentence in found


def test_an_index_is_held_against_the_version_in_the_log() -> None:
    log = [{"request_id": "id", "version": "one"}]
    assert disagreements([asked(("", "1"))], log, LABELS) == []
    assert disagreements([asked(("", "2"))], log, LABELS) == ["id: version one said 2"]
    assert disagreements([asked(("", "2"))], [], LABELS) == ["id: version None said 2"]


def test_one_in_a_hundred_may_be_slower() -> None:
    times = [asked(seconds=0.1)] * 99 + [asked(seconds=5.0)]
    assert p99(times) == 0.1
    assert p99([*times, asked(seconds=5.0)]) == 5.0


def test_callers_write_down_what_they_get(tmp_path: Path) -> None:
    def behave(handler: Handler) -> None:
        if handler.path == "/predict":
            handler.cut()
        else:
            handler.answer(200, message="7")

    with Upstream() as upstream:
        upstream.behave = behave
        with Callers(f"http://127.0.0.1:{upstream.port}", tmp_path / "asked") as callers:
            callers.wait_for(20)
            found = callers.stop()
    assert {each.status for each in found} == {0, 200}
    assert {each.answers for each in found} == {(), (("", "7"),)}
    assert len({each.id for each in found}) == len(found)


def test_what_nobody_has_foreseen_is_a_violation(capsys: pytest.CaptureFixture[str]) -> None:
    def stumble(folder: Path, report: Report) -> None:
        raise OSError(folder)

    report = Report()
    soak("a phase", stumble, report)
    assert report.violations[0].startswith("a phase: OSError: ")
    assert "VIOLATION a phase" in capsys.readouterr().out


def test_hidden_requests_are_heard_where_they_are_not_hidden(tmp_path: Path) -> None:
    with Process(tmp_path) as service:
        service.wait_for("/health")
        assert phases.heard(service) == 0
        answers = smuggling.answers(service.connect(), 2 * smuggling.HIDDEN)
        assert phases.heard(service) == 2
    assert answers.count(b"HTTP/1.1 404 ") == 2
