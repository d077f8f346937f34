"""Two replicas: who answers, one that is killed, a swap under load, and more than they take."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import requests

from images import NBYTES
from tests.api.processes import WITHIN
from tests.api.ray.scaling.conftest import Production
from tests.api.ray_environment import Program
from tests.api.ray_service import (
    configure,
    eventually,
    replicas,
    serving,
    shares,
    wait_for_replicas,
)
from tests.soak.callers import Callers
from tests.soak.laws import violations

TWO = {"autoscaling_config": None, "num_replicas": 2, "ray_actor_options": {"num_cpus": 0.1}}
CONNECTIONS = 8
SOME = 200  # requests


@contextmanager
def two_replicas(folder: Path, **fields: int) -> Iterator[tuple[Program, str]]:
    """The program with two replicas that are ready, and its URL."""
    url = configure(folder, **TWO, **fields)
    with serving(folder) as program:
        wait_for_replicas(program, "2 RUNNING")
        yield program, url


def images(count: int) -> bytes:
    """Different ones, each of one colour."""
    return b"".join(bytes([index * 255 // count]) * NBYTES for index in range(count))


def test_requests_are_shared_out_and_answered_alike(tmp_path: Path, production: Production) -> None:
    with two_replicas(tmp_path) as (program, url), ThreadPoolExecutor(CONNECTIONS) as threads:

        def ask(_: int) -> str:
            answer = requests.post(f"{url}/predict?proba=1", data=images(3), timeout=WITHIN)
            assert answer.ok, answer.text
            return str(answer.json()["data"])

        assert len(set(threads.map(ask, range(SOME)))) == 1
        answered = [share.answered for share in shares(url, program, 2)]
        assert sum(answered) == SOME
        assert all(answered)


def test_a_swap_under_load_reaches_both_and_fails_nobody(
    tmp_path: Path, production: Production
) -> None:
    with two_replicas(tmp_path) as (program, url):
        with Callers(url, tmp_path / "answers", CONNECTIONS) as callers:
            callers.wait_for(SOME)
            version = production.put(1)
            eventually(program, lambda: version in answering(callers))
            callers.wait_for(len(callers.asked()) + SOME)
            asked = callers.stop()
        assert violations(asked, production.labels) == []
        assert answering(callers) == set(production.labels)
        eventually(program, lambda: versions(url, program) == {version})


def versions(url: str, program: Program) -> set[str]:
    """What the two serve."""
    return {share.version for share in shares(url, program, 2)}


def answering(callers: Callers) -> set[str]:
    """The versions that have answered."""
    return {version for each in callers.asked() for version, _ in each.answers if version}


def test_of_a_replica_that_is_killed_only_requests_in_flight_fail_and_another_comes(
    tmp_path: Path, production: Production
) -> None:
    with two_replicas(tmp_path) as (program, url):
        victim, left = replicas(program)
        with Callers(url, tmp_path / "answers", CONNECTIONS, rate=400) as callers:
            callers.wait_for(SOME)
            before = len(program.log)
            os.kill(victim, signal.SIGKILL)
            eventually(program, lambda: victim not in program.members())
            gone = time.monotonic()
            wait_for_replicas(program, "2 RUNNING", since=before)
            callers.wait_for(len(callers.asked()) + SOME)
            asked = callers.stop()
        assert left in replicas(program)
        assert len(replicas(program)) == 2
        failed = [each for each in asked if each.status != HTTPStatus.OK]
        assert len(failed) <= CONNECTIONS
        assert all(each.begun < gone for each in failed)
        answered = [each for each in asked if each.status == HTTPStatus.OK]
        assert violations(answered, production.labels) == []


def test_what_neither_queue_takes_is_refused_with_the_time_to_wait(
    tmp_path: Path, production: Production
) -> None:
    limits = {"max_ongoing_requests": 1, "max_queued_requests": 1}
    body = images(64)
    with two_replicas(tmp_path, **limits) as (program, url), ThreadPoolExecutor(16) as threads:
        seen: list[requests.Response] = []

        def ask(_: int) -> requests.Response:
            return requests.post(f"{url}/predict", data=body, timeout=WITHIN)

        def both_seen() -> bool:
            seen.extend(threads.map(ask, range(16)))
            return {answer.ok for answer in seen} == {True, False}

        eventually(program, both_seen)
        refused = [answer for answer in seen if not answer.ok]
        assert {answer.status_code for answer in refused} == {HTTPStatus.SERVICE_UNAVAILABLE}
        assert {answer.headers.get("Retry-After") for answer in refused} == {"5"}
