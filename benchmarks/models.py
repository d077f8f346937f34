"""The models that are served: trained or built once, let in by the gate, and kept in a folder."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.errors import UnknownName, Unprepared
from process.settings import read, variable
from registry.names import VARIANTS
from registry.open import open_registry
from registry.settings import RegistrySettings
from registry.verdict import Precision

ROOT = Path(__file__).parent.parent
ANSWERS = "answers.json"

# What makes a candidate of each model.
MAKERS = {"default": "training", "resnet50": "benchmarks.large"}

# How good the models are is not the matter here, nor that they answer slowly while others work.
LENIENT = {
    "TRAIN_EPOCHS": "8",
    "TRAIN_MIN_ACCURACY": "0.5",
    "TRAIN_THRESHOLD": "0",
    "GATE_MIN_ACCURACY": "0",
    "GATE_MIN_RECALL": "0",
    "GATE_MAX_ECE": "1",
    # The network with random weights leaves less between its answers than one that was trained.
    "GATE_MIN_AGREEMENT": "0.95",
    "GATE_MARGIN": "0.05",
    "GATE_ROBUSTNESS_IMAGES": "0",
    "GATE_MAX_LATENCY": "10000",
}


@dataclass(frozen=True)
class Model:
    """A model in production of a registry of its own.

    Attributes:
        name: as the settings have it.
        file: the model file, for the peers.
        registry: the variables by which this service finds it.
        images: files, each the raw bytes of an image.
        answers: the model's answer to each.
    """

    name: str
    file: Path
    registry: Mapping[str, str]
    images: Sequence[Path] = ()
    answers: Sequence[str] = ()

    @property
    def classes(self) -> int:
        """How many answers there can be, each of which some image has."""
        return len(set(self.answers))

    def variant(self, precision: Precision) -> Path:
        """Where the variant in this precision lies, if the gate let one pass."""
        return self.file.with_name(VARIANTS[precision])


def prepare(name: str, work: Path) -> Model:
    """The model, made now if it is not in the folder ``work`` yet.

    Raises:
        UnknownName: there is no model of that name.
        Unprepared: a step of making it failed.
    """
    if name not in MAKERS:
        raise UnknownName(f"BENCH_MODELS: there is no model {name}, but {', '.join(MAKERS)}")
    folder = work.resolve() / name
    model = Model(name, folder / "best_model.hdf5", _registry(folder))
    if not (folder / ANSWERS).exists():
        _make(model, folder)
    answers = json.loads((folder / ANSWERS).read_text())
    return replace(model, images=tuple(sorted(folder.glob("*.raw"))), answers=tuple(answers))


def _registry(folder: Path) -> dict[str, str]:
    return {
        "REGISTRY_URL": f"file:{folder}/registry",
        "REGISTRY_SIGNING_KEY": f"{folder}/keys/signing.pem",
        "REGISTRY_PUBLIC_KEY": f"{folder}/keys/public.pem",
    }


def _make(model: Model, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    own = {"TRAIN_WORK": f"{folder}/training", "GATE_REPORTS": f"{folder}/gate"}
    variables = {**model.registry, **LENIENT, **own}
    _run(["registry", "keygen"], variables, folder)
    _run([MAKERS[model.name]], variables, folder)
    _run(["testing"], variables, folder)
    _export(model)
    _run(["benchmarks.questions", str(model.file), str(folder)], {}, folder)


def _export(model: Model) -> None:
    """Copy what is in production, and its variants, out of the registry."""
    fields = RegistrySettings.model_fields
    named = {name: model.registry.get(variable(RegistrySettings, name)) for name in fields}
    settings = read(RegistrySettings, {name: value for name, value in named.items() if value})
    registry = open_registry(settings)
    state = registry.current("production")
    if state is None:
        raise Unprepared(f"the gate has put no {model.name} into production")
    registry.fetch(state, model.file)
    found = registry.evidence(state.record)
    for variant in registry.variants(state.record, found):
        content = registry.variant(state.record.version, found.id, variant)
        model.variant(variant.precision).write_bytes(content)


def _run(arguments: Sequence[str], variables: Mapping[str, str], folder: Path) -> None:
    """Run a module of ours to its end; what it says goes to a file."""
    log = folder / f"{arguments[0]}.log"
    with log.open("wb") as said:
        code = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=os.environ | dict(variables),
            stdout=said,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code:
        raise Unprepared(f"python -m {arguments[0]} ended with exit code {code}: see {log}")
