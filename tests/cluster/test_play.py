"""The rendered production, run: the service, the promotion of another version, and the judge."""

import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import requests

from registry import keys
from registry.card import Card
from registry.open import open_registry
from registry.settings import RegistrySettings
from registry.store import Registry
from tests.cluster.podman import WITHIN, Played, config_map, pod, secret
from tests.gcs.gcs_process import GCSServer
from tests.k8s.manifests import K8S, Object, objects, of_kind
from tests.registry.samples import verdict

TAG = os.environ.get("IMAGE_TAG", "dev")
GROUP = 10001  # fsGroup


class Cluster:
    """What stands around the pods: keys, and a registry with two versions, one in production."""

    def __init__(self, folder: Path, server: GCSServer, models: list[tuple[Path, Card]]) -> None:
        self.url = f"gs://{server.make_bucket()}/production"
        self.folder = folder
        self.variables = server.variables
        settings = RegistrySettings(
            url=self.url,
            signing_key=folder / "keys" / "signing.pem",
            public_key=folder / "keys" / "public.pem",
        )
        keys.make(settings.signing_key, settings.public_key)
        self.registry: Registry = open_registry(settings, signing=True)
        self.first, self.second = (card.version for _, card in models)
        for (model, card), production in zip(models, ("", self.first), strict=True):
            self.registry.publish(model, card, "a test")
            judged = replace(verdict(self.registry, card.version), compared_with=production)
            self.registry.add_verdict(judged, {})
        self.registry.promote(self.first, None, "a test")
        # As Kubernetes mounts a Secret: root's, and for the pod's group to read.
        settings.signing_key.parent.chmod(0o755)
        os.chown(settings.signing_key, 0, GROUP)
        settings.signing_key.chmod(0o440)

    def manifests(self, configuration: dict[str, str], release: dict[str, str]) -> list[Object]:
        """Production, configured for here by the two files that a deployment is configured by."""
        copied = self.folder / f"k8s-{len(list(self.folder.iterdir()))}"
        shutil.copytree(K8S, copied)
        overlay = copied / "overlays" / "production"
        here = {"REGISTRY_URL": self.url, **self.variables, **configuration}
        images = {
            f"{stage.upper()}_IMAGE": f"localhost/classifier-{stage}:{TAG}"
            for stage in ("api", "training", "testing")
        }
        change(overlay / "configuration.env", here)
        change(overlay / "release.env", images | release)
        return objects(overlay)

    def around(self, manifests: list[Object]) -> list[Object]:
        """The ConfigMaps and Secrets, those of the README's table too."""
        public = (self.folder / "keys" / "public.pem").read_text()
        return [
            *of_kind(manifests, "ConfigMap"),
            config_map("classifier-public-key", **{"public.pem": public}),
            secret("classifier-smtp", password="secret"),
        ]

    def play(
        self,
        owner: str,
        configuration: dict[str, str] | None = None,
        release: dict[str, str] | None = None,
        **variables: str,
    ) -> Played:
        """Run one pod of production."""
        manifests = self.manifests(configuration or {}, release or {})
        folder = self.folder / f"play-{len(list(self.folder.iterdir()))}"
        key = self.folder / "keys"
        return Played(folder, [*self.around(manifests), pod(owner, manifests, key, **variables)])


def change(file: Path, values: dict[str, str]) -> None:
    """Set variables in a file of them, whether it has them or not."""
    lines = [line for line in file.read_text().splitlines() if line.split("=")[0] not in values]
    lines += [f"{key}={value}" for key, value in values.items()]
    file.write_text("\n".join(lines) + "\n")


@pytest.fixture
def models(
    make_model: Callable[..., Path], make_card: Callable[..., Card]
) -> list[tuple[Path, Card]]:
    return [(path, make_card(path)) for path in (make_model(1), make_model(2))]


@pytest.fixture
def cluster(
    tmp_path: Path,
    gcs_server: GCSServer,
    models: list[tuple[Path, Card]],
    monkeypatch: pytest.MonkeyPatch,
) -> Cluster:
    for name, value in gcs_server.variables.items():
        monkeypatch.setenv(name, value)
    return Cluster(tmp_path, gcs_server, models)


@pytest.fixture
def port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


def expected(model: Path, images: np.ndarray) -> list[str]:
    """What a model answers, computed here."""
    from classifier.load import load

    answers = np.asarray(load(model).predict(images)).argmax(axis=1)
    return [str(answer) for answer in answers]


@pytest.mark.timeout(900)
def test_production_serves_promotes_and_judges(
    cluster: Cluster, models: list[tuple[Path, Card]], port: str
) -> None:
    url = f"http://127.0.0.1:{port}"
    images = np.random.default_rng(0).choice([0, 255], (16, 8, 8, 3)).astype(np.uint8)
    images = images.repeat(16, axis=1).repeat(16, axis=2)
    with cluster.play("Deployment/classifier", {"SERVE_PORT": port}) as service:
        assert service.wait_for(f"{url}/ready")["data"]["version"] == cluster.first
        assert ask(url, images) == expected(models[0][0], images)
        check_restrictions(service)

        with cluster.play("CronJob/promote", {}, {"CANDIDATE": cluster.second}) as promotion:
            assert promotion.wait() == 0, promotion.log
        wait_for_version(service, url, cluster.second)
        assert ask(url, images) == expected(models[1][0], images)

        with cluster.play(
            "CronJob/judge",
            ROLLOUT_PRODUCTION=url,
            ROLLOUT_CANARY=url,
            ROLLOUT_WINDOW="1",
            ROLLOUT_MAX_IMAGES="5",
            ROLLOUT_REPORT="/tmp/judgement.json",
        ) as judge:
            assert judge.wait() == 4, judge.log
            assert "both say the same of 5 of 5 images" in judge.log

        service.podman("stop", service.container)
        assert service.wait() == 0
        assert "stopping on SIGTERM" in service.log


@pytest.mark.timeout(900)
def test_a_pinned_version_is_served_whatever_is_in_production(cluster: Cluster, port: str) -> None:
    configuration, pinned = {"SERVE_PORT": port}, {"MODEL_VERSION": cluster.second}
    with cluster.play("Deployment/classifier", configuration, pinned) as service:
        assert (
            service.wait_for(f"http://127.0.0.1:{port}/ready")["data"]["version"] == cluster.second
        )


def ask(url: str, images: np.ndarray) -> list[str]:
    answers = []
    for image in images:
        answer = requests.post(url, data=image.tobytes(), timeout=WITHIN)
        assert answer.ok, answer.text
        answers.append(answer.json()["message"])
    return answers


def wait_for_version(service: Played, url: str, version: str) -> None:
    deadline = time.monotonic() + WITHIN
    while service.wait_for(f"{url}/info")["data"]["version"] != version:
        assert time.monotonic() < deadline, service.log
        time.sleep(0.1)


def check_restrictions(service: Played) -> None:
    """What the manifest asks of the container's sandbox holds in it."""
    who = service.python("import os; print(os.getuid(), os.getgid())")
    assert who.stdout.split() == ["10001", "10001"], who.stderr
    status = service.python("print(open('/proc/self/status').read())").stdout
    facts = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert facts["CapEff"].strip("0") == facts["CapBnd"].strip("0") == ""
    assert facts["NoNewPrivs"] == "1"
    for path in ("/app/file", "/etc/file", "/var/lib/classifier/file"):
        assert "Read-only file system" in service.python(f"open({path!r}, 'w')").stderr
    for path in ("/tmp/file", "/var/lib/classifier/cache/file"):
        assert service.python(f"open({path!r}, 'w')").returncode == 0
    assert not service.python("import os; print(os.listdir('/var/run/secrets'))").stdout.count(
        "kubernetes"
    )
