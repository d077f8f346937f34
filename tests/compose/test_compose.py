"""The compose files: what the specification allows, the settings know and production needs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from alerts.settings import AlertSettings
from api.assembly import LAST_WORDS
from api.settings import ModelSettings, ServeSettings
from process.logs import LogSettings
from process.settings import Settings, declared, read
from registry.settings import RegistrySettings
from testing.settings import GateSettings
from training.settings import TrainSettings

ROOT = Path(__file__).parent.parent.parent
FILES = ("compose.yaml", "compose.production.yaml")
WITHIN = 60.0  # seconds

# What a deployment sets, for what the files leave to it.
OURS = {
    "API_IMAGE": f"registry.example.com/classifier-api@sha256:{'0' * 64}",
    "REGISTRY_URL": "gs://my-models/digits",
    "ALERT_SMTP_HOST": "smtp.example.com",
    "ALERT_SMTP_USER": "classifier",
    "ALERT_SENDER": "classifier@example.com",
    "ALERT_RECIPIENTS": "operators@example.com,more@example.com",
}
SHARED = (RegistrySettings, AlertSettings, LogSettings)
STAGES: dict[str, tuple[type[Settings], ...]] = {
    "api": (ServeSettings, ModelSettings, *SHARED),
    "training": (TrainSettings, *SHARED),
    "testing": (GateSettings, *SHARED),
}
# What libraries read: Google's, TensorFlow's and Python's own.
THEIRS = {
    "GOOGLE_APPLICATION_CREDENTIALS",
    "PYTHONPATH",
    "STORAGE_EMULATOR_HOST",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
}


def interpolated(text: str) -> str:
    """``text`` with variables as compose replaces them: from OURS, or by their default."""

    def value(match: re.Match[str]) -> str:
        name, operator, rest = match.groups()
        if name in OURS:
            return OURS[name]
        assert operator == ":-", f"{match[0]} is set by nobody"
        return rest

    return re.sub(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", value, text)


def document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(interpolated((ROOT / name).read_text()))
    return loaded


def services(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from document(name)["services"].items()


PRODUCTION = dict(services("compose.production.yaml"))


def stage(service: dict[str, Any]) -> str | None:
    """Which of our programs a service runs; None if it is none of them."""
    found = re.search(r"/classifier-(\w+)", service["image"])
    return found[1] if found and "entrypoint" not in service else None


OWN = [
    (file, name, service)
    for file in FILES
    for name, service in services(file)
    if stage(service) is not None
]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_the_specification_allows(name: str) -> None:
    jsonschema.Draft7Validator(get_builtin_schema("vendor.compose-spec")).validate(document(name))


@pytest.mark.parametrize(("file", "name", "service"), OWN)
def test_a_stage_takes_the_settings_it_is_given(
    file: str,
    name: str,
    service: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    declarations = STAGES[str(stage(service))]
    known = {variable for variable, _ in declared(declarations)} | THEIRS
    (tmp_path / "secret").write_text("secret\n")
    for variable in os.environ.keys() & known:
        monkeypatch.delenv(variable)
    for variable, value in service["environment"].items():
        assert isinstance(value, str), f"{variable} is not quoted"
        assert variable.removesuffix("_FILE") in known, variable
        is_file = variable.endswith("_FILE")
        monkeypatch.setenv(variable, str(tmp_path / "secret") if is_file else value)
    for declaration in declarations:
        read(declaration)


def test_every_own_service_is_looked_at() -> None:
    assert {name for _, name, _ in OWN} == {"api", "training", "gate", "api-1", "api-2"}


@pytest.mark.parametrize("name", FILES)
def test_an_image_of_others_is_pinned(name: str) -> None:
    for _, service in services(name):
        if "/classifier-" not in service["image"]:
            assert re.search(r":v?\d+\.\d+\.\d+", service["image"]), service["image"]
            assert service["image"].startswith("docker.io/"), "podman asks which registry"


def test_in_development_nothing_is_open_to_the_network() -> None:
    for _, service in services("compose.yaml"):
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("service", PRODUCTION.values(), ids=PRODUCTION)
def test_in_production_a_container_may_do_little(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] not in ("", "0", "root")
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["logging"]["options"]["max-size"], "a log could fill the disk"
    for path in service["tmpfs"]:
        assert path.endswith("noexec,nosuid,nodev")


def test_in_production_only_nginx_is_reached_from_outside() -> None:
    assert [name for name, service in PRODUCTION.items() if "ports" in service] == ["nginx"]


def test_secrets_are_files_that_somebody_reads() -> None:
    secrets = document("compose.production.yaml")["secrets"]
    granted = {secret for service in PRODUCTION.values() for secret in service["secrets"]}
    assert granted == set(secrets)
    nginx = (ROOT / "nginx" / "nginx.conf").read_text()
    for service in PRODUCTION.values():
        readers = nginx if "environment" not in service else str(service["environment"])
        read_there = set(re.findall(r"/run/secrets/(\w+)", readers))
        assert read_there == set(service["secrets"])
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"/secrets/", "/.env"} <= set(ignored)


def test_the_end_has_as_long_as_it_takes() -> None:
    for name in ("api-1", "api-2"):
        service = PRODUCTION[name]
        own = float(service["environment"]["SERVE_SHUTDOWN_TIMEOUT"]) + 3 * LAST_WORDS
        assert float(service["stop_grace_period"].removesuffix("s")) > own
    nginx = (ROOT / "nginx" / "nginx.conf").read_text()
    longest = float(re.findall(r"proxy_read_timeout (\d+)s;", nginx)[0])
    assert float(PRODUCTION["nginx"]["stop_grace_period"].removesuffix("s")) > longest
    assert PRODUCTION["nginx"]["stop_signal"] == "SIGQUIT"


def test_replicas_differ_in_cache_and_address_alone() -> None:
    first, second = PRODUCTION["api-1"], PRODUCTION["api-2"]
    different = {key for key in first if first[key] != second[key]}
    assert different == {"volumes", "networks"}
    upstream = re.findall(r"server (\w+):(\d+)", (ROOT / "nginx" / "nginx.conf").read_text())
    assert upstream == [("api", str(ServeSettings().port))]
    for replica in (first, second):
        assert replica["networks"]["service"]["aliases"] == ["api"]


def test_the_storage_of_development_has_the_bucket_of_the_registry() -> None:
    found = dict(services("compose.yaml"))
    program, arguments = found["storage"]["entrypoint"][1], found["storage"]["command"]
    local = str(ROOT / program.removeprefix("/app/"))
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", local, *arguments, "--host", "127.0.0.1", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout
        url = server.stdout.readline().strip()
        bucket = found["api"]["environment"]["REGISTRY_URL"].split("/")[2]
        assert requests.get(f"{url}/storage/v1/b/{bucket}", timeout=WITHIN).ok
    finally:
        server.kill()
        server.communicate()
