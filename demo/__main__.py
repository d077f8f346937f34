"""``python -m demo``: train, gate, promote, serve, POST held-out images, stop."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from demo.service import Service
from demo.settings import DemoSettings
from images.dataset import Dataset
from images.source import load
from images.split import split
from process.command import run
from process.errors import Failure
from process.settings import parse, read
from registry.open import open_registry
from registry.settings import RegistrySettings
from registry.store import Registry

READY_WITHIN = 120  # seconds; loading TensorFlow on a busy machine takes most of a minute


def main(argv: Sequence[str]) -> int:
    """Run the demo and return 0 when every stage did its part."""
    settings = parse("demo", __doc__ or "", DemoSettings, [RegistrySettings], argv)
    if settings.data != "digits":
        # A registry is one classifier's: the gate would take other images for a mistake.
        name = Path(settings.data).resolve().name
        os.environ.setdefault("REGISTRY_URL", f"file:var/registry-{name}")
    registry = read(RegistrySettings)
    say(f"Images: {settings.data}; registry: {registry.url}")
    held_out = split(load(settings.data)).held_out
    examples = write_examples(held_out, Path(settings.folder))
    if settings.serve:
        return serve(settings.data, open_registry(registry), held_out.classes, examples[-1])
    train_and_gate(settings.data)
    say("Serving: python -m api")
    with Service.start() as service:
        info = service.wait_until_ready(READY_WITHIN)
        say(f"Ready with version {info['version'][:12]}. POST / with held-out images:")
        post(service, held_out, info["classes"], settings.shown)
    say("Stopped cleanly.")
    return 0


def serve(data: str, registry: Registry, classes: Sequence[str], example: Path) -> int:
    """Become the service, on a model made first if production is empty.

    Raises:
        Failure: production holds a model of other classes, which would name digits as fruit.
    """
    state = registry.current("production")
    if state is None:
        train_and_gate(data)
    elif registry.card(state.record.version).classes != tuple(classes):
        raise Failure(
            f"the model in production has other classes than {data}: name its images with "
            "DEMO_DATA, or serve it without examples by `python -m api`"
        )
    say("Serving until Ctrl-C. Try it from another terminal, once /ready answers 200:")
    address = f"http://127.0.0.1:{os.environ.get('SERVE_PORT', '8000')}"
    say(f"  curl {address}/ready")
    say(f"  curl --data-binary @{example} {address}/")
    os.execv(sys.executable, [sys.executable, "-m", "api"])


def train_and_gate(data: str) -> None:
    """Run both stages as processes, on the same images."""
    stage("training", {"TRAIN_DATA": data})
    stage("testing", {"GATE_DATA": data})


def stage(module: str, variables: dict[str, str]) -> None:
    """Run a stage to its end; what it prints is printed.

    Raises:
        Failure: it ended with another exit code than 0.
    """
    say(f"Running: python -m {module}")
    started = time.monotonic()
    code = subprocess.run(
        [sys.executable, "-m", module], env=os.environ | variables, check=False
    ).returncode
    if code:
        raise Failure(f"python -m {module} ended with exit code {code}")
    say(f"({time.monotonic() - started:.0f} s)")


def post(service: Service, held_out: Dataset, classes: Sequence[str], shown: int) -> None:
    """POST every held-out image, print some of the answers beside the truth, and the score."""
    picked = set(np.linspace(0, len(held_out) - 1, min(shown, len(held_out))).astype(int).tolist())
    right = 0
    say(f"  {'image':<28} {'true':>12} {'answered':>12}")
    for i, image in enumerate(held_out.images):
        truth = held_out.classes[held_out.labels[i]]
        answer = classes[int(service.classify(image.tobytes()))]
        right += answer == truth
        if i in picked:
            mark = "" if answer == truth else "  wrong"
            say(f"  {held_out.names[i]:<28} {truth:>12} {answer:>12}{mark}")
    say(f"Right: {right} of {len(held_out)} held-out images ({right / len(held_out):.1%}).")


def write_examples(held_out: Dataset, folder: Path) -> list[Path]:
    """Leave the first held-out image of each class as raw bytes, to POST with curl."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("class-*.raw"):
        stale.unlink()
    paths = []
    for label in range(len(held_out.classes)):
        for image in held_out.images[held_out.labels == label][:1]:
            paths.append(folder / f"class-{label}.raw")
            paths[-1].write_bytes(image.tobytes())
    return paths


def say(line: str) -> None:
    """Print a line at once, so that it stands in order with what the stages print."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run("demo", main))
