"""What a layer makes of its inputs: the shape, the weights and the work, by arithmetic alone.

The rules are those of Keras 3 for ``channels_last``; shapes leave out the batch axis. Every
function takes the layer's configuration, whose values its fields have allowed, and the shape of
its input (those that merge: the shapes of their inputs). They raise ValueError where Keras would
refuse as well, and KeyError where the configuration lacks what they need.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

Shape = tuple[int, ...]
Config = dict[str, Any]

# How far a dilated kernel reaches. Padding of kind "same" grows a picture by as much.
WIDEST = 256


class Variable(NamedTuple):
    """A weight of a layer.

    Attributes:
        name: what Keras calls it within its layer.
        shape: how it is stored.
        trainable: whether training changes it in a layer that is not frozen.
    """

    name: str
    shape: Shape
    trainable: bool = True

    @property
    def is_variance(self) -> bool:
        """Whether its root is taken, so that values below zero answer NaN."""
        return self.name in {"variance", "moving_variance"}

    @property
    def is_count(self) -> bool:
        """Whether it counts, in integers, how many values a data set had."""
        return self.name == "count"


class Built(NamedTuple):
    """A layer on a certain input.

    Attributes:
        shape: of its output.
        variables: its weights, in Keras' order.
        work: multiplications and additions for one image, beyond one per value of the output.
        calls: how many layers are called.
    """

    shape: Shape
    variables: tuple[Variable, ...] = ()
    work: int = 0
    calls: int = 1


def unchanged(config: Config, shape: Shape) -> Built:
    """One value for one value."""
    return Built(shape)


def dense(config: Config, shape: Shape) -> Built:
    """A matrix product over the last axis."""
    units = config["units"]
    if not shape:
        raise ValueError("it needs an input of one axis or more")
    return Built(
        (*shape[:-1], units),
        (Variable("kernel", (shape[-1], units)), *_bias(config, units)),
        math.prod(shape) * units,
    )


def convolution(config: Config, shape: Shape) -> Built:
    """A convolution, perhaps in groups of channels."""
    channels, filters, groups = _image(shape)[2], config["filters"], config.get("groups", 1)
    if channels % groups or filters % groups:
        raise ValueError(f"{channels} channels and {filters} filters do not split into {groups}")
    kernel = (*config["kernel_size"], channels // groups, filters)
    output = (*_slid(config, config["kernel_size"], shape), filters)
    work = math.prod(output) * math.prod(kernel[:3])
    return Built(output, (Variable("kernel", kernel), *_bias(config, filters)), work)


def depthwise_convolution(config: Config, shape: Shape) -> Built:
    """A convolution of each channel by itself."""
    channels, multiplier = _image(shape)[2], config.get("depth_multiplier", 1)
    kernel = (*config["kernel_size"], channels, multiplier)
    output = (*_slid(config, config["kernel_size"], shape), channels * multiplier)
    work = math.prod(output) * math.prod(kernel[:2])
    return Built(output, (Variable("kernel", kernel), *_bias(config, output[2])), work)


def separable_convolution(config: Config, shape: Shape) -> Built:
    """A depthwise convolution, and then one of 1x1 across the channels."""
    depthwise = depthwise_convolution({**config, "use_bias": False}, shape)
    inner, filters = depthwise.shape[2], config["filters"]
    return Built(
        (*depthwise.shape[:2], filters),
        (
            Variable("depthwise_kernel", depthwise.variables[0].shape),
            Variable("pointwise_kernel", (1, 1, inner, filters)),
            *_bias(config, filters),
        ),
        depthwise.work + math.prod(depthwise.shape) * (filters + 1),
    )


def pooling(config: Config, shape: Shape) -> Built:
    """The largest or the mean value of each window."""
    window = config["pool_size"]
    strides = config.get("strides") or window
    output = (*_slid({**config, "strides": strides}, window, shape), shape[2])
    return Built(output, work=math.prod(output) * math.prod(window))


def global_pooling(config: Config, shape: Shape) -> Built:
    """One value for each channel."""
    channels = _image(shape)[2]
    output = (1, 1, channels) if config.get("keepdims") else (channels,)
    return Built(output, work=math.prod(shape))


def zero_padding(config: Config, shape: Shape) -> Built:
    """Rows and columns of zeros around a picture."""
    height, width, channels = _image(shape)
    rows, columns = config["padding"]
    return Built((height + sum(rows), width + sum(columns), channels))


def cropping(config: Config, shape: Shape) -> Built:
    """Rows and columns cut off a picture."""
    height, width, channels = _image(shape)
    rows, columns = config["cropping"]
    return Built((height - sum(rows), width - sum(columns), channels))


def upsampling(config: Config, shape: Shape) -> Built:
    """Every row and column several times."""
    height, width, channels = _image(shape)
    rows, columns = config["size"]
    return Built((height * rows, width * columns, channels))


def resizing(config: Config, shape: Shape) -> Built:
    """A picture of a fixed size."""
    return Built((config["height"], config["width"], _image(shape)[2]), work=math.prod(shape))


def flatten(config: Config, shape: Shape) -> Built:
    """All axes in one."""
    return Built((math.prod(shape),))


def reshape(config: Config, shape: Shape) -> Built:
    """The same values along other axes, of which -1 takes what is left."""
    target = config["target_shape"]
    values, known = math.prod(shape), math.prod(length for length in target if length != -1)
    output = tuple(values // known if length == -1 else length for length in target)
    if target.count(-1) > 1 or math.prod(output) != values:
        raise ValueError(f"{values} values do not fill the shape {target}")
    return Built(output)


def permute(config: Config, shape: Shape) -> Built:
    """The axes in another order."""
    order = config["dims"]
    if sorted(order) != list(range(1, len(shape) + 1)):
        raise ValueError(f"{order} is no order of {len(shape)} axes")
    return Built(tuple(shape[dim - 1] for dim in order))


def rescaling(config: Config, shape: Shape) -> Built:
    """A factor and an offset, for all channels or for each."""
    for value in (config["scale"], config.get("offset", 0)):
        _fits_channels(value, shape)
    return Built(shape)


def normalization(config: Config, shape: Shape) -> Built:
    """Mean and variance of a data set, given in the configuration or as weights."""
    values = (_length(config.get("axis", -1), shape),)
    if config.get("mean") is not None or config.get("variance") is not None:
        for value in (config["mean"], config["variance"]):
            _fits_channels(value, values)
        return Built(shape)
    adapted = (Variable(n, s, False) for n, s in [("mean", values), ("variance", values)])
    return Built(shape, (*adapted, Variable("count", (), False)))


def batch_normalization(config: Config, shape: Shape) -> Built:
    """Running means and variances of each channel, with a factor and an offset."""
    values = (_length(config.get("axis", -1), shape),)
    running = (Variable(n, values, False) for n in ("moving_mean", "moving_variance"))
    return Built(shape, (*_scale_and_center(config, values), *running), math.prod(shape))


def layer_normalization(config: Config, shape: Shape) -> Built:
    """Normalised over one axis of each image; its factor and offset are optional."""
    values = (_length(config.get("axis", -1), shape),)
    return Built(shape, _scale_and_center(config, values), math.prod(shape))


def group_normalization(config: Config, shape: Shape) -> Built:
    """Normalised over groups of channels of each image."""
    channels, groups = _length(config.get("axis", -1), shape), config.get("groups", 32)
    if groups != -1 and channels % groups:
        raise ValueError(f"{channels} channels do not split into {groups} groups")
    return Built(shape, _scale_and_center(config, (channels,)), math.prod(shape))


def prelu(config: Config, shape: Shape) -> Built:
    """A learned slope below zero for each value, shared along some axes."""
    shared = config.get("shared_axes") or []
    slopes = tuple(1 if axis in shared else length for axis, length in enumerate(shape, 1))
    return Built(shape, (Variable("alpha", slopes),))


def merge(config: Config, shapes: Sequence[Shape]) -> Built:
    """Value by value; an axis of length 1 is repeated."""
    if len({len(shape) for shape in shapes}) != 1:
        raise ValueError(f"the shapes {list(shapes)} have different numbers of axes")
    output = tuple(max(lengths) for lengths in zip(*shapes, strict=True))
    for shape in shapes:
        if any(length not in (1, out) for length, out in zip(shape, output, strict=True)):
            raise ValueError(f"the shapes {list(shapes)} do not match")
    return Built(output, work=len(shapes) * math.prod(output))


def concatenate(config: Config, shapes: Sequence[Shape]) -> Built:
    """One after the other along an axis."""
    axis = _position(config.get("axis", -1), shapes[0])
    around = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(around) != 1 or any(len(shape) != len(shapes[0]) for shape in shapes):
        raise ValueError(f"the shapes {list(shapes)} differ beyond axis {axis + 1}")
    joined = sum(shape[axis] for shape in shapes)
    return Built((*shapes[0][:axis], joined, *shapes[0][axis + 1 :]))


def _image(shape: Shape) -> Shape:
    if len(shape) != 3:
        raise ValueError(f"it needs height, width and channels, not the shape {shape}")
    return shape


def _slid(config: Config, window: Sequence[int], shape: Shape) -> tuple[int, int]:
    """Height and width of what a window sees that slides over a picture."""
    strides = config.get("strides", [1, 1])
    dilation = config.get("dilation_rate", [1, 1])
    padding = config.get("padding", "valid")
    lengths = _image(shape)[:2]
    height, width = map(_steps, lengths, window, strides, dilation, [padding] * 2)
    return height, width


def _steps(length: int, window: int, stride: int, dilation: int, padding: str) -> int:
    reach = (window - 1) * dilation + 1
    if reach > WIDEST:
        raise ValueError(f"a window reaches over {reach} pixels, more than {WIDEST}")
    if padding == "same":
        return (length - 1) // stride + 1
    if reach > length:
        raise ValueError(f"a window of {reach} pixels does not fit into {length}")
    return (length - reach) // stride + 1


def _bias(config: Config, length: int) -> tuple[Variable, ...]:
    return (Variable("bias", (length,)),) if config.get("use_bias", True) else ()


def _scale_and_center(config: Config, values: Shape) -> tuple[Variable, ...]:
    gamma = (Variable("gamma", values),) if config.get("scale", True) else ()
    beta = (Variable("beta", values),) if config.get("center", True) else ()
    return (*gamma, *beta)


def _position(axis: int | Sequence[int], shape: Shape) -> int:
    """Where in ``shape``, which has no batch axis, Keras' ``axis`` is."""
    given = axis if isinstance(axis, int) else axis[0]
    position = given - 1 if given > 0 else given + len(shape)
    if given == 0 or not 0 <= position < len(shape):
        raise ValueError(f"there is no axis {given} in the shape {shape}")
    return position


def _length(axis: int | Sequence[int], shape: Shape) -> int:
    return shape[_position(axis, shape)]


def _fits_channels(value: float | Sequence[float], shape: Shape) -> None:
    if isinstance(value, list) and (not shape or len(value) != shape[-1]):
        raise ValueError(f"{len(value)} values do not fit the shape {shape}")
