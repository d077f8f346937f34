"""Models in production with variants, as the gate puts them there."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from classifier.runtime import Precision
from registry.card import Card
from registry.names import VARIANTS
from registry.record import StageState
from registry.store import Registry
from registry.verdict import Variant
from tests.registry.samples import verdict

Model = tuple[Path, Card]
Files = dict[Precision, bytes]


def variant(precision: Precision, content: bytes, passed: bool = True) -> Variant:
    """What a verdict says of a variant."""
    return Variant(precision, passed, "alike", sha256(content).hexdigest(), len(content), 1.0, 1.0)


def put(registry: Registry, model: Model, files: Files, *left_out: Precision) -> StageState:
    """Put a model and its variants into production."""
    path, card = model
    registry.publish(path, card, "a test")
    made = tuple(variant(name, each, name not in left_out) for name, each in files.items())
    judged = replace(verdict(registry, card.version), variants=made)
    registry.add_verdict(judged, {VARIANTS[name]: each for name, each in files.items()})
    return registry.promote(card.version, registry.current("production"), "a test")
