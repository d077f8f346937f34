"""``python -m api.batch`` as people run it: Ray, a model in production, and interruptions."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests

from registry.gcs import GCSBackend
from tests.api.processes import ROOT, WITHIN, Process
from tests.api.ray_environment import PYTHON, Program, registry_in
from tests.api.variants import Files, Model, put
from tests.gcs.gcs_process import GCSServer
from tests.onnx_models import of_keras

IMAGES = 80


@pytest.fixture
def version(tmp_path: Path, models: tuple[Model, Model]) -> str:
    """A model with a variant in production, in the registry that programs here find."""
    files: Files = {"float32": of_keras(models[0][0])}
    return put(registry_in(tmp_path), models[0], files).record.version


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Images of large squares, which even an untrained model tells apart, and a damaged one."""
    squares = np.random.default_rng(7).choice([0, 255], (IMAGES - 1, 8, 8, 3)).astype(np.uint8)
    for index, square in enumerate(squares):
        path = tmp_path / "pictures" / str(index % 3) / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        large = cv2.resize(square, (128, 128), interpolation=cv2.INTER_NEAREST)
        assert cv2.imwrite(str(path), large)
    damaged = tmp_path / "pictures" / "damaged.png"
    damaged.write_bytes(path.read_bytes()[:60])
    return tmp_path / "pictures"


def batch(folder: Path, *arguments: str, **variables: str) -> Program:
    """A run of the command on the registry in a folder."""
    own = {"REGISTRY_URL": "file:registry"}
    return Program(folder, "-m", "api.batch", *arguments, **own, **variables)


def lines(output: Path) -> list[dict[str, Any]]:
    """The results, as anybody would read them."""
    parts = sorted((output / "results").glob("*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def wait_for_a_part(output: Path, program: Program) -> None:
    deadline = time.monotonic() + WITHIN
    while not list(output.glob("results/part-*")):
        assert program.process.poll() is None, program.log
        assert time.monotonic() < deadline, program.log
        time.sleep(0.01)


def both_scorers(program: Program) -> list[int]:
    """The processes that hold the model, once there are two."""
    deadline = time.monotonic() + WITHIN
    while len(found := program.named("ray::MapWorker(Map(Scorer))")) < 2:
        assert program.process.poll() is None, program.log
        assert time.monotonic() < deadline, program.log
        time.sleep(0.01)
    return found


def asked_over_http(folder: Path, files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """What the service answers for files, by their names."""
    with Process(folder) as service:
        service.wait_for("/ready")
        return {
            name: requests.post(
                f"{service.url}/predict",
                data=path.read_bytes(),
                headers={"Content-Type": "image/png"},
                timeout=WITHIN,
            ).json()["data"]
            for name, path in files.items()
        }


def test_a_batch_that_is_killed_goes_on_and_answers_as_the_service_does(
    tmp_path: Path, version: str, pictures: Path, gcs_bucket: str, gcs_server: GCSServer
) -> None:
    upload(pictures, gcs_bucket)
    arguments = (f"gs://{gcs_bucket}/in", "--output", "output", "--block", "1", "--models", "2")
    with batch(tmp_path, *arguments, **gcs_server.variables) as first:
        wait_for_a_part(tmp_path / "output", first)
        first.process.send_signal(signal.SIGKILL)
        first.wait()
        first.wait_for_the_end_of_the_cluster()
    before = lines(tmp_path / "output")
    assert 0 < len(before) < IMAGES, first.log
    for nothing_left in (False, True):
        with batch(tmp_path, *arguments, **gcs_server.variables) as second:
            if not nothing_left:
                os.kill(both_scorers(second)[0], signal.SIGKILL)
            assert second.wait() == 0, second.log
            assert f"{IMAGES} images: {IMAGES - 1} answered by {version[:12]}" in second.log
    assert not (tmp_path / "output" / "job" / "cache").exists()
    after = lines(tmp_path / "output")
    found = {line["path"]: line for line in after}
    assert len(after) == len(found) == IMAGES
    assert all(found[line["path"]] == line for line in before)
    assert "truncated" in found.pop("damaged.png")["reason"]
    some = {name: pictures / name for name in list(found)[::10]}
    for name, said in asked_over_http(tmp_path, some).items():
        (prediction,) = said["predictions"]
        assert said["version"] == found[name]["version"] == version
        assert prediction["index"] == found[name]["index"]
        assert prediction["label"] == found[name]["label"]
        assert prediction["confidence"] == pytest.approx(found[name]["confidence"], abs=1e-6)


def upload(folder: Path, bucket: str) -> None:
    """Put a folder below the prefix ``in`` of a bucket."""
    backend = GCSBackend(bucket, "in", WITHIN)
    for path in folder.rglob("*.png"):
        with path.open("rb") as file:
            backend.create(str(path.relative_to(folder)), file)


def test_parquet_comes_back_as_it_was_written(tmp_path: Path) -> None:
    program = (
        "from api.batch import results\n"
        "good = results.Result('ä.png', 'f' * 64, 3, 'cat', 0.1, 'v', None)\n"
        "bad = results.Result('b.png', None, None, None, None, 'v', 'why')\n"
        "content = results.encode('parquet', [good, bad])\n"
        "open('part', 'wb').write(content)\n"
        "from pathlib import Path\n"
        "assert results.load('parquet', Path('part')) == [good, bad]\n"
        "open('cut', 'wb').write(content[:-9])\n"
        "assert results.load('parquet', Path('cut')) is None\n"
        "import pyarrow.parquet\n"
        "assert pyarrow.parquet.read_table('part').column('index').to_pylist() == [3, None]\n"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([PYTHON, "-c", program], cwd=tmp_path, env=environment, check=True)


@pytest.mark.parametrize(
    ("python", "arguments", "said"),
    [
        (PYTHON, ["nowhere", "--output", "output"], "nowhere is no folder: name one"),
        (PYTHON, ["empty", "--output", "output"], "empty: put images there, or name another"),
        (PYTHON, ["full", "--output", "output"], "has no model in production"),
        (sys.executable, ["empty", "--output", "output"], "has no Ray: `make ray` installs it"),
    ],
)
def test_what_stands_in_the_way_is_said_in_a_sentence(
    tmp_path: Path, python: str, arguments: list[str], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "image.png").touch()
    ended = subprocess.run(
        [python, "-m", "api.batch", *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN,
    )
    assert ended.returncode in (1, 2)
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
