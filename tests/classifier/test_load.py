"""What is no model of ours is refused in a sentence; what is one loads."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import pytest

from classifier.errors import ClassifierError, UnreadableModel, WrongShape
from classifier.load import load

layers = keras.layers


def save(model: keras.Model, folder: Path) -> Path:
    path = folder / "best_model.hdf5"
    model.save(path)
    return path


def network(*hidden: keras.layers.Layer, shape: tuple[int, ...] = (128, 128, 3)) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(shape, dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            *hidden,
            layers.Dense(3),
        ]
    )


class Custom(keras.layers.Layer):
    def call(self, inputs: object) -> object:
        return inputs


def test_a_genuine_model_loads(make_model: Callable[..., Path]) -> None:
    assert load(make_model()).classes == 3
    assert load(make_model(), classes=3).classes == 3


def test_another_number_of_classes_than_expected_is_refused(
    make_model: Callable[..., Path],
) -> None:
    with pytest.raises(WrongShape, match=r"\(None, 4\), not \(None, 3\)"):
        load(make_model(), classes=4)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(100), bytes(4096)])
def test_a_file_that_is_not_hdf5_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "best_model.hdf5"
    path.write_bytes(content)
    with pytest.raises(UnreadableModel, match="not an HDF5 file"):
        load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModel, match=r"none\.hdf5 is not a file"):
        load(tmp_path / "none.hdf5")


def test_a_model_under_another_suffix_is_refused(
    tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    path = shutil.copy(make_model(), tmp_path / "model.bin")
    with pytest.raises(UnreadableModel, match=r"must be named \*\.hdf5"):
        load(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(
    tmp_path: Path, make_model: Callable[..., Path], share: float
) -> None:
    whole = make_model().read_bytes()
    path = tmp_path / "best_model.hdf5"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UnreadableModel, match="truncated"):
        load(path)


def test_hdf5_without_a_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "best_model.hdf5"
    with h5py.File(path, "w") as file:
        file["numbers"] = [1, 2, 3]
    with pytest.raises(UnreadableModel, match="no attribute model_config"):
        load(path)


@pytest.mark.parametrize("config", ["{", "[]", "{}", '{"class_name": "Sequential", "config": 3}'])
def test_a_damaged_configuration_is_refused(
    tmp_path: Path, make_model: Callable[..., Path], config: str
) -> None:
    path = shutil.copy(make_model(), tmp_path / "best_model.hdf5")
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = config
    with pytest.raises(UnreadableModel, match="must not be loaded"):
        load(path)


def test_missing_weights_are_refused(tmp_path: Path, make_model: Callable[..., Path]) -> None:
    path = shutil.copy(make_model(), tmp_path / "best_model.hdf5")
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
    with pytest.raises(UnreadableModel, match="model_weights"):
        load(path)


@pytest.mark.parametrize("layer", [layers.Lambda(lambda x: x), Custom()], ids=["lambda", "custom"])
def test_code_inside_a_model_is_refused(tmp_path: Path, layer: keras.layers.Layer) -> None:
    path = save(network(layer), tmp_path)
    with pytest.raises(UnreadableModel) as caught:
        load(path)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def two_inputs() -> keras.Model:
    inputs = [keras.Input((128, 128, 3), dtype="uint8") for _ in range(2)]
    return keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.Add()(inputs))))


def two_outputs() -> keras.Model:
    image = keras.Input((128, 128, 3), dtype="uint8")
    flat = layers.Flatten()(image)
    return keras.Model(image, [layers.Dense(2)(flat), layers.Dense(2)(flat)])


def float_input() -> keras.Model:
    image = keras.Input((128, 128, 3))
    return keras.Model(image, layers.Dense(2)(layers.Flatten()(image)))


def image_output() -> keras.Model:
    image = keras.Input((128, 128, 3), dtype="uint8")
    return keras.Model(image, layers.Rescaling(1 / 255)(image))


def cannot_run() -> keras.Model:
    image = keras.Input((128, 128, 3), dtype="uint8")
    pooled = layers.AveragePooling2D(16)(image)  # takes floats alone, which only a call finds
    return keras.Model(image, layers.Dense(2)(layers.Flatten()(pooled)))


def one_class() -> keras.Model:
    image = keras.Input((128, 128, 3), dtype="uint8")
    return keras.Model(image, layers.Dense(1)(layers.Flatten()(image)))


@pytest.mark.parametrize(
    ("build", "fault"),
    [
        (two_inputs, "must take one input"),
        (float_input, "not float32"),
        (lambda: network(shape=(64, 64, 3)), r"not uint8 \(None, 64, 64, 3\)"),
        (two_outputs, "must have one output"),
        (image_output, r"not \(None, 128, 128, 3\)"),
        (one_class, r"not \(None, 1\)"),
    ],
)
def test_other_inputs_and_outputs_are_refused(
    tmp_path: Path, build: Callable[[], keras.Model], fault: str
) -> None:
    with pytest.raises(WrongShape, match=fault):
        load(save(build(), tmp_path))


def test_a_model_that_cannot_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableModel, match=r"AveragePooling2D\.call"):
        load(save(cannot_run(), tmp_path))


def test_every_refusal_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "best_model.hdf5"
    path.write_bytes(b"hello")
    with pytest.raises(ClassifierError, match=str(path)):
        load(path)


def test_loading_logs_nothing(
    make_model: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    path = make_model()
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        load(path)
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []
