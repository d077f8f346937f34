from benchmarks.settings import QUICK, BenchSettings, quickened
from process.settings import read


def test_a_quick_run_is_quick() -> None:
    settings = quickened(read(BenchSettings, {"quick": "true"}))
    assert {name: getattr(settings, name) for name in QUICK} == QUICK


def test_what_somebody_has_set_stays_in_a_quick_run() -> None:
    settings = quickened(read(BenchSettings, {"quick": "true", "rounds": "3"}))
    assert (settings.rounds, settings.seconds) == (3, 1)


def test_a_run_is_as_long_as_it_says() -> None:
    assert quickened(read(BenchSettings)).rounds == 5
