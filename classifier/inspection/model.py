"""Models: their layers, and the weights that these need, found without building any.

Keras would allocate what a configuration asks for before it looks at the weights. Here every
shape is computed first, so that what reaches Keras is bounded and fits the weights in the file.
"""

from typing import Any

from classifier.inspection.fields import (
    ANYTHING,
    BOOLEAN,
    DTYPE_POLICY,
    LIST,
    NAME,
    OBJECT,
    Fields,
    check,
    either,
)
from classifier.inspection.finding import Finding, shown
from classifier.inspection.graph import Graph, Layer, Model, Needed, check_size, layer_of
from classifier.inspection.layers import INPUT, LAYERS
from classifier.inspection.shapes import Shape

DEEPEST = 4  # models within models

_SEQUENTIAL_LAYER: Fields = {"class_name": ANYTHING, "config": ANYTHING}
_FUNCTIONAL_LAYER: Fields = {**_SEQUENTIAL_LAYER, "name": NAME, "inbound_nodes": LIST}
_SEQUENTIAL: Fields = {
    "name": NAME,
    "trainable": BOOLEAN,
    "dtype": DTYPE_POLICY,
    "layers": LIST,
    "build_input_shape": INPUT["batch_shape"],
}
_FUNCTIONAL: Fields = {
    "name": NAME,
    "trainable": BOOLEAN,
    "layers": LIST,
    "input_layers": either(LIST, OBJECT),
    "output_layers": either(LIST, OBJECT),
}


def needed(config: object) -> list[Needed]:
    """The weights that a model needs, by its own layers in their order.

    Args:
        config: the parsed ``model_config`` of the file.

    Raises:
        Finding: something in it is not on the allow-lists, or is too large, or does not fit.
    """
    where = "the model"
    found = check(config, _SEQUENTIAL_LAYER, where)
    class_name = found.get("class_name")
    if class_name not in ("Functional", "Sequential"):
        raise Finding(f"{where} is a {shown(class_name)}, neither Functional nor Sequential")
    return _model(class_name, found.get("config"), where, 1).layers


def _model(class_name: str, config: object, where: str, depth: int) -> Model:
    if depth > DEEPEST:
        raise Finding(f"{where} is a model within models, more than {DEEPEST} deep")
    read = _functional if class_name == "Functional" else _sequential
    return read(config, where, depth)


def _sequential(given: object, where: str, depth: int) -> Model:
    config = check(given, _SEQUENTIAL, where)
    layers = [_part(layer, _SEQUENTIAL_LAYER, where) for layer in config.get("layers", [])]
    if not layers or layers[0].get("class_name") != "InputLayer":
        raise Finding(f"{where} does not begin with an InputLayer")
    shape = _input(layers[0].get("config"), where)
    if config.get("build_input_shape", [None, *shape]) != [None, *shape]:
        raise Finding(f"{where} has a build_input_shape that is not its InputLayer's")
    model = Model(config.get("trainable", True), inputs=[shape])
    for layer in layers[1:]:
        name = _name(layer, where)
        built = model.call(_layer(layer, where, depth), [shape], layer_of(where, name))
        model.layers.append(Needed(name, built.variables))
        shape = built.shape
    if len({layer.name for layer in model.layers}) < len(model.layers):
        raise Finding(f"{where} has two layers of one name")
    model.outputs.append(shape)
    return model


def _functional(given: object, where: str, depth: int) -> Model:
    config = check(given, _FUNCTIONAL, where)
    graph = Graph(where)
    for part in config.get("layers", []):
        layer = _part(part, _FUNCTIONAL_LAYER, where)
        name, calls = _name(layer, where), layer.get("inbound_nodes", [])
        if layer.get("name") != name:
            raise Finding(f"{layer_of(where, name)} has a second name")
        if layer.get("class_name") == "InputLayer":
            graph.add_input(name, _input(layer.get("config"), where), calls)
        else:
            graph.add(name, _layer(layer, where, depth), calls)
    model = graph.connect(config.get("trainable", True))
    model.inputs = graph.tensors(config.get("input_layers", []))
    model.outputs = graph.tensors(config.get("output_layers", []))
    return model


def _layer(layer: dict[str, Any], where: str, depth: int) -> Layer | Model:
    class_name, config = layer.get("class_name"), layer.get("config")
    where = layer_of(where, _name(layer, where))
    if class_name in ("Functional", "Sequential"):
        return _model(class_name, config, where, depth + 1)
    if not isinstance(class_name, str) or class_name not in LAYERS:
        raise Finding(f"{where} is a {shown(class_name)}, which is not on the allow-list")
    rule = LAYERS[class_name]
    return Layer(rule, check(config, rule.fields, where))


def _part(given: object, fields: Fields, where: str) -> dict[str, Any]:
    name = given.get("name") if isinstance(given, dict) else None
    if isinstance(name, str) and NAME.allows(name):
        where = layer_of(where, name)
    return check(given, fields, where)


def _input(given: object, where: str) -> Shape:
    config = check(given, INPUT, f"an InputLayer of {where}")
    if "batch_shape" not in config:
        raise Finding(f"an InputLayer of {where} has no shape")
    shape = tuple(config["batch_shape"][1:])
    check_size(shape, f"an InputLayer of {where}")
    return shape


def _name(layer: dict[str, Any], where: str) -> str:
    config = layer.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    if not isinstance(name, str) or not NAME.allows(name):
        raise Finding(f"{where} has a layer called {shown(name)}; it must be {NAME.expected}")
    return name
