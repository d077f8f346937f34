"""Genuine models pass: training's own, those of keras.applications, and what people build."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from classifier.inspect import inspect
from classifier.inspection.fields import ACTIVATION
from classifier.inspection.layers import LAYERS
from training.network import build

layers = keras.layers


def save(model: keras.Model, folder: Path) -> Path:
    path = folder / "best_model.hdf5"
    model.save(path)
    return path


def picture(channels: int = 3) -> keras.KerasTensor:
    return keras.Input((32, 24, channels), name="image")


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("blocks", [1, 5])
def test_networks_of_training_pass(tmp_path: Path, blocks: int, policy: str) -> None:
    inspect(save(build(10, blocks, policy), tmp_path))


def test_a_trained_network_passes_with_its_optimiser(tmp_path: Path) -> None:
    model = build(3, 1)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.train_on_batch(np.zeros((2, 128, 128, 3), np.uint8), np.zeros(2))
    inspect(save(model, tmp_path))


# Some of each kind; of those that are left out here, all that Keras itself can load have passed.
APPLICATIONS = [
    "DenseNet121",
    "EfficientNetV2B0",
    "InceptionV3",
    "MobileNetV2",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet50V2",
    "Xception",
]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_networks_of_keras_pass(tmp_path: Path, name: str) -> None:
    network = getattr(keras.applications, name)
    path = save(network(weights=None, input_shape=(128, 128, 3)), tmp_path)
    inspect(path)
    path.unlink()


# One way or several to use each layer of the allow-list.
USES: dict[str, list[Callable[[], keras.layers.Layer]]] = {
    "Activation": [
        lambda: layers.Activation("hard_silu"),
        lambda: layers.Activation(keras.activations.gelu),
    ],
    "AlphaDropout": [lambda: layers.AlphaDropout(0.1)],
    "AveragePooling2D": [lambda: layers.AveragePooling2D(3, strides=2, padding="same")],
    "BatchNormalization": [
        lambda: layers.BatchNormalization(),
        lambda: layers.BatchNormalization(axis=1, center=False, scale=False),
    ],
    "Conv2D": [
        lambda: layers.Conv2D(6, (5, 3), strides=(2, 1), groups=2, activation="relu"),
        lambda: layers.Conv2D(
            6,
            3,
            dilation_rate=4,
            padding="same",
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.1, seed=7),
            bias_initializer=keras.initializers.Constant(0.5),
            kernel_regularizer=keras.regularizers.L1L2(0.1, 0.1),
            activity_regularizer="l2",
            kernel_constraint=keras.constraints.MaxNorm(2, axis=[0]),
            bias_constraint="non_neg",
        ),
    ],
    "Cropping2D": [lambda: layers.Cropping2D(((1, 2), (3, 4)))],
    "Dense": [lambda: layers.Dense(5, use_bias=False, kernel_constraint="unit_norm")],
    "DepthwiseConv2D": [lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2)],
    "Dropout": [lambda: layers.Dropout(0.1, noise_shape=(None, 1, 1, 4), seed=3)],
    "ELU": [lambda: layers.ELU(0.5)],
    "Flatten": [lambda: layers.Flatten()],
    "GaussianDropout": [lambda: layers.GaussianDropout(0.1)],
    "GaussianNoise": [lambda: layers.GaussianNoise(0.1)],
    "GlobalAveragePooling2D": [lambda: layers.GlobalAveragePooling2D(keepdims=True)],
    "GlobalMaxPooling2D": [lambda: layers.GlobalMaxPooling2D()],
    "GroupNormalization": [
        lambda: layers.GroupNormalization(2),
        lambda: layers.GroupNormalization(-1, scale=False),
    ],
    "Identity": [lambda: layers.Identity()],
    "LayerNormalization": [
        lambda: layers.LayerNormalization(),
        lambda: layers.LayerNormalization(axis=[-1], center=False),
    ],
    "LeakyReLU": [lambda: layers.LeakyReLU(0.2)],
    "MaxPooling2D": [lambda: layers.MaxPooling2D((2, 3))],
    "Normalization": [
        lambda: layers.Normalization(),
        lambda: layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.0, 1.0, 2.0, 2.0]),
        lambda: layers.Normalization(mean=0.5, variance=2.0),
    ],
    "PReLU": [lambda: layers.PReLU(), lambda: layers.PReLU(shared_axes=[1, 2])],
    "Permute": [lambda: layers.Permute((3, 1, 2))],
    "RandomContrast": [lambda: layers.RandomContrast((0.1, 0.2))],
    "RandomFlip": [lambda: layers.RandomFlip("horizontal", seed=1)],
    "RandomRotation": [lambda: layers.RandomRotation(0.1, fill_mode="nearest")],
    "RandomTranslation": [lambda: layers.RandomTranslation(0.1, (-0.1, 0.2))],
    "RandomZoom": [lambda: layers.RandomZoom(0.1), lambda: layers.RandomZoom((-0.2, 0.1), 0.3)],
    "ReLU": [lambda: layers.ReLU(6.0, negative_slope=0.1, threshold=0.5)],
    "Rescaling": [
        lambda: layers.Rescaling(1 / 255, offset=-1),
        lambda: layers.Rescaling([1.0, 0.5, 2.0, 3.0], offset=[0.0, 1.0, 2.0, 3.0]),
    ],
    "Reshape": [lambda: layers.Reshape((-1, 8)), lambda: layers.Reshape((32 * 24, 4))],
    "Resizing": [lambda: layers.Resizing(40, 50, interpolation="nearest")],
    "SeparableConv2D": [lambda: layers.SeparableConv2D(6, 3, depth_multiplier=2)],
    "Softmax": [lambda: layers.Softmax(), lambda: layers.Softmax(axis=1)],
    "SpatialDropout2D": [lambda: layers.SpatialDropout2D(0.1)],
    "UnitNormalization": [lambda: layers.UnitNormalization()],
    "UpSampling2D": [lambda: layers.UpSampling2D((2, 3), interpolation="bilinear")],
    "ZeroPadding2D": [lambda: layers.ZeroPadding2D(((1, 2), (3, 4)))],
}
MERGING = ["Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"]


def test_every_layer_of_the_allow_list_is_tried() -> None:
    assert sorted([*USES, *MERGING]) == sorted(LAYERS)


@pytest.mark.parametrize("name", USES)
def test_a_layer_of_the_allow_list_passes(tmp_path: Path, name: str) -> None:
    for use in USES[name]:
        x = image = picture(channels=4)
        # What follows takes the very shape that Keras finds.
        for layer in (use(), layers.Identity()):
            x = layer(x)
        path = save(keras.Model(image, x), tmp_path)
        inspect(path)
        keras.saving.load_model(path, compile=False, safe_mode=True)


@pytest.mark.parametrize("name", MERGING)
def test_a_layer_that_merges_passes(tmp_path: Path, name: str) -> None:
    image = picture()
    others = [image, layers.ReLU()(image), layers.ELU()(image)][: 2 if name == "Subtract" else 3]
    path = save(keras.Model(image, layers.Identity()(getattr(layers, name)()(others))), tmp_path)
    inspect(path)
    keras.saving.load_model(path, compile=False, safe_mode=True)


def test_an_axis_of_length_one_is_repeated(tmp_path: Path) -> None:
    image = picture()
    weight = layers.GlobalAveragePooling2D(keepdims=True)(image)
    inspect(save(keras.Model(image, layers.Multiply()([image, weight])), tmp_path))


def test_layers_are_joined_along_any_axis(tmp_path: Path) -> None:
    image = picture()
    inspect(save(keras.Model(image, layers.Concatenate(axis=1)([image, image])), tmp_path))


def test_the_activations_of_keras_pass() -> None:
    ours = {"glu", "sparsemax", "threshold", "hard_shrink", "soft_shrink", "tanh_shrink"}
    ours |= {"hard_tanh", "sparse_plus", "sparse_sigmoid", "squareplus"}  # none for classifiers
    known = set(keras.src.activations.ALL_OBJECTS_DICT)
    assert {name for name in known if not ACTIVATION.allows(name)} == ours


# how models are put together


def transfer(freeze: Callable[[keras.Model], Any]) -> keras.Model:
    """A network within a network, of which a part is frozen."""
    image = keras.Input((128, 128, 3), dtype="uint8")
    base = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(128, 128, 3), alpha=0.35
    )
    freeze(base)
    x = base(layers.Rescaling(1 / 127.5, offset=-1)(image), training=False)
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


def nothing(base: keras.Model) -> None:
    pass


def everything(base: keras.Model) -> None:
    base.trainable = False


def half(base: keras.Model) -> None:
    for layer in base.layers[:70]:
        layer.trainable = False


def normalisation(base: keras.Model) -> None:
    for layer in base.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)


@pytest.mark.parametrize("freeze", [nothing, everything, half, normalisation])
def test_transferred_networks_pass(tmp_path: Path, freeze: Callable[[keras.Model], None]) -> None:
    inspect(save(transfer(freeze), tmp_path))


def sequential() -> keras.Model:
    inner = keras.Sequential([keras.Input((32, 24, 3)), layers.Conv2D(4, 3), layers.ReLU()])
    return keras.Sequential([picture(), inner, layers.Flatten(), layers.Dense(2)])


def sequential_built_late() -> keras.Model:
    model = keras.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)])
    model.build((None, 32, 24, 3))
    return model


def shared_layer() -> keras.Model:
    image, twice = picture(), layers.Conv2D(3, 3, padding="same")
    return keras.Model(image, layers.Add()([twice(image), twice(twice(image))]))


def shared_model() -> keras.Model:
    image = picture()
    inner = keras.Model(image, layers.Conv2D(3, 3, padding="same")(image))
    again = picture()
    return keras.Model(again, layers.Add()([inner(again), inner(inner(again))]))


def model_that_ends_with_a_model() -> keras.Model:
    image = picture()
    inner = keras.Model(image, layers.Dense(2)(layers.Flatten()(image)))
    again = picture()
    return keras.Model(again, inner(layers.ReLU()(again)))


def arithmetic() -> keras.Model:
    image = picture()
    return keras.Model(image, layers.ReLU()((image + 3.0) * 0.5 - image))


def several_inputs_and_outputs() -> keras.Model:
    image, other = picture(), keras.Input((32, 24, 3), name="other")
    x = layers.Add()([image, other])
    return keras.Model([image, other], [layers.ReLU()(x), layers.Flatten()(x)])


def named_output() -> keras.Model:
    image = picture()
    return keras.Model(image, {"scores": layers.Dense(2)(layers.Flatten()(image))})


@pytest.mark.parametrize(
    "make",
    [
        sequential,
        sequential_built_late,
        shared_layer,
        shared_model,
        model_that_ends_with_a_model,
        arithmetic,
        several_inputs_and_outputs,
        named_output,
    ],
)
def test_a_model_put_together_in_another_way_passes(
    tmp_path: Path, make: Callable[[], keras.Model]
) -> None:
    inspect(save(make(), tmp_path))


def test_names_that_keras_splits_over_attributes_pass(tmp_path: Path) -> None:
    x = image = picture()
    for number in range(700):
        x = layers.Identity(name=f"{number}_{'long' * 28}")(x)
    inspect(save(keras.Model(image, x), tmp_path))
