"""How the layers of a functional model are connected, and what that costs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from classifier.inspection.fields import (
    ANYTHING,
    BOOLEAN,
    DTYPE,
    LIST,
    OBJECT,
    Field,
    Fields,
    check,
    one_of,
    optional,
)
from classifier.inspection.finding import Finding, shown
from classifier.inspection.layers import Rule
from classifier.inspection.shapes import Built, Shape, Variable

# 256 channels at the full size of our pictures.
LARGEST_TENSOR = 128 * 128 * 256  # values for one image
# VGG19, the costliest of keras.applications, does 6.4e9 on our pictures.
MOST_WORK = 10**11  # multiplications and additions for one image
# NASNetLarge, the longest, has 1,041 layers. Keras takes about a millisecond for each call.
MOST_CALLS = 4_000
MOST_MERGED = 1_000  # inputs of one layer
# How often Keras may go through the layers until all are connected: once if each stands after
# its inputs, as Keras writes them. Layers that are used several times take a few more.
MOST_PASSES = 50

_CALL: Fields = {"args": LIST, "kwargs": ANYTHING}
_OPTIONS: Fields = {"training": optional(BOOLEAN), "mask": one_of(None)}
_TENSOR: Fields = {
    "class_name": one_of("__keras_tensor__"),
    "config": OBJECT,
}
_HISTORY = Field(
    lambda value: (
        isinstance(value, list)
        and [type(part) for part in value] == [str, int, int]
        and value[1] >= 0
        and value[2] == 0
    ),
    "a layer's name, the number of a call, and 0",
)
_TENSOR_CONFIG: Fields = {"shape": LIST, "dtype": DTYPE, "keras_history": _HISTORY}


class Needed(NamedTuple):
    """The weights of one of a model's own layers, in the order that Keras has them."""

    name: str
    variables: tuple[Variable, ...]


@dataclass
class Layer:
    """A layer on the allow-list, with its settings, which were checked."""

    rule: Rule
    config: dict[str, Any]

    @property
    def is_operation(self) -> bool:
        """Whether it stands for ``x + y`` in Python; Keras keeps no weights and no group for it."""
        return self.rule.merges and self.config.keys() == {"name"}

    def __call__(self, shapes: Sequence[Shape], where: str) -> Built:
        """What it makes of tensors of these shapes."""
        try:
            built = self.rule.build(self.config, shapes if self.rule.merges else shapes[0])
        except KeyError as missing:
            raise Finding(f"{where} lacks {missing}") from None
        except ValueError as error:
            raise Finding(f"{where} cannot be: {error}") from None
        frozen = self.config.get("trainable") is False
        variables = (v._replace(trainable=v.trainable and not frozen) for v in built.variables)
        return built._replace(variables=tuple(variables))


@dataclass
class Model:
    """Layers that were connected, which may be a layer of another model."""

    trainable: bool
    inputs: list[Shape] = field(default_factory=list)
    outputs: list[Shape] = field(default_factory=list)
    layers: list[Needed] = field(default_factory=list)
    work: int = 0
    calls: int = 0

    def __call__(self, shapes: Sequence[Shape], where: str) -> Built:
        """What it makes of another model's tensors."""
        if list(shapes) != self.inputs or len(self.outputs) != 1:
            raise Finding(f"{where} does not answer {list(shapes)} with one tensor")
        variables = [variable for layer in self.layers for variable in layer.variables]
        if self.trainable:  # what is frozen comes last, and all of a frozen model is
            variables.sort(key=lambda variable: not variable.trainable)
        return Built(self.outputs[0], tuple(variables), self.work, self.calls)

    def call(self, layer: "Layer | Model", shapes: Sequence[Shape], where: str) -> Built:
        """Call one of its layers, and count what that costs."""
        built = layer(shapes, where)
        check_size(built.shape, where)
        self.calls += built.calls
        self.work += built.work + math.prod(built.shape)
        if self.calls > MOST_CALLS:
            raise Finding(f"{where} brings the calls of layers to more than {MOST_CALLS}")
        if self.work > MOST_WORK:
            raise Finding(f"{where} brings the work for one image beyond {MOST_WORK:.0e} steps")
        return built


@dataclass
class _Placed:
    """A layer in a graph, its calls, and the shapes that those already made answered."""

    layer: Layer | Model | None
    calls: list[Any]
    made: list[Shape] = field(default_factory=list)
    variables: tuple[Variable, ...] = ()


class Graph:
    """The layers of a functional model, and the calls that connect them.

    Args:
        where: the model, in words.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._placed: dict[str, _Placed] = {}

    def add_input(self, name: str, shape: Shape, calls: list[Any]) -> None:
        """Place an InputLayer."""
        if calls:
            raise Finding(f"{self._at(name)} is an InputLayer and has inputs")
        self._place(name, _Placed(None, [], [shape]))

    def add(self, name: str, layer: Layer | Model, calls: list[Any]) -> None:
        """Place a layer, which is called as its ``inbound_nodes`` say."""
        if not calls:
            raise Finding(f"{self._at(name)} is not connected")
        self._place(name, _Placed(layer, calls))

    def connect(self, trainable: bool) -> Model:
        """Make every call as soon as its inputs are there."""
        model = Model(trainable)
        waiting = list(self._placed)
        for _ in range(MOST_PASSES):
            waiting = [name for name in waiting if not self._advance(model, name)]
        if waiting:
            raise Finding(f"{self._at(waiting[0])} waits for inputs that do not come")
        model.layers = [
            Needed(name, placed.variables)
            for name, placed in self._placed.items()
            if not (isinstance(placed.layer, Layer) and placed.layer.is_operation)
        ]
        return model

    def tensors(self, references: list[Any] | dict[str, Any]) -> list[Shape]:
        """The shapes of what ``input_layers`` or ``output_layers`` names, once all is connected.

        That is one tensor, or a list of them, or an object with one for each name.
        """
        if isinstance(references, dict):
            references = list(references.values())
        elif not isinstance(next(iter(references), None), list):
            references = [references]
        found = []
        for history in references:
            if not _HISTORY.allows(history):
                raise Finding(f"{self._where} refers to {shown(history)}, which is no tensor")
            found.append(self._shape(history))
        return [shape for shape in found if shape is not None]

    def _at(self, name: str) -> str:
        return layer_of(self._where, name)

    def _place(self, name: str, placed: _Placed) -> None:
        if name in self._placed:
            raise Finding(f"{self._at(name)} is there twice")
        self._placed[name] = placed

    def _advance(self, model: Model, name: str) -> bool:
        """Make the calls of a layer whose inputs are there; whether these were all."""
        placed, where = self._placed[name], self._at(name)
        if placed.layer is None:
            return True
        for call in placed.calls[len(placed.made) :]:
            tensors = _inputs(call, placed.layer, where)
            shapes = [self._shape(tensor["keras_history"]) for tensor in tensors]
            known = [shape for shape in shapes if shape is not None]
            if len(known) < len(shapes):
                return False
            for tensor, shape in zip(tensors, known, strict=True):
                if tensor["shape"] != [None, *shape]:
                    raise Finding(f"{where} expects {shown(tensor['shape'])} and gets {shape}")
            built = model.call(placed.layer, known, where)
            if placed.made and built.variables != placed.variables:
                raise Finding(f"{where} is called with inputs that need different weights")
            placed.variables = built.variables
            placed.made.append(built.shape)
        return True

    def _shape(self, history: list[Any]) -> Shape | None:
        """The shape of a tensor, or None before the call that makes it."""
        name, number, _ = history
        placed = self._placed.get(name)
        if placed is None:
            raise Finding(f"{self._where} refers to {shown(name)}, which is no layer of it")
        calls = len(placed.calls) or 1
        if isinstance(placed.layer, Model) and number == calls:
            number -= 1  # a model was called once before this model used it: when it was built
        if number >= calls:
            raise Finding(f"{self._at(name)} is called {calls} times, not {number + 1}")
        return placed.made[number] if number < len(placed.made) else None


def layer_of(where: str, name: str) -> str:
    """A layer in words."""
    return f"the layer {name!r}" if where == "the model" else f"the layer {name!r} of {where}"


def check_size(shape: Shape, where: str) -> None:
    """Require a tensor that is not empty and not too large."""
    if any(length < 1 for length in shape):
        raise Finding(f"{where} answers an empty tensor: {shape}")
    if math.prod(shape) > LARGEST_TENSOR:
        raise Finding(f"{where} answers {shape}, more than {LARGEST_TENSOR} values for one image")


def _inputs(call: object, layer: Layer | Model, where: str) -> list[dict[str, Any]]:
    """The tensors that a layer is called with."""
    call = check(call, _CALL, where)
    check(call.get("kwargs", {}), _OPTIONS, where)
    arguments = call.get("args", [])
    most = 1
    if isinstance(layer, Layer) and layer.rule.merges:
        most = MOST_MERGED
        if len(arguments) == 2:  # an operation, such as x + 3.0
            arguments = [a for a in arguments if type(a) not in (int, float)]
    if len(arguments) == 1 and isinstance(arguments[0], list):
        arguments = arguments[0]
    if not 1 <= len(arguments) <= most:
        raise Finding(f"{where} is called with {len(arguments)} inputs; it takes 1 to {most}")
    return list(_configs(arguments, where))


def _configs(arguments: list[Any], where: str) -> Iterator[dict[str, Any]]:
    for argument in arguments:
        tensor = check(argument, _TENSOR, f"an input of {where}").get("config")
        config = check(tensor, _TENSOR_CONFIG, f"an input of {where}")
        if config.keys() < _TENSOR_CONFIG.keys():
            raise Finding(f"an input of {where} lacks its shape, dtype or history")
        yield config
