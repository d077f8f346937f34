"""Reading what the service's own metrics write."""

import pytest

from api.metrics import Metrics
from rollout.errors import Unreadable
from rollout.figures import Counts, read


def exposition(*requests: tuple[str, str, int, float]) -> str:
    metrics = Metrics()
    for route, method, status, seconds in requests:
        metrics.count_request(route, method, status, seconds)
    return metrics.exposition().decode()


def test_of_all_requests_those_with_images_count() -> None:
    text = exposition(
        ("/", "POST", 200, 0.01),
        ("/", "POST", 200, 0.5),
        ("/", "POST", 503, 0.6),
        ("/", "POST", 500, 40),
        ("/", "POST", 400, 0.001),
        ("/predict", "POST", 500, 40),
        ("/ready", "GET", 503, 40),
    )
    assert read(text, ["/"], 0.5).counts == Counts(requests=5, errors=2, timed=5, slow=2)
    assert read(text, ["/", "/predict"], 0.5).counts == Counts(6, 3, 6, 3)
    assert read(text, ["/"], 30).counts.slow == 1


def test_a_process_says_when_it_started() -> None:
    assert read(exposition(), ["/"], 0.5).started > 1.7e9


def test_a_service_that_nobody_has_asked_has_counted_nothing() -> None:
    assert read(exposition(), ["/"], 0.3).counts == Counts()


def test_a_bound_that_is_not_the_histograms_is_refused_with_those_that_are() -> None:
    with pytest.raises(Unreadable, match=r"ROLLOUT_SLOW_SECONDS=0\.3 .* 0\.25, 0\.5, 1, "):
        read(exposition(("/", "POST", 200, 0.01)), ["/"], 0.3)


def test_another_programs_answer_is_refused() -> None:
    with pytest.raises(Unreadable, match="not in Prometheus"):
        read("<html>not { metrics", ["/"], 0.5)
