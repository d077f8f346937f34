"""The routes that say what is known of the model that serves, and of those in the registry."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint

from api.answers import (
    Argument,
    Arguments,
    Info,
    Labels,
    Model,
    Models,
    Performance,
    Record,
)
from api.errors import Absent, Invalid, NotReady, RegistryAway
from api.operation import described
from api.schemas import PerformanceOptions
from api.service import service
from classifier.labels import OTHER
from registry.record import StageRecord

routes = Blueprint("model", __name__)


@routes.get("/info")
@described(NotReady)
def info() -> tuple[str, Info]:
    """Say which model serves, and how it came to."""
    holder = service().holder
    model = holder.require()
    return f"version {model.version} serves", Info(
        version=model.version,
        classes=list(model.labels.classes),
        threshold=model.labels.threshold,
        since=model.since,
        production=_record(model.record),
        from_cache=model.from_cache,
        problem=holder.problem,
        device=model.classifier.device,
        runtime=model.classifier.runtime,
        precision=model.classifier.precision,
    )


@routes.get("/labels")
@described(NotReady)
def labels() -> tuple[str, Labels]:
    """Name the classes, in the order of their indices."""
    model = service().holder.require()
    return "the names of the classes, by index", Labels(
        version=model.version,
        labels=list(model.labels.classes),
        other=OTHER,
        threshold=model.labels.threshold,
    )


@routes.get("/performance")
@described(Invalid, Absent, NotReady)
def performance(options: PerformanceOptions) -> tuple[str, Performance]:
    """Give the gate's figures on the model that serves, all or those that are asked for."""
    model = service().holder.require()
    verdict = model.verdict
    if verdict is None:
        raise Absent(
            f"the gate has not judged version {model.version}, which a person has put into "
            "production: run the gate (python -m testing), and promote the version anew"
        )
    figures = verdict.metrics
    if options.filter is not None:
        figures = _only(figures, options.filter)
    return "the gate's figures on held-out images", Performance(
        version=model.version, judged=verdict.created, metrics=figures
    )


@routes.get("/args")
@described(NotReady)
def args() -> tuple[str, Arguments]:
    """Give the arguments that training was called with."""
    model = service().holder.require()
    return "the arguments of the training", Arguments(
        version=model.version, arguments=model.card.arguments
    )


@routes.get("/args/<arg>")
@described(Absent, NotReady)
def arg(arg: str) -> tuple[str, Argument]:
    """Give one argument of the training."""
    model = service().holder.require()
    arguments = model.card.arguments
    if arg not in arguments:
        raise Absent(f"the training had no argument {arg}; there is {', '.join(sorted(arguments))}")
    return f"the argument {arg} of the training", Argument(
        version=model.version, name=arg, value=arguments[arg]
    )


@routes.get("/models")
@described(RegistryAway)
def models() -> tuple[str, Models]:
    """List the versions in the registry, and say which are in its stages since when."""
    listing = service().catalogue.listing()
    stages = [record for record in (listing.testing, listing.production) if record]
    return "the versions in the registry", Models(
        asked=listing.asked,
        testing=_record(listing.testing),
        production=_record(listing.production),
        versions=[
            Model(version=each, stages=[it.stage for it in stages if it.version == each])
            for each in listing.versions
        ],
    )


def _record(record: StageRecord | None) -> Record | None:
    return Record.model_validate(asdict(record)) if record else None


def _only(figures: dict[str, Any], path: str) -> dict[str, Any]:
    """The one figure that ``path`` leads to, under the names that lead there."""
    for name, value in figures.items():
        if path == name:
            return {name: value}
        if path.startswith(f"{name}.") and isinstance(value, dict):
            return {name: _only(value, path.removeprefix(f"{name}."))}
    known = ", ".join(figures) or "nothing"
    raise Absent(f"there is no {path}; there is {known}", "query.filter")
