"""The allow-list of layers: those of Keras that harmless image classifiers are made of.

It was written by hand from the networks of ``keras.applications`` and from what training uses.
Left out is what runs code from the file (Lambda), reads other files (TFSMLayer), wraps other
frameworks (TorchModuleWrapper, JaxLayer, FlaxLayer), wraps layers in layers, or works on text,
sound or sequences. A layer is found by its name alone: Keras looks names up among its own layers
when a layer's configuration has no ``module``, and one that has is refused.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from classifier.inspection import shapes
from classifier.inspection.fields import (
    ACTIVATION,
    AXES,
    AXIS,
    BOOLEAN,
    CONSTRAINT,
    DTYPE,
    DTYPE_POLICY,
    INITIALIZER,
    LARGEST,
    NAME,
    REGULARIZER,
    SEED,
    SIZE,
    Field,
    Fields,
    either,
    integer,
    listed,
    number,
    one_of,
    optional,
    pair,
)


class Rule(NamedTuple):
    """A layer on the allow-list.

    Attributes:
        fields: what its configuration may hold.
        build: what it makes of its input, or of its inputs if it merges; see ``shapes``.
        merges: whether it takes several inputs.
    """

    fields: Fields
    build: Callable[[dict[str, Any], Any], shapes.Built]
    merges: bool = False


_BASE = {"name": NAME, "trainable": BOOLEAN, "dtype": DTYPE_POLICY}
_CHANNELS_LAST = {"data_format": one_of("channels_last")}
_WINDOW = pair(integer(1, shapes.WIDEST))
_EDGES = pair(pair(integer(0, 1024)))
_PER_CHANNEL = either(number(), listed(number(), 1, LARGEST))
_FACTOR = either(number(-10, 10), pair(number(-10, 10)))


def _weight(name: str) -> dict[str, Field]:
    """The settings of a weight that has this name in a configuration."""
    return {
        f"{name}_initializer": INITIALIZER,
        f"{name}_regularizer": REGULARIZER,
        f"{name}_constraint": CONSTRAINT,
    }


def _rule(build: Callable[[dict[str, Any], Any], shapes.Built], **fields: Field) -> Rule:
    return Rule({**_BASE, **fields}, build)


def _merging(build: Callable[[dict[str, Any], Any], shapes.Built], **fields: Field) -> Rule:
    return Rule({**_BASE, **fields}, build, merges=True)


_BIAS = {"use_bias": BOOLEAN, **_weight("bias"), "activity_regularizer": REGULARIZER}
_SLIDING = {
    **_CHANNELS_LAST,
    "strides": _WINDOW,
    "padding": one_of("valid", "same"),
}
_CONVOLUTION = {
    **_SLIDING,
    **_BIAS,
    "kernel_size": _WINDOW,
    "dilation_rate": _WINDOW,
    "activation": ACTIVATION,
}
_POOLING = {**_SLIDING, "pool_size": _WINDOW, "strides": optional(_WINDOW)}
_SCALE_AND_CENTER = {
    "epsilon": number(0, 1),
    "center": BOOLEAN,
    "scale": BOOLEAN,
    **_weight("beta"),
    **_weight("gamma"),
}
_DROPOUT = {"rate": number(0, 1), "seed": SEED}
_NOISE_SHAPE = optional(listed(optional(SIZE), 1, 5))
_RANDOM = {**_CHANNELS_LAST, "seed": SEED}
_FILLING = {
    "fill_mode": one_of("constant", "nearest", "reflect", "wrap"),
    "fill_value": number(),
    "interpolation": one_of("bilinear", "nearest"),
}
_RANGE = pair(number())

INPUT: Fields = {
    "name": NAME,
    "dtype": DTYPE,
    "batch_shape": Field(
        lambda value: (
            isinstance(value, list)
            and 2 <= len(value) <= 5
            and value[0] is None
            and all(SIZE.allows(length) for length in value[1:])
        ),
        "null and then one to four lengths",
    ),
    "sparse": one_of(False),
    "ragged": one_of(False),
    "optional": one_of(False),
}

LAYERS: Mapping[str, Rule] = {
    # weights
    "Dense": _rule(
        shapes.dense,
        units=SIZE,
        activation=ACTIVATION,
        quantization_config=one_of(None),
        **_weight("kernel"),
        **_BIAS,
    ),
    "Conv2D": _rule(
        shapes.convolution, filters=SIZE, groups=SIZE, **_weight("kernel"), **_CONVOLUTION
    ),
    "DepthwiseConv2D": _rule(
        shapes.depthwise_convolution,
        depth_multiplier=SIZE,
        **_weight("depthwise"),
        **_CONVOLUTION,
    ),
    "SeparableConv2D": _rule(
        shapes.separable_convolution,
        filters=SIZE,
        depth_multiplier=SIZE,
        **_weight("depthwise"),
        **_weight("pointwise"),
        **_CONVOLUTION,
    ),
    # normalisation
    "BatchNormalization": _rule(
        shapes.batch_normalization,
        axis=AXES,
        momentum=number(0, 1),
        moving_mean_initializer=INITIALIZER,
        moving_variance_initializer=INITIALIZER,
        synchronized=one_of(False),
        renorm=one_of(False),
        renorm_clipping=one_of(None),
        renorm_momentum=number(0, 1),
        **_SCALE_AND_CENTER,
    ),
    "LayerNormalization": _rule(
        shapes.layer_normalization, axis=AXES, rms_scaling=one_of(False), **_SCALE_AND_CENTER
    ),
    "GroupNormalization": _rule(
        shapes.group_normalization,
        axis=AXES,
        groups=either(integer(-1, -1), SIZE),
        **_SCALE_AND_CENTER,
    ),
    "Normalization": _rule(
        shapes.normalization,
        axis=AXES,
        mean=optional(_PER_CHANNEL),
        variance=optional(either(number(0), listed(number(0), 1, LARGEST))),
        invert=BOOLEAN,
    ),
    "UnitNormalization": _rule(shapes.unchanged, axis=AXES),
    "Rescaling": _rule(shapes.rescaling, scale=_PER_CHANNEL, offset=_PER_CHANNEL),
    # activations
    "Activation": _rule(shapes.unchanged, activation=ACTIVATION),
    "ReLU": _rule(
        shapes.unchanged,
        max_value=optional(number(0)),
        negative_slope=number(),
        threshold=number(),
    ),
    "LeakyReLU": _rule(shapes.unchanged, negative_slope=number()),
    "ELU": _rule(shapes.unchanged, alpha=number()),
    "PReLU": _rule(
        shapes.prelu, shared_axes=optional(listed(integer(1, 4), 0, 4)), **_weight("alpha")
    ),
    "Softmax": _rule(shapes.unchanged, axis=AXES),
    # pooling
    "AveragePooling2D": _rule(shapes.pooling, **_POOLING),
    "MaxPooling2D": _rule(shapes.pooling, **_POOLING),
    "GlobalAveragePooling2D": _rule(shapes.global_pooling, keepdims=BOOLEAN, **_CHANNELS_LAST),
    "GlobalMaxPooling2D": _rule(shapes.global_pooling, keepdims=BOOLEAN, **_CHANNELS_LAST),
    # geometry
    "ZeroPadding2D": _rule(shapes.zero_padding, padding=_EDGES, **_CHANNELS_LAST),
    "Cropping2D": _rule(shapes.cropping, cropping=_EDGES, **_CHANNELS_LAST),
    "UpSampling2D": _rule(
        shapes.upsampling,
        size=_WINDOW,
        interpolation=one_of("bilinear", "nearest"),
        **_CHANNELS_LAST,
    ),
    "Resizing": _rule(
        shapes.resizing,
        height=SIZE,
        width=SIZE,
        crop_to_aspect_ratio=BOOLEAN,
        pad_to_aspect_ratio=BOOLEAN,
        antialias=BOOLEAN,
        **_FILLING,
        **_CHANNELS_LAST,
    ),
    "Flatten": _rule(shapes.flatten, **_CHANNELS_LAST),
    "Reshape": _rule(shapes.reshape, target_shape=listed(integer(-1, 2**31), 1, 5)),
    "Permute": _rule(shapes.permute, dims=listed(integer(1, 4), 1, 4)),
    "Identity": _rule(shapes.unchanged),
    # merging
    "Add": _merging(shapes.merge),
    "Average": _merging(shapes.merge),
    "Maximum": _merging(shapes.merge),
    "Minimum": _merging(shapes.merge),
    "Multiply": _merging(shapes.merge),
    "Subtract": _merging(shapes.merge),
    "Concatenate": _merging(shapes.concatenate, axis=AXIS),
    # only in training
    "Dropout": _rule(shapes.unchanged, noise_shape=_NOISE_SHAPE, **_DROPOUT),
    "SpatialDropout2D": _rule(shapes.unchanged, **_DROPOUT, **_CHANNELS_LAST),
    "AlphaDropout": _rule(shapes.unchanged, noise_shape=_NOISE_SHAPE, **_DROPOUT),
    "GaussianDropout": _rule(shapes.unchanged, **_DROPOUT),
    "GaussianNoise": _rule(shapes.unchanged, stddev=number(0), seed=SEED),
    "RandomFlip": _rule(
        shapes.unchanged,
        mode=one_of("horizontal", "vertical", "horizontal_and_vertical"),
        **_RANDOM,
    ),
    "RandomRotation": _rule(shapes.unchanged, factor=_FACTOR, **_RANDOM, **_FILLING),
    "RandomZoom": _rule(
        shapes.unchanged,
        height_factor=_FACTOR,
        width_factor=optional(_FACTOR),
        **_RANDOM,
        **_FILLING,
    ),
    "RandomTranslation": _rule(
        shapes.unchanged,
        height_factor=_FACTOR,
        width_factor=_FACTOR,
        **_RANDOM,
        **_FILLING,
    ),
    "RandomContrast": _rule(shapes.unchanged, factor=_FACTOR, value_range=_RANGE, **_RANDOM),
}
