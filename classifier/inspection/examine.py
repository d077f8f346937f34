"""Whether a model file is harmless: its container, its layers, and that these agree."""

import os
from io import FileIO

from classifier.inspection import document, model, storage
from classifier.inspection.finding import Finding, shown
from classifier.inspection.shapes import Variable
from classifier.inspection.weights import Weight

# Beyond this, float32 overflows within a few layers, and the answer is NaN.
LARGEST_WEIGHT = 1e9


def examine(raw: FileIO) -> None:
    """Judge the file that ``raw`` has open.

    Raises:
        Finding: it must not be loaded.
    """
    try:
        _examine(raw)
    except Finding:
        raise
    except RecursionError:
        raise Finding("it is nested too deeply") from None
    except MemoryError:
        raise Finding("it needs more memory than its inspection may have") from None
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:  # by h5py
        raise Finding(f"it is damaged: {shown(str(error), 200)[1:-1]}") from error


def _examine(raw: FileIO) -> None:
    stored = storage.read(f"/dev/fd/{raw.fileno()}", raw, os.fstat(raw.fileno()).st_size)
    if stored.training_config is not None:  # nothing of ours compiles what it loads
        document.parse(stored.training_config, "training_config")
    needed = model.needed(document.parse(stored.model_config, "model_config"))
    names = [layer.name for layer in needed]
    if names != list(stored.weights):
        odd = sorted(set(names) ^ stored.weights.keys()) or ["their order"]
        raise Finding(f"model_config and layer_names disagree about {shown(odd[0])}")
    for name, variables in needed:
        _compare(name, variables, stored.weights[name])


def _compare(name: str, variables: tuple[Variable, ...], weights: list[Weight]) -> None:
    where = f"the layer {name!r}"
    if len(variables) != len(weights):
        raise Finding(f"{where} has {len(variables)} weights, and the file {len(weights)} for it")
    for variable, weight in zip(variables, weights, strict=True):
        if weight.path.rpartition("/")[2] != variable.name:
            raise Finding(f"{where} needs {variable.name} in the place of {weight.path}")
        if weight.shape != variable.shape:
            raise Finding(f"{weight.path} has the shape {weight.shape}, not {variable.shape}")
        if variable.is_variance and weight.lowest < 0:
            raise Finding(f"{weight.path} is a variance and holds {weight.lowest:g}")
        if not variable.is_count and max(-weight.lowest, weight.highest) > LARGEST_WEIGHT:
            raise Finding(f"{weight.path} holds a value beyond {LARGEST_WEIGHT:g}")
