"""Models, cards and verdicts for tests of the registry, to which a model is any file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from registry.card import Card, Data, Golden
from registry.record import StageState
from registry.store import Registry
from registry.verdict import Check, Verdict

CREATED = "2026-01-01T00:00:00+00:00"


@dataclass(frozen=True)
class Sample:
    """A model file and its card."""

    path: Path
    card: Card

    @property
    def version(self) -> str:
        return self.card.version

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()


def sample(folder: Path, seed: int, lines: int = 1000) -> Sample:
    """A file of so many short lines that stands for a model, other for each seed."""
    path = folder / f"model-{seed}.hdf5"
    path.write_bytes(f"model {seed}\n".encode() * lines)
    return Sample(path, card(hashlib.sha256(path.read_bytes()).hexdigest()))


def card(version: str) -> Card:
    return Card(
        version=version,
        classes=("circle", "☂ & <b>"),
        input_shape=(128, 128, 3),
        input_dtype="uint8",
        threshold=0.5,
        arguments={"epochs": 1, "data": None},
        data=Data("shapes", "0" * 64, {"train": 7, "held_out": 2}, {"circle": 9}, ("a.png",)),
        metrics={"val_accuracy": 0.5},
        history={"loss": (1.0, 0.5)},
        golden=Golden.of(b"pixels", (0.25, 0.75)),
        created=CREATED,
        code_revision="unknown",
        libraries={"keras": "3"},
    )


def verdict(registry: Registry, version: str, passed: bool = True) -> Verdict:
    return Verdict(
        id=registry.new_verdict_id(),
        version=version,
        compared_with="",
        passed=passed,
        checks=(Check("accuracy", passed, "accuracy is 0.97, 0.98 is required"),),
        metrics={"accuracy": 0.97},
        data_fingerprint="0" * 64,
        created=CREATED,
    )


def approved(registry: Registry, one: Sample) -> str:
    """Publish a sample with a passing verdict, and return its version."""
    registry.publish(one.path, one.card, "a new model")
    registry.add_verdict(verdict(registry, one.version), {"report.html": b"<html>"})
    return one.version


def promoted(registry: Registry, one: Sample) -> StageState:
    """Publish, approve and promote a sample over whatever is in production."""
    against = registry.current("production")
    return registry.promote(approved(registry, one), against, "better")


def in_production(registry: Registry) -> str:
    """The version that is in production."""
    state = registry.current("production")
    assert state
    return state.record.version
