"""ONNX models answer as classifiers do, with nothing but their own bytes and without TensorFlow."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from classifier import onnx_runtime
from classifier.errors import HostileModel, UnreadableModel, WrongInput, WrongShape
from classifier.external_data import DEEPEST, require_none
from classifier.load import load
from classifier.runtime import CHUNK
from tests.onnx_models import INPUT, OUTPUT, like, model, moved_out, of_keras

WEIGHTS = np.random.default_rng(0).normal(size=(192, 3)).astype(np.float32)
MADE = like(WEIGHTS, np.zeros(3, np.float32))
CONTENT: bytes = MADE.SerializeToString()


def noise(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, 128, 128, 3), np.uint8)


@pytest.mark.parametrize("count", [0, 1, 3, CHUNK + 1])
def test_it_answers_as_keras_does(count: int, make_model: Callable[..., Path]) -> None:
    path = make_model()
    classifier = onnx_runtime.load(of_keras(path), "int8", 3)
    answers, expected = (each.predict(noise(count)) for each in (classifier, load(path)))
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers, expected, atol=1e-6)
    assert (classifier.runtime, classifier.precision, classifier.device) == ("onnx", "int8", "CPU")


def test_threads_share_a_classifier() -> None:
    classifier = onnx_runtime.load(CONTENT, "float32", 3)
    images = [noise(count) for count in range(1, 9)]
    alone = [classifier.predict(each) for each in images]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(classifier.predict, images))
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(
    ("trivial", "small", "expected"),
    [(1000.0, onnx_runtime.SMALL, [1]), (0.0, onnx_runtime.SMALL, [1, 3]), (1000.0, 0, [3])],
)
def test_every_core_is_used_unless_the_model_is_trivial(
    trivial: float, small: int, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    options = onnx_runtime._options
    monkeypatch.setattr(onnx_runtime, "TRIVIAL", trivial)
    monkeypatch.setattr(onnx_runtime, "SMALL", small)
    monkeypatch.setattr(onnx_runtime, "cores", lambda: 3)
    monkeypatch.setattr(
        onnx_runtime, "_options", lambda threads: (asked.append(threads), options(threads))[1]
    )
    classifier = onnx_runtime.load(CONTENT, "float32", 3)
    assert asked == expected
    assert classifier.predict(noise(2)).shape == (2, 3)


def test_other_arrays_are_refused() -> None:
    with pytest.raises(WrongInput):
        onnx_runtime.load(CONTENT, "float32", 3).predict(noise(1).astype(np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("classes", [2, 4])
def test_another_number_of_classes_is_refused(classes: int) -> None:
    with pytest.raises(WrongShape, match="one output"):
        onnx_runtime.load(CONTENT, "float32", classes)


def test_another_input_is_refused() -> None:
    other = onnx.ModelProto()
    other.CopyFrom(MADE)
    other.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 64
    with pytest.raises((WrongShape, UnreadableModel)):
        onnx_runtime.load(other.SerializeToString(), "float32", 3)


def test_an_operator_of_nobodys_is_refused() -> None:
    made = model([helper.make_node("Steal", [INPUT], [OUTPUT], domain="evil")], {}, 3)
    made.opset_import.add(domain="evil", version=1)
    with pytest.raises(UnreadableModel):
        onnx_runtime.load(made.SerializeToString(), "float32", 3)


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"\xff" * 40, CONTENT[:-1]])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableModel):
        onnx_runtime.load(content, "float32", 3)


@given(st.integers(0, len(CONTENT) - 1))
def test_no_cut_breaks_the_reader(end: int) -> None:
    with suppress(UnreadableModel):  # a cut between two fields leaves a model, of less
        require_none(CONTENT[:end])


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    with suppress(UnreadableModel):  # HostileModel is one
        require_none(content)


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_runtime, "LARGEST", len(CONTENT) - 1)
    with pytest.raises(HostileModel, match="more than"):
        onnx_runtime.load(CONTENT, "float32", 3)


def outside(name: str) -> onnx.TensorProto:
    return moved_out(numpy_helper.from_array(WEIGHTS, name), "weights.bin")


def in_initialiser(made: onnx.ModelProto) -> None:
    made.graph.initializer.append(outside("more"))


def in_sparse_initialiser(made: onnx.ModelProto) -> None:
    made.graph.sparse_initializer.add().values.CopyFrom(outside("more"))


def in_constant(made: onnx.ModelProto) -> None:
    made.graph.node.insert(0, helper.make_node("Constant", [], ["more"], value=outside("more")))


def in_branch(made: onnx.ModelProto) -> None:
    branch = helper.make_graph([], "branch", [], [], [outside("more")])
    made.graph.node.add(op_type="If").attribute.append(helper.make_attribute("then_branch", branch))


def in_function(made: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["more"], value=outside("more"))
    made.functions.append(
        helper.make_function("f", "F", [], ["more"], [node], [helper.make_opsetid("", 17)])
    )


def in_training(made: onnx.ModelProto) -> None:
    made.training_info.add().initialization.initializer.append(outside("more"))


PLACES = (
    *(in_initialiser, in_sparse_initialiser, in_constant),
    *(in_branch, in_function, in_training),
)


@pytest.mark.parametrize("hide", PLACES)
def test_weights_in_other_files_are_refused_wherever_they_are(
    hide: Callable[[onnx.ModelProto], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Although the file is there, in the one folder that ONNX Runtime itself would open it in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights.bin").write_bytes(WEIGHTS.tobytes())
    made = onnx.ModelProto()
    made.CopyFrom(MADE)
    require_none(made.SerializeToString())
    hide(made)
    with pytest.raises(HostileModel, match="other files"):
        onnx_runtime.load(made.SerializeToString(), "float32", 3)


def test_graphs_within_graphs_come_to_an_end() -> None:
    graph = helper.make_graph([], "innermost", [], [])
    for _ in range(DEEPEST):
        node = onnx.NodeProto(op_type="If")
        node.attribute.append(helper.make_attribute("then_branch", graph))
        graph = helper.make_graph([node], "outer", [], [])
    with pytest.raises(HostileModel, match="parts within parts"):
        require_none(helper.make_model(graph).SerializeToString())


def test_a_field_of_that_number_elsewhere_is_none(make_model: Callable[..., Path]) -> None:
    made = onnx.ModelProto()
    made.CopyFrom(MADE)
    made.graph.doc_string = "external_data location"
    made.graph.value_info.add(name="x").type.tensor_type.elem_type = TensorProto.FLOAT
    onnx_runtime.load(made.SerializeToString(), "float32", 3)


def test_tensorflow_is_not_imported() -> None:
    program = (
        "import sys; from classifier import golden, onnx_runtime; "
        "assert not {'tensorflow', 'keras', 'h5py'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_nobody_is_told_of_a_model(tmp_path: Path) -> None:
    # ONNX Runtime keeps silent anyway where this looks like continuous integration.
    environment = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    program = "from classifier import onnx_runtime"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, env=environment)
    assert list(tmp_path.iterdir()) == []
