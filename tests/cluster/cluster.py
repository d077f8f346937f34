"""Production, rendered for here, and what stands around its pods: keys, secrets and a registry."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import requests
import yaml

from registry import keys
from registry.names import VARIANTS
from registry.open import open_registry
from registry.settings import RegistrySettings
from registry.store import Registry
from tests.api.variants import Files, Model, variant
from tests.cluster.podman import WITHIN, Played, config_map, pod, write_secret
from tests.gcs.gcs_process import GCSServer
from tests.k8s.manifests import K8S, Object, objects, of_kind
from tests.registry.samples import verdict

TAG = os.environ.get("IMAGE_TAG", "dev")


class Cluster:
    """What stands around the pods: keys, and a registry with two versions, one in production."""

    def __init__(self, folder: Path, server: GCSServer, models: list[Model]) -> None:
        self.url = f"gs://{server.make_bucket()}/production"
        self.folder = folder
        self.variables = server.variables
        self._secrets = folder / "secrets"
        self._public = folder / "public.pem"
        signing_key = folder / "signing.pem"
        settings = RegistrySettings(url=self.url, signing_key=signing_key, public_key=self._public)
        keys.make(signing_key, self._public)
        self.registry: Registry = open_registry(settings, signing=True)
        self.first, self.second = (card.version for _, card in models)
        for model, production in zip(models, ("", self.first), strict=True):
            self.approve(model, production, {})
        self.registry.promote(self.first, None, "a test")
        self._components: dict[str, dict[str, str]] = {}
        self.keep("smtp", password="secret")
        self.keep("signing-key", **{"signing.pem": signing_key.read_text()})

    def keep(self, name: str, **files: str) -> None:
        """Make one of the Secrets that the README asks for."""
        write_secret(self._secrets / f"classifier-{name}", **files)

    def approve(self, model: Model, production: str, variants: Files) -> None:
        """Publish a model with a passing verdict, which was compared with another in production."""
        path, card = model
        self.registry.publish(path, card, "a test")
        made = tuple(variant(precision, content) for precision, content in variants.items())
        judged = replace(
            verdict(self.registry, card.version), compared_with=production, variants=made
        )
        files = {VARIANTS[precision]: content for precision, content in variants.items()}
        self.registry.add_verdict(judged, files)

    def add(self, component: str, **configuration: str) -> None:
        """Put a component into production, configured for here."""
        self._components[component] = configuration

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
        for component, own in self._components.items():
            insert(overlay / "kustomization.yaml", component)
            if own:
                change(copied / "components" / component / "configuration.env", own)
        change(overlay / "release.env", images | release)
        return objects(overlay)

    def config_maps(self, manifests: list[Object]) -> list[Object]:
        """The ConfigMaps, that of the README's table too."""
        public = config_map("classifier-public-key", **{"public.pem": self._public.read_text()})
        return [*of_kind(manifests, "ConfigMap"), public]

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
        played = pod(owner, manifests, self._secrets, **variables)
        return Played(folder, [*self.config_maps(manifests), played])


def change(file: Path, values: dict[str, str]) -> None:
    """Set variables in a file of them, whether it has them or not."""
    lines = [line for line in file.read_text().splitlines() if line.split("=")[0] not in values]
    lines += [f"{key}={value}" for key, value in values.items()]
    file.write_text("\n".join(lines) + "\n")


def insert(file: Path, component: str) -> None:
    """Name a component in an overlay, before `release`."""
    document = yaml.safe_load(file.read_text())
    document["components"].insert(-1, f"../../components/{component}")
    file.write_text(yaml.safe_dump(document))


def expected(model: Path, images: np.ndarray) -> list[str]:
    """What a model answers, computed here."""
    from classifier.load import load

    answers = np.asarray(load(model).predict(images)).argmax(axis=1)
    return [str(answer) for answer in answers]


def ask(url: str, images: np.ndarray) -> list[str]:
    """What the service answers."""
    answers = []
    for image in images:
        answer = requests.post(url, data=image.tobytes(), timeout=WITHIN)
        assert answer.ok, answer.text
        answers.append(answer.json()["message"])
    return answers


def pictures() -> np.ndarray:
    """Images that models answer differently: uint8[16, 128, 128, 3]."""
    images = np.random.default_rng(0).choice([0, 255], (16, 8, 8, 3)).astype(np.uint8)
    return images.repeat(16, axis=1).repeat(16, axis=2)


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
