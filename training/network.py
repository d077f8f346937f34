"""The network: small enough for two cores, built from Keras' own layers alone.

Safe mode loads nothing but built-in layers, so that nothing here may be a layer of ours. Each
layer has a name of its own, as those that Keras makes up depend on what was built before, and
equal models would differ in their files.
"""

import hashlib
import json
from collections.abc import Sequence

import keras

layers = keras.layers

STEM_STRIDE = 4  # 128x128 pixels become 32x32 cells before any costly convolution
WIDTH = 32  # channels of the first block; each further block has twice as many
WIDEST = 256


def build(classes: int, blocks: int, policy: str = "float32") -> keras.Model:
    """A network from uint8[N, 128, 128, 3] to probabilities float32[N, classes].

    Args:
        classes: the number of outputs.
        blocks: convolution blocks, 1 to 5; each halves height and width.
        policy: the dtype policy of all layers but the last, as ``mixed_float16``.
    """
    image = keras.Input((128, 128, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1, dtype=policy, name="scaling")(image)
    x = _convolution("stem", x, WIDTH // 2, STEM_STRIDE, policy)
    for block in range(blocks):
        name = f"block{block + 1}"
        x = _convolution(name, x, min(WIDTH << block, WIDEST), 1, policy)
        x = layers.MaxPooling2D(2, dtype=policy, name=f"{name}_pooling")(x)
    x = layers.Flatten(dtype=policy, name="flatten")(x)
    x = layers.Dropout(0.2, dtype=policy, name="dropout")(x)
    # Probabilities from float16 would sum to 1 only within a thousandth.
    x = layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(image, x, name="network")


def name(classes: Sequence[str], threshold: float) -> str:
    """A name for a network whose outputs mean these classes, above this confidence.

    A version is the hash of a file: with the meaning in it, another meaning is another version.
    """
    meaning = json.dumps([list(classes), threshold])
    return f"classifier-{hashlib.sha256(meaning.encode()).hexdigest()[:12]}"


def _convolution(
    name: str, x: keras.KerasTensor, channels: int, stride: int, policy: str
) -> keras.KerasTensor:
    """Convolution, batch normalisation, ReLU; with a stride, of patches side by side."""
    x = layers.Conv2D(
        channels,
        kernel_size=3 if stride == 1 else stride,
        strides=stride,
        padding="same",
        use_bias=False,  # batch normalisation adds one
        kernel_initializer="he_normal",
        dtype=policy,
        name=f"{name}_convolution",
    )(x)
    # Keras' momentum of 0.99 needs hundreds of steps before validation means anything.
    x = layers.BatchNormalization(momentum=0.9, dtype=policy, name=f"{name}_normalisation")(x)
    return layers.ReLU(dtype=policy, name=f"{name}_relu")(x)
