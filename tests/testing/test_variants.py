"""Variants that the gate makes of real networks: those that answer alike, and one that does not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from alerts.sender import AlertSender
from classifier import onnx_runtime
from classifier.load import load
from images.folder import read
from images.split import split
from registry.names import VARIANTS
from registry.record import StageState
from registry.store import Registry
from registry.verdict import Variant
from testing import child, variants
from testing.errors import NotMade
from testing.session import run_gate
from testing.settings import GateSettings
from tests.testing.paint import RIGHT
from training import network

layers = keras.layers
Publish = Callable[..., StageState]


@pytest.fixture
def wanted(settings: GateSettings) -> GateSettings:
    return settings.model_copy(update={"variants": True})


@pytest.fixture
def trained(colours: Path) -> Any:
    """The network that training builds, taught three colours."""
    keras.utils.set_random_seed(0)
    made = network.build(3, blocks=1)
    made.compile("adam", "sparse_categorical_crossentropy")
    part = split(read(colours)).train
    made.fit(part.images, part.labels, epochs=4, verbose=0)
    return made


def depthwise() -> Any:
    """Another kind of network, of random weights: separable convolutions around which it skips."""
    keras.utils.set_random_seed(1)
    image = keras.Input((128, 128, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(8, 3, strides=4, padding="same", activation="swish")(x)
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    y = layers.Conv2D(8, 1, activation="relu6")(layers.BatchNormalization()(y))
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y]))
    return keras.Model(image, layers.Dense(4, activation="softmax")(layers.LayerNormalization()(x)))


def last(registry: Registry, state: StageState) -> dict[str, Variant]:
    verdict = registry.verdicts(state.record.version)[-1]
    return {variant.precision: variant for variant in verdict.variants}


def test_the_network_of_training_gets_both(
    trained: Any,
    publish: Publish,
    wanted: GateSettings,
    registry: Registry,
    alerts: AlertSender,
    colours: Path,
    tmp_path: Path,
) -> None:
    state = publish(trained)
    outcome = run_gate(wanted, registry, alerts)
    assert outcome.exit_code == 0, outcome.text
    found = last(registry, state)
    assert found.keys() == VARIANTS.keys()
    assert all(variant.passed for variant in found.values()), found
    verdict = registry.verdicts(state.record.version)[-1]
    assert verdict.metrics["images_per_second"] > 0
    held_out = split(read(colours)).held_out.images
    answers = load(tmp_path / "best_model.hdf5").predict(held_out)
    for precision, within in (("float32", variants.APART), ("int8", 0.15)):
        variant = found[precision]
        content = registry.variant(state.record.version, verdict.id, variant)
        assert len(content) == variant.size
        classifier = onnx_runtime.load(content, variant.precision, 3)
        np.testing.assert_allclose(classifier.predict(held_out), answers, atol=within)
        assert variant.latency_ms
        assert variant.images_per_second
        assert "the same class on" in variant.sentence
        assert [text for heading, text in outcome.lines if precision in text and "left" not in text]
    assert found["int8"].size < found["float32"].size
    assert registry.verify() == []
    report = (Path(wanted.reports) / "report.html").read_text()
    assert "Variants for ONNX Runtime" in report
    assert "left out" not in report
    document = json.loads((Path(wanted.reports) / "report.json").read_text())
    assert len(document["verdict"]["variants"]) == 2


def test_one_that_eight_bits_are_too_few_for_is_left_out(
    publish: Publish, wanted: GateSettings, registry: Registry, alerts: AlertSender
) -> None:
    """A feature a thousand times the others, which share its 256 steps, drowns them."""
    made = keras.Sequential(
        [
            keras.Input((128, 128, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, use_bias=False),
            layers.Dense(3, use_bias=False, activation="softmax"),
        ]
    )
    made.set_weights([np.c_[np.eye(3), [1000, 1000, 1000]], np.r_[RIGHT, np.zeros((1, 3))]])
    state = publish(made)
    outcome = run_gate(wanted, registry, alerts)
    assert outcome.exit_code == 0, outcome.text
    found = last(registry, state)
    assert found["float32"].passed
    assert not found["int8"].passed
    assert "GATE_MIN_AGREEMENT" in found["int8"].sentence
    assert found["int8"].sha256 == ""
    assert any("int8 is left out" in fact for _, fact in outcome.lines)
    version = state.record.version
    assert registry.variants(version, registry.evidence(version)) == (found["float32"],)
    assert "left out" in (Path(wanted.reports) / "report.html").read_text()


def test_another_architecture_answers_alike(tmp_path: Path) -> None:
    path, target = tmp_path / "best_model.hdf5", tmp_path / "model.onnx"
    depthwise().save(path)
    child.run("testing.export", path, target)
    images = np.random.default_rng(0).integers(0, 256, (5, 128, 128, 3), np.uint8)
    answers = onnx_runtime.load(target.read_bytes(), "float32", 4).predict(images)
    np.testing.assert_allclose(answers, load(path).predict(images), atol=variants.APART)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Makers that fail, and the names of those that were run."""
    asked: list[str] = []

    def fail(module: str, *arguments: Path) -> None:
        asked.append(module)
        raise NotMade("no such operator")

    monkeypatch.setattr(child, "run", fail)
    return asked


def test_makers_that_fail_do_not_fail_the_candidate(
    broken: list[str],
    publish: Publish,
    wanted: GateSettings,
    registry: Registry,
    alerts: AlertSender,
) -> None:
    state = publish(RIGHT)
    assert run_gate(wanted, registry, alerts).exit_code == 0
    assert broken == ["testing.export"]
    found = last(registry, state)
    assert found["float32"].sentence == "no such operator"
    assert "could not be made" in found["int8"].sentence
    assert not any(variant.passed for variant in found.values())
    assert registry.current("production")


def test_too_few_images_to_tell_a_variant_from_the_model_are_said_to_be_too_few(
    publish: Publish,
    wanted: GateSettings,
    registry: Registry,
    alerts: AlertSender,
) -> None:
    state = publish(RIGHT)
    confident = wanted.model_copy(update={"margin": 0.001})
    assert run_gate(confident, registry, alerts).exit_code == 0
    sentence = last(registry, state)["float32"].sentence
    assert "held-out images are too few" in sentence
    assert "at least" in sentence


def test_none_are_made_of_a_refused_candidate(
    broken: list[str],
    publish: Publish,
    wanted: GateSettings,
    registry: Registry,
    alerts: AlertSender,
) -> None:
    state = publish(-RIGHT)
    assert run_gate(wanted, registry, alerts).exit_code == 1
    assert not last(registry, state)
    assert broken == []
