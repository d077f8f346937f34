"""What serves a version: the fastest variant that is right, and else the model itself."""

import logging
from pathlib import Path

import numpy as np
import pytest
import requests

from api.selection import BATCH, PATIENCE, ROUNDS, fastest, may_have_gpu
from api.settings import ModelSettings
from classifier.runtime import Classifier, Precision
from images import Images
from process.settings import SettingsError, read
from registry.errors import Unreachable
from registry.names import VARIANTS
from registry.store import Registry
from tests.api.bench import Bench
from tests.api.processes import Process
from tests.api.variants import Files, Model, put
from tests.onnx_models import of_keras

PATIENT = 120.0


def running(bench: Bench) -> tuple[str, str]:
    """Look once; what serves then."""
    bench.refresher.look()
    assert bench.holder.current, bench.holder.problem
    classifier = bench.holder.current.classifier
    return classifier.runtime, classifier.precision


def alerted(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name.startswith("alerts")]


def stored(bench: Bench, precision: Precision) -> str:
    state = bench.registry.current("production")
    assert state
    record = state.record
    return f"versions/{record.version}/gate/{record.verdict}/{VARIANTS[precision]}"


@pytest.mark.parametrize(
    ("settings", "serves"),
    [
        ({"precision": "float32"}, ("onnx", "float32")),
        ({"precision": "int8"}, ("onnx", "int8")),
        ({"runtime": "onnx", "precision": "int8"}, ("onnx", "int8")),
        ({"runtime": "tensorflow"}, ("tensorflow", "float32")),
    ],
)
def test_the_settings_choose(
    settings: dict[str, str],
    serves: tuple[str, str],
    bench: Bench,
    models: tuple[Model, Model],
    files: Files,
) -> None:
    bench.settings = ModelSettings(**settings)  # type: ignore[arg-type]
    put(bench.registry, models[0], files)
    assert running(bench) == serves
    read_now = [name for name in bench.backend.reads if name.endswith(".onnx")]
    assert len(read_now) == (serves[0] == "onnx")
    fetched = "production/best_model.hdf5" in bench.backend.reads
    assert fetched == (settings.get("runtime") != "onnx")


def test_any_form_answers_alike(bench: Bench, models: tuple[Model, Model], files: Files) -> None:
    put(bench.registry, models[0], files)
    image = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), np.uint8)
    answers = []
    for runtime in ("auto", "tensorflow"):
        bench.settings = ModelSettings(runtime=runtime)  # type: ignore[arg-type]
        bench.start()
        bench.refresher.look()
        [answer] = bench.holder.answer([image])
        answers.append(answer)
    assert answers[0].label == answers[1].label
    assert answers[0].confidence == pytest.approx(answers[1].confidence, abs=1e-5)


def test_a_verdict_without_variants_serves_tensorflow(
    bench: Bench, models: tuple[Model, Model], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    put(bench.registry, models[0], {})
    assert running(bench) == ("tensorflow", "float32")
    assert "no variant of" in caplog.text
    assert alerted(caplog) == []


def test_one_that_was_left_out_does_not_serve(
    bench: Bench, models: tuple[Model, Model], files: Files
) -> None:
    put(bench.registry, models[0], files, "int8")
    assert running(bench) == ("onnx", "float32")
    bench.settings = ModelSettings(precision="int8")
    bench.start()
    assert running(bench) == ("tensorflow", "float32")


def test_a_forced_version_serves_tensorflow(
    bench: Bench, models: tuple[Model, Model], files: Files
) -> None:
    first = put(bench.registry, models[0], files).record.version
    other = bench.registry.publish(*models[1], "a test").record.version
    bench.registry.promote(other, bench.registry.current("production"), "now", force=True)
    state = bench.registry.current("production")
    bench.registry.promote(first, state, "at once", force=True)
    assert running(bench) == ("tensorflow", "float32")


@pytest.mark.parametrize("cut", [0, 1])
def test_another_file_in_the_registry_is_not_loaded(
    cut: int,
    bench: Bench,
    models: tuple[Model, Model],
    files: Files,
    caplog: pytest.LogCaptureFixture,
) -> None:
    put(bench.registry, models[0], files)
    for precision, content in files.items():
        bench.backend.overwrite(stored(bench, precision), b"evil" + content[4 + cut :])
    assert running(bench) == ("tensorflow", "float32")
    assert [text for text in alerted(caplog) if "the float32 variant" in text and "altered" in text]
    assert [text for text in alerted(caplog) if "the int8 variant" in text and "altered" in text]
    assert bench.holder.problem == ""


def test_another_file_in_the_cache_is_fetched_again(
    bench: Bench, models: tuple[Model, Model], files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    version = put(bench.registry, models[0], files).record.version
    bench.settings = ModelSettings(precision="float32")
    running(bench)
    kept = bench.cache / version / "model.onnx"
    assert kept.read_bytes() == files["float32"]
    for wrong in (b"x" * len(files["float32"]), b"", files["int8"]):
        kept.write_bytes(wrong)
        bench.start()
        assert running(bench) == ("onnx", "float32")
        assert "is not what the gate signed" in caplog.text
        assert kept.read_bytes() == files["float32"]


def test_without_the_registry_the_cache_serves(
    bench: Bench, models: tuple[Model, Model], files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    version = put(bench.registry, models[0], files).record.version
    bench.settings = ModelSettings(precision="float32")
    running(bench)
    bench.backend.error = Unreachable("the registry is away")
    bench.start()
    assert running(bench) == ("onnx", "float32")
    (bench.cache / version / "model.onnx").write_bytes(b"evil")
    bench.start()
    assert running(bench) == ("tensorflow", "float32")
    assert [text for text in alerted(caplog) if "the float32 variant" in text]


def test_what_the_verdict_does_not_name_is_not_loaded_from_the_cache(
    bench: Bench, models: tuple[Model, Model], files: Files
) -> None:
    version = put(bench.registry, models[0], {}).record.version
    running(bench)
    (bench.cache / version / "model.onnx").write_bytes(files["float32"])
    bench.start()
    assert running(bench) == ("tensorflow", "float32")


def test_a_variant_that_answers_the_golden_image_otherwise_does_not_serve(
    bench: Bench, models: tuple[Model, Model], caplog: pytest.LogCaptureFixture
) -> None:
    """Not even if it is signed: it may not compute here what it did there."""
    put(bench.registry, models[0], {"float32": of_keras(models[1][0])})
    assert running(bench) == ("tensorflow", "float32")
    assert [text for text in alerted(caplog) if "golden image" in text]


def test_what_is_no_model_does_not_serve(
    bench: Bench, models: tuple[Model, Model], files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    put(bench.registry, models[0], {"float32": b"\x00" * 40, "int8": files["int8"]})
    assert running(bench) == ("onnx", "int8")
    assert [text for text in alerted(caplog) if "the float32 variant" in text]


def test_an_unexpected_error_is_logged_and_survived(
    bench: Bench,
    models: tuple[Model, Model],
    files: Files,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("api.selection.load_variant", lambda *_: 1 / 0)
    put(bench.registry, models[0], files)
    assert running(bench) == ("tensorflow", "float32")
    assert [record for record in caplog.records if record.exc_info]


def test_where_only_a_variant_will_do_the_one_before_goes_on_serving(
    bench: Bench, models: tuple[Model, Model], files: Files
) -> None:
    bench.settings = ModelSettings(runtime="onnx")
    first = put(bench.registry, models[0], files).record.version
    running(bench)
    put(bench.registry, models[1], {})
    bench.refresher.look()
    assert bench.serving == first
    assert "MODEL_RUNTIME=onnx" in bench.holder.problem
    assert "GATE_VARIANTS" in bench.holder.problem


class Timed(Classifier):
    """Takes so many seconds for one image, and for each of a batch, by a clock of its own."""

    runtime = "onnx"
    now = 0.0

    def __init__(self, precision: Precision, *seconds: float) -> None:
        super().__init__(3, "CPU", precision)
        self.calls = 0
        self._seconds = seconds

    def _answer(self, images: Images) -> np.ndarray:  # type: ignore[type-arg]
        seconds = self._seconds[min(self.calls // 2, len(self._seconds) - 1)]
        Timed.now += seconds * len(images)
        self.calls += 1
        return np.ones((len(images), 3), np.float32)


@pytest.mark.parametrize(
    ("float32", "int8", "chosen"),
    [
        ([10e-5], [7e-5], "int8"),
        ([10e-5], [9e-5], "float32"),  # not worth its rounding
        ([7e-5], [10e-5], "float32"),
        ([10e-5], [9, 7e-5], "int8"),  # the first calls do not count
        ([10e-5], [7e-5, 7e-5, 50e-5, 7e-5], "int8"),  # nor one that was held up
    ],
)
def test_the_fastest_is_chosen(float32: list[float], int8: list[float], chosen: str) -> None:
    both = [Timed("float32", *float32), Timed("int8", *int8)]
    for order in (both, both[::-1]):
        for each in both:
            each.calls = 0
        assert fastest(order, lambda: Timed.now).precision == chosen
        assert {each.calls for each in both} == {2 * (1 + ROUNDS)}


def test_slow_models_are_not_asked_often() -> None:
    slow = [Timed("float32", PATIENCE), Timed("int8", PATIENCE / 2)]
    assert fastest(slow, lambda: Timed.now).precision == "int8"
    assert {each.calls for each in slow} == {2 * 2}
    assert BATCH > 1


def test_one_alone_is_not_measured() -> None:
    only = Timed("int8", 1.0)
    assert fastest([only]) is only
    assert only.calls == 0


@pytest.mark.parametrize(
    ("name", "may"), [("nvidia0", True), ("dxg", True), ("nvidiactl", False), ("null", False)]
)
def test_a_gpu_is_looked_for_where_it_would_be(name: str, may: bool, tmp_path: Path) -> None:
    assert not may_have_gpu(tmp_path)
    (tmp_path / name).touch()
    assert may_have_gpu(tmp_path) == may


def test_what_cannot_be_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_RUNTIME", "tensorflow")
    monkeypatch.setenv("MODEL_PRECISION", "int8")
    with pytest.raises(SettingsError, match="MODEL_PRECISION=float32"):
        read(ModelSettings)


def test_a_service_without_tensorflow_says_what_runs(
    on_disk: Registry, models: tuple[Model, Model], files: Files, tmp_path: Path
) -> None:
    put(on_disk, models[0], files)
    with Process(tmp_path, MODEL_PRECISION="int8") as service:
        service.wait_for("/ready")
        info = service.wait_for("/info")["data"]
        assert (info["runtime"], info["precision"]) == ("onnx", "int8")
        process = service.wait_for("/service-info")["data"]
        assert "onnxruntime" in process["libraries"]
        metrics = requests.get(f"{service.url}/metrics", timeout=PATIENT).text
        [line] = [each for each in metrics.splitlines() if each.startswith("classifier_model_info")]
        assert 'precision="int8"' in line
        assert 'runtime="onnx"' in line
        image = bytes(128 * 128 * 3)
        assert requests.post(service.url, data=image, timeout=PATIENT).status_code == 200
        mapped = Path(f"/proc/{service.process.pid}/maps").read_text()
        assert "onnxruntime" in mapped
        assert "tensorflow" not in mapped
