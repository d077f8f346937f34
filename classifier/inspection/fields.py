"""What a value in a model's configuration may be.

A :class:`Field` both tests a value and says in words what is allowed. The allow-lists of
initialisers, activations, regularisers, constraints and dtypes stand here, written by hand: of
Keras' own, those that image classifiers use, and that cost no more than the weights they fill.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from classifier.inspection.finding import Finding, shown

# What TensorFlow accepts as the name of a scope, less the slash that would make it a path.
_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.>-]{0,127}", re.ASCII)

LARGEST = 65_536  # of a dimension: units, filters, the side of a picture


class Field(NamedTuple):
    """What a value may be.

    Attributes:
        allows: tests a value, which may be anything that JSON holds.
        expected: what is allowed, as it completes "it must be ...".
    """

    allows: Callable[[Any], bool]
    expected: str


Fields = Mapping[str, Field]


def check(value: object, fields: Fields, where: str) -> dict[str, Any]:
    """Require an object that has no other keys than ``fields`` and values that they allow.

    Keys may be missing, as earlier versions of Keras 3 write fewer: Keras then takes its default.

    Raises:
        Finding: something else is there; the message begins with ``where``.
    """
    if not isinstance(value, dict):
        raise Finding(f"{where} is {shown(value)}, where an object belongs")
    for key, item in value.items():
        if key not in fields:
            raise Finding(f"{where} has {shown(key)}, which is not on the allow-list")
        if not fields[key].allows(item):
            raise Finding(
                f"{where} has {shown(key)} {shown(item)}, and it must be {fields[key].expected}"
            )
    return value


def one_of(*values: str | bool | None) -> Field:
    """One of a few values; True is not 1 and False is not 0."""
    return Field(
        lambda value: any(value is v or (isinstance(v, str) and value == v) for v in values),
        " or ".join(repr(value) for value in values),
    )


def integer(low: int, high: int) -> Field:
    """An integer from ``low`` to ``high``, both included."""
    return Field(
        lambda value: type(value) is int and low <= value <= high,
        f"an integer from {low} to {high}",
    )


def number(low: float = -1e6, high: float = 1e6) -> Field:
    """An integer or a float from ``low`` to ``high``, both included."""
    return Field(
        lambda value: type(value) in (int, float) and low <= value <= high,
        f"a number from {low:g} to {high:g}",
    )


def listed(item: Field, least: int, most: int) -> Field:
    """A list of ``least`` to ``most`` values that ``item`` allows."""
    length = str(least) if least == most else f"{least} to {most}"
    return Field(
        lambda value: (
            isinstance(value, list)
            and least <= len(value) <= most
            and all(item.allows(part) for part in value)
        ),
        f"a list of {length}, each {item.expected}",
    )


def either(*fields: Field) -> Field:
    """What any of ``fields`` allows."""
    return Field(
        lambda value: any(field.allows(value) for field in fields),
        ", or ".join(field.expected for field in fields),
    )


def optional(field: Field) -> Field:
    """What ``field`` allows, or null."""
    return either(one_of(None), field)


def pair(item: Field) -> Field:
    """A list of two values that ``item`` allows."""
    return listed(item, 2, 2)


def instance(module: str, classes: Mapping[str, Fields]) -> Field:
    """An object of Keras' own as ``keras.saving.serialize_keras_object`` writes it.

    Args:
        module: the public module that it is in, so that nothing is imported by name.
        classes: the names of the classes that are allowed, and what each one's config may hold.
    """

    def allows(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        name, config = value.get("class_name"), value.get("config")
        if not isinstance(name, str) or name not in classes or not isinstance(config, dict):
            return False
        fields = classes[name]
        return (
            value.keys() <= {"module", "class_name", "config", "registered_name"}
            and value.get("module") == module
            and value.get("registered_name") is None
            and all(key in fields and fields[key].allows(item) for key, item in config.items())
        )

    return Field(allows, f"one of {module}.{{{', '.join(classes)}}} with its own settings alone")


BOOLEAN = one_of(True, False)
LIST = Field(lambda value: isinstance(value, list), "a list")
OBJECT = Field(lambda value: isinstance(value, dict), "an object")
ANYTHING = Field(lambda value: True, "anything")
NAME = Field(
    lambda value: isinstance(value, str) and _NAME.fullmatch(value) is not None,
    "a name of up to 128 letters, digits and . _ > -",
)
SIZE = integer(1, LARGEST)
AXIS = integer(-8, 8)
# Keras' reader of HDF5 drops an axis that is a list of more than one.
AXES = either(AXIS, listed(AXIS, 1, 1))

SEED = optional(integer(-(2**63), 2**63 - 1))
_RANDOM = {"seed": SEED}
_FANS = {**_RANDOM, "input_axes": one_of(None), "output_axes": one_of(None)}
_FAN_INITIALIZERS = (
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
)

# Not Orthogonal, whose factorisation costs the cube of what it fills.
INITIALIZER = instance(
    "keras.initializers",
    {
        "Zeros": {},
        "Ones": {},
        "Constant": {"value": number()},
        "RandomNormal": {**_RANDOM, "mean": number(), "stddev": number(0)},
        "RandomUniform": {**_RANDOM, "minval": number(), "maxval": number()},
        "TruncatedNormal": {**_RANDOM, "mean": number(), "stddev": number(0)},
        "VarianceScaling": {
            **_FANS,
            "scale": number(0),
            "mode": one_of("fan_in", "fan_out", "fan_avg"),
            "distribution": one_of("normal", "truncated_normal", "untruncated_normal", "uniform"),
        },
        **dict.fromkeys(_FAN_INITIALIZERS, _FANS),
    },
)
REGULARIZER = optional(
    instance(
        "keras.regularizers",
        {
            "L1": {"l1": number(0)},
            "L2": {"l2": number(0)},
            "L1L2": {"l1": number(0), "l2": number(0)},
        },
    )
)
CONSTRAINT = optional(
    instance(
        "keras.constraints",
        {
            "MaxNorm": {"max_value": number(0), "axis": AXES},
            "MinMaxNorm": {
                "min_value": number(0),
                "max_value": number(0),
                "rate": number(0, 1),
                "axis": AXES,
            },
            "NonNeg": {},
            "UnitNorm": {"axis": AXES},
        },
    )
)
_ACTIVATIONS = frozenset(
    {
        "celu",
        "elu",
        "exponential",
        "gelu",
        "hard_sigmoid",
        "hard_silu",
        "hard_swish",
        "leaky_relu",
        "linear",
        "log_sigmoid",
        "log_softmax",
        "mish",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
        "silu",
        "softmax",
        "softplus",
        "softsign",
        "swish",
        "tanh",
    }
)
ACTIVATION = Field(
    lambda value: isinstance(value, str) and value in _ACTIVATIONS,
    "an activation on the allow-list",
)
DTYPE = one_of("float32", "float16", "bfloat16", "float64", "uint8", "int32")
_POLICY = one_of(
    "float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16", "uint8"
)
DTYPE_POLICY = either(_POLICY, instance("keras", {"DTypePolicy": {"name": _POLICY}}))
