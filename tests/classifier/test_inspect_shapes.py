"""What inspection computes of a layer is what Keras builds, for whatever settings."""

from typing import Any

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.inspection.layers import LAYERS
from classifier.inspection.shapes import Shape

layers = keras.layers
small = st.integers(1, 6)
pairs = st.tuples(small, small)
edges = st.tuples(st.tuples(st.integers(0, 4), st.integers(0, 4)), st.tuples(small, small))
images = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))
padding = st.sampled_from(["valid", "same"])
booleans = st.booleans()

SETTINGS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "Conv2D": {
        "filters": small,
        "kernel_size": pairs,
        "strides": st.one_of(st.just((1, 1)), pairs),
        "padding": padding,
        "groups": st.integers(1, 2),
        "use_bias": booleans,
    },
    "DepthwiseConv2D": {
        "kernel_size": pairs,
        "strides": small,
        "padding": padding,
        "depth_multiplier": small,
        "use_bias": booleans,
    },
    "SeparableConv2D": {
        "filters": small,
        "kernel_size": pairs,
        "dilation_rate": small,
        "padding": padding,
        "depth_multiplier": small,
        "use_bias": booleans,
    },
    "Dense": {"units": small, "use_bias": booleans},
    "MaxPooling2D": {
        "pool_size": pairs,
        "strides": st.one_of(st.none(), pairs),
        "padding": padding,
    },
    "GlobalAveragePooling2D": {"keepdims": booleans},
    "ZeroPadding2D": {"padding": edges},
    "Cropping2D": {"cropping": edges},
    "UpSampling2D": {"size": pairs},
    "Resizing": {"height": small, "width": small},
    "Reshape": {
        "target_shape": st.lists(st.sampled_from([-1, 1, 2, 3, 4, 6]), min_size=1, max_size=4)
    },
    "Permute": {"dims": st.permutations([1, 2, 3])},
    "BatchNormalization": {
        "axis": st.sampled_from([1, 2, 3, -1, -2]),
        "center": booleans,
        "scale": booleans,
    },
    "LayerNormalization": {
        "axis": st.sampled_from([1, 2, 3, -1, -2]),
        "center": booleans,
        "scale": booleans,
    },
    "GroupNormalization": {"groups": st.sampled_from([-1, 1, 2, 3]), "center": booleans},
    "Normalization": {"axis": st.sampled_from([1, 2, 3, -1])},
    "PReLU": {"shared_axes": st.sampled_from([None, [1], [1, 2], [3]])},
}


@pytest.mark.parametrize("name", SETTINGS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_layer_is_what_keras_builds(name: str, data: st.DataObject) -> None:
    image = data.draw(images)
    chosen = data.draw(st.fixed_dictionaries(SETTINGS[name]))
    assert ours(name, chosen, image) == keras_own(name, chosen, image)


def ours(name: str, chosen: dict[str, Any], image: Shape) -> object:
    try:
        # As it is saved, which turns single numbers into pairs.
        config = as_json(getattr(layers, name)(**chosen).get_config())
        built = LAYERS[name].build(config, image)
    except ValueError:
        return "refused"
    if min(built.shape) < 1:
        return "refused"
    return built.shape, [(variable.name, variable.shape) for variable in built.variables]


def keras_own(name: str, chosen: dict[str, Any], image: Shape) -> object:
    try:
        layer = getattr(layers, name)(**chosen)
        tensor = layer(keras.KerasTensor((None, *image)))
    except ValueError:
        return "refused"
    if min(tensor.shape[1:]) < 1:
        return "refused"
    weights = layer.trainable_weights + layer.non_trainable_weights
    return tensor.shape[1:], [(weight.name, tuple(weight.shape)) for weight in weights]


def as_json(config: dict[str, Any]) -> dict[str, Any]:
    """The settings as JSON has them, with lists instead of tuples."""

    def listed(value: Any) -> Any:
        return [listed(part) for part in value] if isinstance(value, list | tuple) else value

    return {key: listed(value) for key, value in config.items()}
