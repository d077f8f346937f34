"""``python -m benchmarks.forward MODEL CLASSES SECONDS BATCH...``: a runtime without HTTP.

The bare forward pass of a model file, as the service calls it: ``*.hdf5`` with TensorFlow, and
``*.onnx`` with ONNX Runtime. Prints the images per second for each batch size, as JSON.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.errors import ServerFailed
from classifier.runtime import INPUT_SHAPE, Classifier
from registry.names import VARIANTS

ROOT = Path(__file__).parent.parent
WARM = 2  # calls before the clock starts; the first of a size is slower
LONGEST_REASON = 300  # characters
WITHIN = 120.0  # seconds for all of it


def measure(model: Path, classes: int, seconds: float, batches: Sequence[int]) -> dict[int, float]:
    """Images per second by batch size, measured in a process of its own.

    Raises:
        ServerFailed: it did not get through.
    """
    command = [sys.executable, "-m", "benchmarks.forward", str(model), str(classes), str(seconds)]
    command += map(str, batches)
    try:
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=WITHIN
        )
    except subprocess.TimeoutExpired:
        raise ServerFailed(f"the forward pass of {model.name} took over {WITHIN:.0f} s") from None
    if ended.returncode:
        reason = " ".join(ended.stderr.split())[-LONGEST_REASON:]
        raise ServerFailed(f"the forward pass of {model.name} failed: ...{reason}")
    return {int(size): rate for size, rate in json.loads(ended.stdout).items()}


def rate(classifier: Classifier, batch: int, seconds: float) -> float:
    """Images per second in batches of this size."""
    images = np.random.default_rng(0).integers(0, 256, (batch, *INPUT_SHAPE), np.uint8)
    for _ in range(WARM):
        classifier.predict(images)
    calls, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        classifier.predict(images)
        calls += 1
    return calls * batch / spent


def load(path: Path, classes: int) -> Classifier:
    """The model in the runtime that its file is for."""
    if path.suffix == ".hdf5":
        from classifier.load import load as load_keras

        return load_keras(path, classes)
    from classifier.onnx_runtime import load as load_onnx

    precisions = {name: precision for precision, name in VARIANTS.items()}
    return load_onnx(path.read_bytes(), precisions[path.name], classes)


def main(model: str, classes: str, seconds: str, *batches: str) -> int:
    """Measure one model file."""
    classifier = load(Path(model), int(classes))
    rates = {int(batch): rate(classifier, int(batch), float(seconds)) for batch in batches}
    sys.stdout.write(json.dumps(rates))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
