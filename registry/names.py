"""The names of the registry's objects."""

import re
from collections.abc import Mapping

from registry.errors import NotFound
from registry.record import Stage
from registry.verdict import Precision

MODEL = "best_model.hdf5"
VARIANTS: Mapping[Precision, str] = {"float32": "model.onnx", "int8": "model.int8.onnx"}
VERSIONS = "versions/"

_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_version(text: str) -> bool:
    """Whether ``text`` is written as a version is: SHA-256 in lower-case hexadecimal."""
    return _SHA256.fullmatch(text) is not None


def folder(version: str) -> str:
    """The prefix of everything about a version.

    Raises:
        NotFound: no version is written like this.
    """
    if not is_version(version):
        raise NotFound(f"{version!r} is no version: a version is 64 hexadecimal digits")
    return f"{VERSIONS}{version}/"


def model(version: str) -> str:
    """The model file of a version."""
    return f"{folder(version)}{MODEL}"


def card(version: str) -> str:
    """The card of a version."""
    return f"{folder(version)}card.json"


def verdicts(version: str) -> str:
    """The prefix of the gate's verdicts on a version."""
    return f"{folder(version)}gate/"


def verdict(version: str, verdict: str) -> str:
    """The document of one verdict."""
    return f"{verdicts(version)}{verdict}/verdict.json"


def signature(version: str, verdict: str) -> str:
    """The gate's signature on one verdict."""
    return f"{verdicts(version)}{verdict}/verdict.sig"


def variant(version: str, verdict: str, precision: Precision) -> str:
    """A variant of the model that the gate made for one verdict."""
    return f"{verdicts(version)}{verdict}/{VARIANTS[precision]}"


def stage(stage: Stage) -> str:
    """The model file in a stage, whose metadata is the stage's record."""
    return f"{stage}/{MODEL}"


def log(stage: Stage) -> str:
    """The prefix of a stage's log."""
    return f"{stage}/log/"


def log_entry(stage: Stage, sequence: int) -> str:
    """The log's copy of one record; the zeros make names sort as numbers do."""
    return f"{log(stage)}{sequence:08d}.json"
