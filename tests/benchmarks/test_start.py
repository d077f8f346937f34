"""A start is measured from the process to its first ready answer."""

import sys
import textwrap
from pathlib import Path

import pytest

from benchmarks import start
from benchmarks.errors import ServerFailed, Unprepared
from benchmarks.processes import require_free
from benchmarks.servers import Server
from benchmarks.start import COLD, WARM, Start, drop_caches, measure, summary
from tests.ports import free_port

PROGRAM = """
    import sys
    from http.server import BaseHTTPRequestHandler, HTTPServer

    statuses = iter([503, 503])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(next(statuses, 200))
            self.end_headers()

    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def server(program: str, *arguments: str) -> Server:
    return Server([sys.executable, "-c", textwrap.dedent(program), *arguments], Path())


def test_it_is_started_and_ended_for_each_round() -> None:
    port = free_port()
    found = measure(server(PROGRAM, str(port)), port, rounds=2, cold=False)
    assert list(found) == [WARM]
    assert len(found[WARM]) == 2
    assert all(each.seconds > 0 and each.cpu > 0 for each in found[WARM])
    require_free(port)


def test_files_are_forgotten_before_each_cold_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not those of the machine that others work on.
    monkeypatch.setattr(start, "DROP", tmp_path / "drop_caches")
    port = free_port()
    found = measure(server(PROGRAM, str(port)), port, rounds=1, cold=True)
    assert [len(found[kind]) for kind in (WARM, COLD)] == [1, 1]
    assert (tmp_path / "drop_caches").read_text() == "3"


def test_one_that_ends_is_not_measured() -> None:
    with pytest.raises(ServerFailed, match="out of luck"):
        measure(server("import sys; sys.exit('out of luck')"), free_port(), rounds=1, cold=False)


def test_who_may_not_forget_files_learns_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "DROP", tmp_path)
    with pytest.raises(Unprepared, match="START_COLD=false"):
        drop_caches()


def test_the_middle_is_told() -> None:
    starts = [Start(2, 0.5, 0), Start(1, 0.25, 2**20), Start(6, 4, 2**30)]
    assert summary(starts) == (
        "ready after 2.00 s (1.00 to 6.00), 0.50 s of processor time, 1 MiB read"
    )
