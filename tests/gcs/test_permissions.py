"""Least privilege: the storage server holds each stage to terraform/permissions.json."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import requests

from registry.errors import Forbidden
from registry.gcs import GCSBackend
from registry.roles import Role
from registry.store import Registry
from tests.gcs import permissions
from tests.gcs.conftest import Raw
from tests.gcs.gcs_process import GCSServer
from tests.registry.samples import Sample, approved, promoted, sample, verdict

ROOT = Path(__file__).parents[2]
PREFIX = "models/digits"
VERSION = f"versions/{'0' * 64}"
STAGES = permissions.stages()

# Some objects of each area, and of none.
OBJECTS = {
    "versions": [f"{VERSION}/best_model.hdf5", f"{VERSION}/card.json", f"{VERSION}/gate"],
    "evidence": [f"{VERSION}/gate/1/verdict.json", f"{VERSION}/gate/1/verdict.sig"],
    "testing": ["testing/best_model.hdf5"],
    "testing-log": ["testing/log/00000001.json"],
    "production": ["production/best_model.hdf5"],
    "production-log": ["production/log/00000001.json"],
    "": ["card.json", "production/best_model.hdf5.bak", "testing/other", "production2/log/1.json"],
}
OPERATIONS: dict[str, Callable[[Raw, str], requests.Response]] = {
    "list": lambda raw, name: raw.ask("GET", raw.path("")[:-1], params={"prefix": name}),
    "read": lambda raw, name: raw.media(name),
    "create": lambda raw, name: raw.put(name, b"new"),
    "replace": lambda raw, name: raw.put(name, b"other"),
    "edit": lambda raw, name: raw.ask("PATCH", raw.path(name), json={"metadata": {"a": "b"}}),
    "delete": lambda raw, name: raw.ask("DELETE", raw.path(name)),
}
# How the doctor calls the areas.
AREAS = {
    "versions": "versions/*/best_model.hdf5",
    "evidence": "versions/*/gate/",
    "testing": "testing/best_model.hdf5",
    "testing-log": "testing/log/",
    "production": "production/best_model.hdf5",
    "production-log": "production/log/",
}
PERMISSIONS = {
    "list": "storage.objects.list",
    "read": "storage.objects.get",
    "create": "storage.objects.create",
    "replace": "storage.objects.(create|delete)",
    "edit": "storage.objects.update",
    "delete": "storage.objects.delete",
}


Bindings = Callable[[str], list[dict[str, Any]]]
OpenAs = Callable[[str, str], Registry]


@pytest.fixture
def make_bucket(gcs_server: GCSServer) -> Callable[[Bindings], str]:
    """A maker of buckets with some bindings, where the user ``admin`` may do anything besides."""

    def make(bindings: Bindings) -> str:
        uniform = {"uniformBucketLevelAccess": {"enabled": True}}
        bucket = gcs_server.make_bucket(iamConfiguration=uniform)
        admin = {"role": "roles/storage.admin", "members": ["user:admin"]}
        gcs_server.bind(bucket, [*bindings(bucket), admin])
        return bucket

    return make


def of_the_table(bucket: str) -> list[dict[str, Any]]:
    return [grant.binding(bucket, PREFIX, f"user:{grant.stage}") for grant in permissions.grants()]


@pytest.fixture
def guarded(make_bucket: Callable[[Bindings], str]) -> str:
    """A bucket with the bindings of the table."""
    return make_bucket(of_the_table)


@pytest.fixture
def open_as(gcs_server: GCSServer, monkeypatch: pytest.MonkeyPatch) -> OpenAs:
    """An opener of the registry in a bucket in somebody's name."""

    def opened(bucket: str, who: str) -> Registry:
        for name, value in gcs_server.as_user(who).items():
            monkeypatch.setenv(name, value)
        registry = Registry(GCSBackend(bucket, PREFIX, timeout=20), f"{who}@host")
        registry.current("production")  # whose client then stays this user's
        return registry

    return opened


@pytest.fixture
def as_user(gcs_server: GCSServer, guarded: str) -> Iterator[Callable[[str], Raw]]:
    made: list[Raw] = []

    def requests_of(who: str) -> Raw:
        made.append(Raw(gcs_server.url, guarded, who))
        return made[-1]

    yield requests_of
    for each in made:
        each.session.close()


def test_the_table_speaks_of_every_area() -> None:
    assert set(permissions.areas()) == {*OBJECTS, "registry"} - {""}
    assert {grant.area for grant in permissions.grants()} == set(permissions.areas())


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_may_do_what_the_table_says_and_nothing_else(
    as_user: Callable[[str], Raw], stage: str, operation: str
) -> None:
    admin, raw = as_user("admin"), as_user(stage)
    for area, names in OBJECTS.items():
        for name in (f"{PREFIX}/{each}" for each in names):
            if operation != "create":
                admin.made(name)
            answer = OPERATIONS[operation](raw, name)
            if operation in permissions.allowed(stage, area):
                assert answer.ok, (name, answer.text)
            else:
                assert answer.status_code == 403, name
                assert re.search(PERMISSIONS[operation], answer.json()["error"]["message"])


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_reaches_beyond_the_prefix_but_for_names(
    as_user: Callable[[str], Raw], stage: str, operation: str
) -> None:
    admin, raw = as_user("admin"), as_user(stage)
    for root in ("", "models/", f"{PREFIX}2/", f"other/{PREFIX}/"):
        for name in (f"{root}{each}" for names in OBJECTS.values() for each in names):
            if operation != "create":
                admin.made(name)
            answer = OPERATIONS[operation](raw, name)
            assert answer.status_code == (200 if operation == "list" else 403), name


# --- the stages' own work ---


def publish(registry: Registry, new: Sample) -> None:
    registry.publish(new.path, new.card, "new")


def judge(registry: Registry, new: Sample) -> None:
    version = registry.versions()[0]
    registry.add_verdict(verdict(registry, version), {"report.html": b"<html>"})


def promote(registry: Registry, new: Sample) -> None:
    registry.promote(registry.versions()[0], registry.current("production"), "again")


def roll_back(registry: Registry, new: Sample) -> None:
    state = registry.current("production")
    assert state
    [other] = set(registry.versions()) - {state.record.version}
    registry.rollback("bad", to=other)


def pull(registry: Registry, new: Sample) -> None:
    state = registry.current("production")
    assert state
    registry.fetch(state, new.path.with_name("fetched.hdf5"))
    registry.card(state.record.version)
    registry.verdicts(state.record.version)
    assert registry.verify() == []


WORK: dict[Callable[[Registry, Sample], None], list[str]] = {
    publish: ["training"],
    judge: ["gate"],
    promote: ["gate"],
    roll_back: ["gate"],
    pull: ["training", "gate", "service"],
}


@pytest.mark.parametrize("work", WORK)
def test_a_stage_can_do_its_own_work_and_is_told_which_permission_it_lacks_for_others(
    guarded: str, open_as: OpenAs, tmp_path: Path, work: Callable[[Registry, Sample], None]
) -> None:
    admin = open_as(guarded, "admin")
    for seed in range(2):
        promoted(admin, sample(tmp_path, seed))
    for stage in STAGES:
        registry, new = open_as(guarded, stage), sample(tmp_path, 2)
        before = [admin.history("testing"), admin.history("production")]
        if stage in WORK[work]:
            work(registry, new)
            continue
        with pytest.raises(Forbidden, match=rf"lacks storage\.objects\.create.*{stage}"):
            work(registry, new)
        assert [admin.history("testing"), admin.history("production")] == before
    assert admin.verify() == []


def test_the_doctor_knows_what_each_stage_writes(
    guarded: str, open_as: OpenAs, tmp_path: Path
) -> None:
    """What it asks of a role is what the table gives to the stage, and to no other."""
    promoted(open_as(guarded, "admin"), sample(tmp_path, 0))
    for stage in STAGES:
        registry = open_as(guarded, stage)
        found = registry.doctor()
        assert (found.problems, bool(found.note)) == ((), True)
        for role in get_args(Role):
            found = registry.doctor(role)
            assert None not in found.permissions.values()
            lacking = [name for name, area in AREAS.items() if f"/{area}" in str(found.problems)]
            expected = {grant.area for grant in permissions.grants() if grant.stage == role}
            assert set(lacking) == (expected - {"registry"} if stage != role else set())


def test_the_doctor_does_not_guess_before_there_is_an_object(guarded: str, open_as: OpenAs) -> None:
    found = open_as(guarded, "gate").doctor("gate")
    assert found.problems == ()
    assert found.permissions["storage.objects.list"]
    assert found.permissions["storage.objects.create for production/log/"] is None
    assert "where there is one yet" in found.note


@pytest.mark.parametrize(
    ("stage", "area", "work"), [("training", "testing", publish), ("gate", "production", promote)]
)
def test_to_replace_takes_the_permission_to_delete(
    make_bucket: Callable[[Bindings], str],
    open_as: OpenAs,
    tmp_path: Path,
    stage: str,
    area: str,
    work: Callable[[Registry, Sample], None],
) -> None:
    """Who may only create there can make the first change of a stage, and not the second."""

    def only_creating(bucket: str) -> list[dict[str, Any]]:
        creator = {"role": "roles/storage.objectCreator"}
        return [
            binding | (creator if binding["condition"]["title"] == area else {})
            for binding in of_the_table(bucket)
        ]

    bucket = make_bucket(only_creating)
    admin = open_as(bucket, "admin")
    if area == "production":
        approved(admin, sample(tmp_path, 0))
    work(open_as(bucket, stage), sample(tmp_path, 1))
    approved(admin, sample(tmp_path, 2))
    with pytest.raises(Forbidden, match=r"lacks storage\.objects\.delete"):
        work(open_as(bucket, stage), sample(tmp_path, 3))


# --- the same table in the documentation and in Terraform ---

DOCS = (ROOT / "docs" / "permissions.md").read_text()
RECORDING = r"""gcloud() { printf '%s\0' "$@"; printf '\n'; }; """


def documented_table() -> str:
    """The table of the documentation, as it should be."""
    rows = [f"| objects | {' | '.join(STAGES)} |", f"| --- |{' --- |' * len(STAGES)}"]
    for area, objects in permissions.areas().items():
        may = [
            ", ".join(
                each
                for grant in permissions.grants()
                for each in grant.may
                if (grant.stage, grant.area) == (stage, area)
            )
            for stage in STAGES
        ]
        rows.append(f"| {objects} | {' | '.join(each or '-' for each in may)} |")
    return "\n".join(rows)


def test_the_documentation_shows_the_table() -> None:
    assert f"<!-- permissions -->\n{documented_table()}\n<!-- end -->" in DOCS


def test_the_documented_commands_make_the_bindings_of_the_table() -> None:
    script = "\n".join(re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL))
    done = subprocess.run(
        ["bash", "-euc", RECORDING + script],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    )
    calls = [line.split("\0")[:-1] for line in done.stdout.decode().splitlines()]
    account = "serviceAccount:classifier-{}@my-project.iam.gserviceaccount.com"
    assert [bound(call) for call in calls if call[2] == "add-iam-policy-binding"] == [
        grant.binding("my-models", "models", account.format(grant.stage))
        for grant in permissions.grants()
    ]


def bound(call: list[str]) -> dict[str, Any]:
    """The binding that a call of ``gcloud storage buckets add-iam-policy-binding`` makes."""
    options = dict(each.removeprefix("--").split("=", 1) for each in call[4:])
    title, expression = (each.split("=", 1) for each in options["condition"].split(",", 1))
    condition = dict([title, expression])
    return {"role": options["role"], "members": [options["member"]], "condition": condition}


def test_terraform_reads_the_table_and_grants_nothing_else() -> None:
    text = (ROOT / "terraform" / "main.tf").read_text()
    assert f'templatefile("${{path.module}}/{permissions.TABLE.name}"' in text
    assert re.findall(r'"(google_\w*iam\w*)"', text) == ["google_storage_bucket_iam_member"]
    assert re.findall(r"role\s+= (.+)", text) == ["each.value.role"]
    assert re.findall(r"retention_policy {", text) == []
