"""Changing images at random between epochs, outside the model: shift, zoom, rotation, brightness.

The random numbers depend on nothing but the seeds given, so that a resumed run sees the images
that an uninterrupted one would have seen.
"""

import math

import tensorflow as tf

from training.settings import TrainSettings

CENTRE = (128 - 1) / 2


def augment(images: tf.Tensor, seed: tf.Tensor, strengths: TrainSettings) -> tf.Tensor:
    """Change each image of a batch in its own way.

    Args:
        images: uint8[N, 128, 128, 3].
        seed: int64[2]; equal seeds make equal changes.
        strengths: how much at most.

    Returns:
        uint8[N, 128, 128, 3]; where an image moved away, its edge is continued.
    """
    amounts = tf.random.stateless_uniform((5, tf.shape(images)[0]), seed, -1.0, 1.0)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=_transforms(amounts[0], amounts[1], amounts[2], amounts[3], strengths),
        output_shape=tf.shape(images)[1:3],
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )
    gain = 1.0 + strengths.brightness * amounts[4][:, None, None, None]
    return tf.saturate_cast(tf.cast(moved, tf.float32) * gain, tf.uint8)


def _transforms(
    shift_x: tf.Tensor, shift_y: tf.Tensor, zoom: tf.Tensor, turn: tf.Tensor, most: TrainSettings
) -> tf.Tensor:
    """The projective transforms, float32[N, 8], from output to input pixels.

    All arguments but ``most`` are float32[N] in [-1, 1].
    """
    angle = turn * math.radians(most.rotation)
    scale = 1.0 + zoom * most.zoom
    cos, sin = scale * tf.cos(angle), scale * tf.sin(angle)
    # A rotation about the centre: R (p - c) + c = R p + (c - R c).
    x = CENTRE * (1.0 - cos + sin) + 2 * CENTRE * most.shift * shift_x
    y = CENTRE * (1.0 - sin - cos) + 2 * CENTRE * most.shift * shift_y
    nothing = tf.zeros_like(cos)
    return tf.stack([cos, -sin, x, sin, cos, y, nothing, nothing], axis=1)
