"""Files whose layers are connected as no model is, and whose weights do not fit them."""

import copy
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.classifier.hostile.hostile import KERNEL, Table, edited, layer, settings, tensor

hostile = Table()


def calls(config: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = layer(config, name)["inbound_nodes"]
    return found


def history(config: dict[str, Any], name: str) -> list[Any]:
    found: list[Any] = calls(config, name)[0]["args"][0]["config"]["keras_history"]
    return found


@hostile("'relu' waits for inputs")
def loop_of_layers(path: Path) -> None:
    with edited(path) as config:
        history(config, "relu")[0] = "pool"


@hostile("'relu' waits for inputs")
def layer_that_is_its_own_input(path: Path) -> None:
    with edited(path) as config:
        history(config, "relu")[0] = "relu"


@hostile("'nowhere', which is no layer")
def input_from_nowhere(path: Path) -> None:
    with edited(path) as config:
        history(config, "relu")[0] = "nowhere"


@hostile("is called 1 times, not 1000001")
def call_that_was_never_made(path: Path) -> None:
    with edited(path) as config:
        history(config, "relu")[1] = 1_000_000


@hostile("'keras_history'")
def negative_call(path: Path) -> None:
    with edited(path) as config:
        history(config, "relu")[1] = -1


@hostile("'keras_history'")
def output_that_no_layer_has(path: Path) -> None:
    with edited(path) as config:
        history(config, "relu")[2] = 5


@hostile("'relu' expects")
def tensor_of_another_shape(path: Path) -> None:
    with edited(path) as config:
        calls(config, "relu")[0]["args"][0]["config"]["shape"] = [None, 2, 2, 4]


@hostile("'class_name' '__tensor__'")
def constant_as_input(path: Path) -> None:
    with edited(path) as config:
        constant = {"class_name": "__tensor__", "config": {"value": [0], "dtype": "float32"}}
        calls(config, "relu")[0]["args"] = [constant]


@hostile("'initial_state', which is not on the allow-list")
def argument_that_no_layer_takes(path: Path) -> None:
    with edited(path) as config:
        calls(config, "relu")[0]["kwargs"] = {"initial_state": [1]}


@hostile("'training'")
def argument_that_is_an_object(path: Path) -> None:
    with edited(path) as config:
        calls(config, "relu")[0]["kwargs"] = {"training": tensor("conv", [None, 32, 32, 4])}


@hostile("is called with 2 inputs")
def two_inputs_where_one_belongs(path: Path) -> None:
    with edited(path) as config:
        calls(config, "relu")[0]["args"] *= 2


@hostile("is not connected")
def layer_without_inputs(path: Path) -> None:
    with edited(path) as config:
        calls(config, "drop").clear()


@hostile("is an InputLayer and has inputs")
def input_with_inputs(path: Path) -> None:
    with edited(path) as config:
        calls(config, "image").append({"args": [], "kwargs": {}})


@hostile("'relu' is there twice")
def two_layers_of_one_name(path: Path) -> None:
    with edited(path) as config:
        config["config"]["layers"].append(layer(config, "relu"))


@hostile("has a second name")
def layer_of_two_names(path: Path) -> None:
    with edited(path) as config:
        layer(config, "relu")["name"] = "other"


@hostile("'nowhere', which is no layer")
def answer_from_nowhere(path: Path) -> None:
    with edited(path) as config:
        config["config"]["output_layers"] = ["nowhere", 0, 0]


@hostile("calls of layers to more than 4000")
def five_thousand_layers(path: Path) -> None:
    with edited(path) as config:
        layers = config["config"]["layers"]
        spare = {"class_name": "Identity", "config": {}, "name": "", "inbound_nodes": []}
        for number in range(5_000):
            call = {"args": [tensor("relu", [None, 32, 32, 4])], "kwargs": {}}
            name = f"i{number}"
            layers.append(
                {**spare, "name": name, "config": {"name": name}, "inbound_nodes": [call]}
            )


@hostile("waits for inputs")
def layers_in_the_reverse_order(path: Path) -> None:
    # Keras goes through all of them once for each of them.
    with edited(path) as config:
        layers = config["config"]["layers"]
        names = [*(f"i{number}" for number in range(1_000)), "relu"]
        for name, before in itertools.pairwise(names):
            call = {"args": [tensor(before, [None, 32, 32, 4])], "kwargs": {}}
            layers.append(
                {
                    "class_name": "Identity",
                    "config": {"name": name},
                    "name": name,
                    "inbound_nodes": [call],
                }
            )


def nested(config: dict[str, Any], depth: int, width: int) -> None:
    """Put the whole model into a model, several times over, each called ``width`` times."""
    image = layer(config, "image")
    for level in range(depth):
        call = {"args": [tensor("image", [None, 128, 128, 3])], "kwargs": {}}
        inner = {**config, "name": f"level{level}", "inbound_nodes": [call] * width}
        inner["config"]["name"] = inner["name"]
        config.clear()
        config["class_name"] = "Functional"
        config["config"] = {
            "name": "outer",
            "layers": [copy.deepcopy(image), inner],
            "input_layers": ["image", 0, 0],
            "output_layers": [inner["name"], 0, 0],
        }


@hostile("more than 4 deep")
def model_in_a_model_in_a_model(path: Path) -> None:
    with edited(path) as config:
        nested(config, 20, 1)


@hostile("calls of layers to more than 4000")
def models_called_a_hundred_times_each(path: Path) -> None:
    with edited(path) as config:
        nested(config, 3, 100)


@hostile("beyond 1e[+]11 steps")
def hours_of_pooling(path: Path) -> None:
    with edited(path) as config:
        layers = config["config"]["layers"]
        before, shape = "scaled", [None, 128, 128, 3]
        for number in range(50):
            name = f"p{number}"
            size = {"pool_size": [250, 250], "strides": [1, 1], "padding": "same"}
            layers.append(
                {
                    "class_name": "MaxPooling2D",
                    "config": {"name": name, **size},
                    "name": name,
                    "inbound_nodes": [{"args": [tensor(before, shape)], "kwargs": {}}],
                }
            )
            before = name


# weights that do not fit


def with_weight(path: Path, name: str, change: Callable[[Any], Any]) -> None:
    with h5py.File(path, "r+") as file:
        values = change(file[name][()])
        del file[name]
        file[name] = values


@hostile("scores/kernel holds a value that is not finite")
def weight_that_is_nan(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[KERNEL][2, 1] = np.nan


@hostile("scores/kernel holds a value that is not finite")
def weight_that_is_infinite(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file[KERNEL][2, 1] = -np.inf


@hostile("not finite")
def weight_too_large_for_keras(path: Path) -> None:
    with_weight(path, KERNEL, lambda values: values.astype("f8") + 1e300)


@hostile("beyond 1e[+]09")
def weight_that_overflows(path: Path) -> None:
    with_weight(path, KERNEL, lambda values: values + np.float32(1e30))


@hostile("is a variance and holds -1")
def negative_variance(path: Path) -> None:
    with_weight(path, "model_weights/norm/norm/moving_variance", lambda values: values - 2)


@hostile(r"has the shape \(3, 4\), not \(4, 3\)")
def weight_lying_on_its_side(path: Path) -> None:
    with_weight(path, KERNEL, lambda values: values.T.copy())


@hostile("does not list|lists")
def weight_that_is_missing(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file[KERNEL]


@hostile("has 2 weights, and the file 1")
def fewer_weights_than_the_layer_has(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file[KERNEL]
        file["model_weights/scores"].attrs["weight_names"] = ["scores/bias"]


@hostile("has 1 weights, and the file 2")
def more_weights_than_the_layer_has(path: Path) -> None:
    with settings(path, "scores") as config:
        config["use_bias"] = False


@hostile("in the place of")
def weights_in_another_order(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["model_weights/scores"].attrs["weight_names"] = ["scores/bias", "scores/kernel"]


@hostile("disagree about 'their order'")
def layers_in_another_order(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        group.attrs["layer_names"] = group.attrs["layer_names"][::-1]


@hostile("disagree about 'relu'")
def layer_that_the_weights_do_not_know(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        group.attrs["layer_names"] = [n for n in group.attrs["layer_names"] if n != "relu"]
        del group["relu"]


@hostile("holds a value that is not finite")
def optimiser_with_nan(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        group = file.create_group("optimizer_weights")
        group.attrs["weight_names"] = ["adam/learning_rate"]
        group["adam/learning_rate"] = np.float32(np.nan)
