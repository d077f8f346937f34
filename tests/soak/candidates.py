"""Candidates that must never serve, put into production as well as anybody can.

Each takes the place of a good version, and returns what the service will call it.
"""

import random
from dataclasses import replace
from pathlib import Path

from registry import names
from registry.store import Registry
from tests.light_versions import Light, approve, constant, promote


def other_answers(registry: Registry, folder: Path, good: Light) -> str:
    """One that does not answer the golden image as its card says."""
    golden = good.card.golden
    turned = replace(golden, probabilities=golden.probabilities[1:] + golden.probabilities[:1])
    approve(registry, good, replace(good.card, golden=turned), folder)
    return promote(registry, good.version).record.version


def no_model(registry: Registry, folder: Path, good: Light) -> str:
    """One that the gate has signed although it is noise."""
    noise = replace(good, variant=random.Random(good.version).randbytes(len(good.variant)))
    approve(registry, noise, replace(good.card, version=noise.version), folder)
    return promote(registry, noise.version).record.version


def other_classes(registry: Registry, folder: Path, good: Light) -> str:
    """One with fewer outputs than its card has classes."""
    fewer = constant(0, *good.classes[1:], name=good.version)
    approve(registry, fewer, replace(good.card, version=fewer.version), folder)
    return promote(registry, fewer.version).record.version


def cut_short(registry: Registry, folder: Path, good: Light) -> str:
    """One whose file lost its end after it was signed."""
    approve(registry, good, good.card, folder)
    [file] = (folder / "registry" / names.verdicts(good.version)).rglob("model.onnx")
    file.write_bytes(good.variant[:-1])
    return promote(registry, good.version).record.version


def by_hand(registry: Registry, folder: Path, good: Light) -> str:
    """A file that somebody has copied over production."""
    path = folder / "registry" / names.stage("production")
    path.unlink()
    path.write_bytes(good.model)
    return "no valid record"


KINDS = (other_answers, no_model, other_classes, cut_short, by_hand)
