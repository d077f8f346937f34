"""Production with components that it has not: run as it is configured then."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from registry.card import Card
from tests.api.variants import Model
from tests.cluster.cluster import TAG, Cluster, ask, check_restrictions, expected, pictures
from tests.cluster.podman import WITHIN, Played
from tests.k8s.manifests import ROOT
from tests.onnx_models import of_keras
from tests.ports import free_port
from tests.postgresql import PostgreSQL
from tests.waiting import until

PASSWORD = "correct horse battery staple"


@pytest.mark.timeout(900)
def test_without_tensorflow_it_serves_the_variant_that_the_gate_made(
    cluster: Cluster, make_model: Callable[..., Path], make_card: Callable[..., Card], port: str
) -> None:
    path = make_model(3)
    model: Model = (path, make_card(path))
    cluster.approve(model, cluster.first, {"float32": of_keras(path)})
    cluster.add("slim")
    url = f"http://127.0.0.1:{port}"
    release = {
        "API_IMAGE": f"localhost/classifier-api-slim:{TAG}",
        "MODEL_VERSION": model[1].version,
    }
    with cluster.play("Deployment/classifier", {"SERVE_PORT": port}, release) as service:
        assert service.wait_for(f"{url}/ready")["data"]["version"] == model[1].version
        assert service.wait_for(f"{url}/info")["data"]["runtime"] == "onnx"
        assert ask(url, pictures()) == expected(path, pictures())
        check_restrictions(service)
        assert service.python("import tensorflow").returncode == 1
        service.podman("stop", service.container)
        assert service.wait() == 0


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty PostgreSQL database that pods reach."""
    server = PostgreSQL(free_port())
    try:
        server.start()
        yield server.make_database()
    finally:
        server.remove()


@pytest.fixture
def collector() -> Iterator[str]:
    """The address of a collector of traces."""
    program = ROOT / "tests" / "api" / "tracing" / "collector.py"
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


@pytest.mark.timeout(900)
def test_accounts_the_audit_trail_and_traces_work_once_the_tables_are_there(
    cluster: Cluster, port: str, database: str, collector: str
) -> None:
    cluster.keep("database", url=database)
    cluster.keep("accounts", keys="k" * 64)
    cluster.add("database")
    cluster.add("accounts")
    cluster.add("tracing", OTEL_EXPORTER_OTLP_ENDPOINT=collector, OTEL_TRACES_SAMPLER_ARG="1")
    configuration = {"SERVE_PORT": port, "AUDIT_ENABLED": "true"}
    url = f"http://127.0.0.1:{port}"

    with cluster.play("Deployment/classifier", configuration) as early:
        assert early.wait() == 1
        assert "run `python -m database upgrade`" in early.log
    for said in ("from none to", "from 0"):
        with cluster.play("CronJob/migrate") as migration:
            assert migration.wait() == 0, migration.log
            assert said in migration.log

    with cluster.play("Deployment/classifier", configuration) as service:
        service.wait_for(f"{url}/ready")
        image = pictures()[0].tobytes()
        assert requests.post(url, data=image, timeout=WITHIN).status_code == 401
        caller = log_in(service, url)
        assert caller.post(url, data=image, timeout=WITHIN).status_code == 200
        answered = until(lambda: answered_requests(caller, url), within=WITHIN)
        assert [each["path"] for each in answered] == ["/"]
        service.podman("stop", service.container)
        assert service.wait() == 0
    spans = [span["name"] for span in requests.get(collector, timeout=WITHIN).json()]
    assert spans.count("predict") == 1
    assert spans.count("POST /") == 2


def log_in(service: Played, url: str) -> requests.Session:
    """Make an operator as the README does, and be that."""
    command = ("python", "-m", "api.accounts", "add", "olga", "--role", "operator")
    service.podman("exec", "--interactive", service.container, *command, given=f"{PASSWORD}\n")
    credentials = {"name": "olga", "password": PASSWORD}
    answer = requests.post(f"{url}/token", json=credentials, timeout=WITHIN)
    assert answer.ok, answer.text
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {answer.json()['data']['access_token']}"
    return session


def answered_requests(caller: requests.Session, url: str) -> list[dict[str, object]]:
    """What the audit trail has of requests with images."""
    answer = caller.get(f"{url}/requests", timeout=WITHIN)
    assert answer.ok, answer.text
    found: list[dict[str, object]] = answer.json()["data"]["requests"]
    return [each for each in found if each["answers"]]
