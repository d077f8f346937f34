"""Files whose configuration asks for code, other files, or more than a machine has."""

import json
from pathlib import Path
from typing import Any

import h5py
import keras

from tests.classifier.hostile.hostile import Table, edited, layer, replaced, settings

hostile = Table()

CALLED = "os.system('touch /called')"


# code, and what reads other files


@hostile("'Lambda', which is not on the allow-list")
def function_of_python(path: Path) -> None:
    image = keras.Input((128, 128, 3), dtype="uint8")
    called = keras.layers.Lambda(lambda x: x + 1)(image)
    keras.Model(image, keras.layers.Flatten()(called)).save(path)


@hostile("'Lambda'")
def bytecode_in_the_form_of_keras_2(path: Path) -> None:
    code = ["4wAAAAAAAAAAAAAAAAEAAAABAAAAcwYAAACXAHwAUwA=", None, None]
    replaced(path, "relu", "Lambda", {"function": code, "function_type": "lambda"})


@hostile("'TFSMLayer'")
def saved_model_of_tensorflow(path: Path) -> None:
    replaced(path, "relu", "TFSMLayer", {"filepath": "/tmp", "call_endpoint": "serve"})


@hostile("'TorchModuleWrapper'")
def pickled_module_of_torch(path: Path) -> None:
    replaced(path, "relu", "TorchModuleWrapper", {"module": "gASVGgAAAAAAAACMAm9z"})


@hostile("'JaxLayer'")
def function_of_jax(path: Path) -> None:
    replaced(path, "relu", "JaxLayer", {"call_fn": CALLED})


@hostile("'FlaxLayer'")
def module_of_flax(path: Path) -> None:
    replaced(path, "relu", "FlaxLayer", {"module": CALLED})


@hostile("'StringLookup'")
def vocabulary_in_another_file(path: Path) -> None:
    replaced(path, "relu", "StringLookup", {"vocabulary": "/etc/passwd"})


@hostile("'TextVectorization'")
def words_of_another_file(path: Path) -> None:
    replaced(path, "relu", "TextVectorization", {"vocabulary": "/etc/passwd"})


@hostile("'Custom>Evil'")
def layer_of_somebody(path: Path) -> None:
    replaced(path, "relu", "Custom>Evil")


@hostile("'TimeDistributed'")
def layer_around_a_layer(path: Path) -> None:
    inner = {"class_name": "Lambda", "config": {"function": CALLED}}
    replaced(path, "relu", "TimeDistributed", {"layer": inner})


@hostile("'RNN'")
def layer_around_a_cell(path: Path) -> None:
    replaced(path, "relu", "RNN", {"cell": {"class_name": "Lambda", "config": {}}})


@hostile("'__builtins__'")
def builtins_of_python(path: Path) -> None:
    replaced(path, "relu", "__builtins__")


@hostile("'deserialize'")
def function_of_the_module_of_layers(path: Path) -> None:
    replaced(path, "relu", "deserialize")


@hostile("'function'")
def function_by_name(path: Path) -> None:
    replaced(path, "relu", "function", {"module": "builtins"})


@hostile("'TensorShape'|'TypeSpec'")
def type_of_tensorflow(path: Path) -> None:
    replaced(path, "relu", "TypeSpec", {"type_spec": "tf.TensorSpec", "serialized": []})


@hostile("neither Functional nor Sequential")
def model_of_somebody(path: Path) -> None:
    with edited(path) as config:
        config["class_name"] = "Evil"


@hostile("neither Functional nor Sequential")
def layer_in_the_place_of_the_model(path: Path) -> None:
    with edited(path) as config:
        config["class_name"] = "Lambda"


@hostile("the layer 'relu' has 'module', which is not on the allow-list")
def class_of_any_module(path: Path) -> None:
    with edited(path) as config:
        layer(config, "relu").update(module="os", class_name="system")


@hostile("the layer 'relu' has 'registered_name', which is not on the allow-list")
def registered_class(path: Path) -> None:
    with edited(path) as config:
        layer(config, "relu")["registered_name"] = "Custom>Evil"


@hostile("the layer 'relu' has 'compile_config', which is not on the allow-list")
def layer_that_compiles(path: Path) -> None:
    with edited(path) as config:
        layer(config, "relu")["compile_config"] = {"optimizer": CALLED}


@hostile("the layer 'scores' has 'build_config', which is not on the allow-list")
def layer_that_builds_itself(path: Path) -> None:
    with edited(path) as config:
        layer(config, "scores")["build_config"] = {"input_shape": [None, 10**9]}


@hostile("the layer 'relu' has 'shared_object_id', which is not on the allow-list")
def object_from_elsewhere(path: Path) -> None:
    with edited(path) as config:
        layer(config, "relu")["shared_object_id"] = 1


@hostile("'evil', which is not on the allow-list")
def setting_that_no_layer_has(path: Path) -> None:
    with settings(path, "relu") as config:
        config["evil"] = CALLED


@hostile("'lora_rank', which is not on the allow-list")
def setting_that_makes_more_weights(path: Path) -> None:
    with settings(path, "scores") as config:
        config["lora_rank"] = 10**6


# objects within layers


def with_setting(path: Path, name: str, key: str, value: object) -> None:
    with settings(path, name) as config:
        config[key] = value


def made(module: str | None, class_name: str, config: object) -> dict[str, Any]:
    """An object as ``keras.saving.serialize_keras_object`` writes it."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


@hostile("'activation'")
def lambda_as_activation(path: Path) -> None:
    code = {"class_name": "__lambda__", "config": {"value": ["4wAAAA==", None, None]}}
    with_setting(path, "scores", "activation", code)


@hostile("'activation'")
def activation_of_somebody(path: Path) -> None:
    with_setting(path, "scores", "activation", "Custom>evil")


@hostile("'activation'")
def activation_of_another_module(path: Path) -> None:
    with_setting(path, "scores", "activation", made("keras.utils", "function", "get_file"))


@hostile("'activation'")
def layer_as_activation(path: Path) -> None:
    with_setting(path, "scores", "activation", made("keras.layers", "Lambda", {}))


@hostile("'kernel_initializer'")
def initialiser_of_somebody(path: Path) -> None:
    with_setting(path, "scores", "kernel_initializer", made("evil", "Evil", {}))


@hostile("'kernel_initializer'")
def initialiser_that_is_registered(path: Path) -> None:
    evil = {**made("keras.initializers", "Zeros", {}), "registered_name": "Custom>Evil"}
    with_setting(path, "scores", "kernel_initializer", evil)


@hostile("'kernel_initializer'")
def initialiser_that_factorises(path: Path) -> None:
    with_setting(
        path, "scores", "kernel_initializer", made("keras.initializers", "Orthogonal", {"gain": 1})
    )


@hostile("'kernel_initializer'")
def initialiser_with_a_tensor(path: Path) -> None:
    tensor = {"class_name": "__tensor__", "config": {"value": [0], "dtype": "float32"}}
    value = made("keras.initializers", "Constant", {"value": tensor})
    with_setting(path, "scores", "kernel_initializer", value)


@hostile("'kernel_regularizer'")
def regulariser_of_somebody(path: Path) -> None:
    with_setting(path, "scores", "kernel_regularizer", made("os", "system", {"command": "id"}))


@hostile("'kernel_constraint'")
def constraint_of_somebody(path: Path) -> None:
    with_setting(path, "scores", "kernel_constraint", made("keras.layers", "Lambda", {}))


@hostile("'dtype'")
def policy_of_quantised_weights(path: Path) -> None:
    policy = made("keras", "QuantizedDTypePolicy", {"mode": "int8", "source_name": "float32"})
    with_setting(path, "scores", "dtype", policy)


@hostile("'dtype'")
def policy_of_somebody(path: Path) -> None:
    with_setting(path, "scores", "dtype", made("evil", "DTypePolicy", {"name": "float32"}))


@hostile("'dtype'")
def policy_of_texts(path: Path) -> None:
    with_setting(path, "scores", "dtype", "string")


@hostile("'quantization_config'")
def quantisation(path: Path) -> None:
    with_setting(path, "scores", "quantization_config", made("evil", "Evil", {}))


@hostile("'seed'")
def seed_that_is_an_object(path: Path) -> None:
    with_setting(path, "drop", "seed", made("keras.random", "SeedGenerator", {"seed": 1}))


@hostile("'trainable'")
def flag_that_is_a_text(path: Path) -> None:
    with_setting(path, "scores", "trainable", "yes")


# sizes


@hostile("'units' 1000000000")
def billion_units(path: Path) -> None:
    with_setting(path, "scores", "units", 10**9)


@hostile(r"kernel has the shape \(4, 3\), not \(4, 65536\)")
def units_without_weights(path: Path) -> None:
    with_setting(path, "scores", "units", 65_536)


@hostile("'units' -3")
def negative_units(path: Path) -> None:
    with_setting(path, "scores", "units", -3)


@hostile("'units' 3.0")
def fractional_units(path: Path) -> None:
    with_setting(path, "scores", "units", 3.0)


@hostile("'units' True")
def units_that_are_true(path: Path) -> None:
    with_setting(path, "scores", "units", True)


@hostile("'filters' 1000000000")
def billion_filters(path: Path) -> None:
    with_setting(path, "conv", "filters", 10**9)


@hostile("'kernel_size'")
def kernel_of_a_million(path: Path) -> None:
    with_setting(path, "conv", "kernel_size", [10**6, 10**6])


@hostile("'strides'")
def strides_of_nothing(path: Path) -> None:
    with_setting(path, "conv", "strides", [0, 0])


@hostile("'dilation_rate'")
def dilation_of_a_million(path: Path) -> None:
    with_setting(path, "conv", "dilation_rate", [10**6, 10**6])


@hostile("reaches over 301 pixels")
def dilation_beyond_the_picture(path: Path) -> None:
    with settings(path, "conv") as config:
        config.update(dilation_rate=[100, 100], padding="same", strides=[1, 1])


@hostile("'groups' 0")
def no_groups(path: Path) -> None:
    with_setting(path, "conv", "groups", 0)


@hostile("do not split into 2")
def groups_that_do_not_split(path: Path) -> None:
    with_setting(path, "conv", "groups", 2)


@hostile("'pool_size'")
def window_of_a_million(path: Path) -> None:
    with_setting(path, "pool", "pool_size", [10**6, 10**6])


@hostile("does not fit into 32")
def window_larger_than_the_picture(path: Path) -> None:
    with_setting(path, "pool", "pool_size", [33, 33])


@hostile("'padding'")
def padding_of_a_billion(path: Path) -> None:
    replaced(path, "relu", "ZeroPadding2D", {"padding": [[10**9, 0], [0, 0]]})


@hostile("'cropping'")
def cropping_that_grows(path: Path) -> None:
    replaced(path, "relu", "Cropping2D", {"cropping": [[-(10**9), 0], [0, 0]]})


@hostile("answers an empty tensor")
def cropping_that_leaves_nothing(path: Path) -> None:
    replaced(path, "relu", "Cropping2D", {"cropping": [[16, 16], [0, 0]]})


@hostile("'size'")
def growth_by_a_million(path: Path) -> None:
    replaced(path, "relu", "UpSampling2D", {"size": [10**6, 10**6]})


@hostile("more than 4194304 values")
def growth_to_a_gigapixel(path: Path) -> None:
    replaced(path, "relu", "UpSampling2D", {"size": [256, 256]})


@hostile("more than 4194304 values")
def picture_of_four_gigapixels(path: Path) -> None:
    replaced(path, "relu", "Resizing", {"height": 65_536, "width": 65_536})


@hostile("do not fill the shape")
def shape_of_more_than_there_is(path: Path) -> None:
    replaced(path, "relu", "Reshape", {"target_shape": [2**30, 2**30]})


@hostile("'batch_shape'")
def input_of_a_terapixel(path: Path) -> None:
    with_setting(path, "image", "batch_shape", [None, 10**6, 10**6, 3])


@hostile("'batch_shape'")
def input_of_any_size(path: Path) -> None:
    with_setting(path, "image", "batch_shape", [None, None, None, 3])


@hostile("'sparse'")
def sparse_input(path: Path) -> None:
    with_setting(path, "image", "sparse", True)


@hostile("'rate'")
def rate_beyond_all(path: Path) -> None:
    with_setting(path, "drop", "rate", 2)


@hostile("'scale'")
def factor_that_overflows(path: Path) -> None:
    with_setting(path, "scaled", "scale", 1e300)


@hostile("'name'")
def name_that_is_a_path(path: Path) -> None:
    with edited(path) as config:
        layer(config, "relu")["config"]["name"] = "../../relu"
        layer(config, "relu")["name"] = "../../relu"


# the text of the configuration


def rewritten(path: Path, old: str, new: str) -> None:
    with h5py.File(path, "r+") as file:
        text = file.attrs["model_config"]
        assert text.count(old) == 1
        file.attrs["model_config"] = text.replace(old, new)


@hostile("more than 4000000")
def configuration_of_a_hundred_megabytes(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] += " " * 100_000_000


@hostile("nested too deeply")
def configuration_of_a_million_brackets(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = "[" * 1_000_000 + "]" * 1_000_000


@hostile("'class_name' occurs twice")
def class_that_parsers_disagree_about(path: Path) -> None:
    rewritten(
        path, '{"class_name": "Functional"', '{"class_name": "Evil", "class_name": "Functional"'
    )


@hostile("NaN is not allowed")
def number_that_is_none(path: Path) -> None:
    rewritten(path, '"rate": 0.2', '"rate": NaN')


@hostile("'1e999' is not finite")
def number_beyond_floats(path: Path) -> None:
    rewritten(path, '"rate": 0.2', '"rate": 1e999')


@hostile("is too long")
def number_of_a_hundred_thousand_digits(path: Path) -> None:
    rewritten(path, '"units": 3', f'"units": {"3" * 100_000}')


@hostile("not JSON")
def text_that_is_not_json(path: Path) -> None:
    rewritten(path, '{"class_name": "Functional"', '{class_name: "Functional"')


@hostile("not JSON")
def pickle_in_the_place_of_json(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = "cos\nsystem\n(S'id'\ntR."


@hostile("is not JSON|nested too deeply")
def training_of_a_million_brackets(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["training_config"] = "[" * 1_000_000


@hostile("where an object belongs")
def layers_that_are_texts(path: Path) -> None:
    with edited(path) as config:
        config["config"]["layers"] = json.dumps(config["config"]["layers"]).split(",")
