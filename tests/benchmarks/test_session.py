from pathlib import Path

import pytest

from benchmarks.errors import UnknownName
from benchmarks.load import Load
from benchmarks.results import Results, Visit
from benchmarks.session import Session, describe
from benchmarks.settings import BenchSettings
from process.settings import read


@pytest.mark.parametrize(
    ("field", "variable"), [("servers", "BENCH_SERVERS"), ("models", "BENCH_MODELS")]
)
def test_an_unknown_name_is_refused_with_those_that_exist(
    field: str, variable: str, tmp_path: Path
) -> None:
    settings = read(BenchSettings, {field: "nginx", "work": str(tmp_path)})
    with pytest.raises(UnknownName, match=f"{variable}: .* nginx, but (service|default)"):
        Session(settings, Results({}, {}, {})).prepare()


def test_a_visit_fits_on_a_line() -> None:
    loads = (Load(1, 2.0, 200, 0.01, 0.02), Load(8, 2.0, 4000, 0.01, 0.02, refused=3))
    visit = Visit(1, "small", "ray", 12.34, "x", 2**30, 120, 1, loads=loads)
    assert describe(visit) == (
        "small ray (x): ready in 12.3 s, 1024 MiB, 100, 2,000 answers/s, 3 errors, 1 wrong"
    )


def test_a_visit_that_failed_says_why() -> None:
    assert describe(Visit(1, "small", "ray", problem="it ended")) == "small ray: it ended"
