"""Reading everything that a registry holds, and saying what is wrong with it."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, get_args

from registry import evidence, names, objects
from registry.backend import Backend
from registry.errors import Corrupt, NotFound
from registry.history import Log
from registry.record import Damaged, Stage, StageRecord
from registry.trust import Trust

if TYPE_CHECKING:
    from registry.store import Registry


def problems(registry: "Registry", backend: Backend, trust: Trust | None) -> Iterator[str]:
    """A sentence for each thing that is not as it was written or signed, or that is missing."""
    for check in _checks(registry, backend, trust):
        try:
            check()
        except (Corrupt, NotFound) as error:
            yield str(error)


def _checks(
    registry: "Registry", backend: Backend, trust: Trust | None
) -> Iterator[Callable[[], object]]:
    for version in _versions(backend):
        yield partial(_file, backend, names.model(version), version)
        yield partial(registry.card, version)
        yield partial(_verdicts, registry, version)
        if trust:
            for verdict in evidence.verdict_ids(backend, version):
                yield partial(_signature, backend, trust, version, verdict)
    for stage in get_args(Stage):
        yield partial(_stage, registry, backend, stage)
        yield partial(_history, registry, backend, stage)
        for blob in backend.list(names.log(stage)):
            yield partial(Log(backend, trust).verified, stage, blob)
    yield partial(_production, registry)


def _versions(backend: Backend) -> list[str]:
    found = {blob.name.split("/")[1] for blob in backend.list(names.VERSIONS)}
    return sorted(filter(names.is_version, found))


def _file(backend: Backend, name: str, version: str) -> None:
    objects.require(backend, objects.find(backend, name), version)


def _signature(backend: Backend, trust: Trust, version: str, verdict: str) -> None:
    evidence.require_signed(version, evidence.of_verdict(backend, version, verdict), trust)


def _verdicts(registry: "Registry", version: str) -> None:
    for verdict in registry.verdicts(version):
        for variant in verdict.variants:
            if variant.passed:
                registry.variant(version, verdict.id, variant)


def _production(registry: "Registry") -> None:
    """What the service would ask before it serves."""
    state = registry.inspect("production")
    if isinstance(state, Damaged):
        raise state.error
    if state:
        registry.examine(state.record, registry.evidence(state.record))


def _stage(registry: "Registry", backend: Backend, stage: Stage) -> None:
    state = registry.current(stage)
    if state is None:
        _never_held(backend, stage)
        return
    objects.find(backend, names.model(state.record.version))
    try:
        _file(backend, names.stage(stage), state.record.version)
    except (Corrupt, NotFound):
        if registry.current(stage) == state:
            raise
        _stage(registry, backend, stage)  # it was changed while it was read


def _never_held(backend: Backend, stage: Stage) -> None:
    last = Log(backend).last(stage)
    if last:
        raise NotFound(f"{names.stage(stage)} is gone; the last version there was {last.version}")


def _history(registry: "Registry", backend: Backend, stage: Stage) -> None:
    records = registry.history(stage)[::-1]
    logged = {blob.name for blob in backend.list(names.log(stage))}
    for sequence in range(1, records[-1].sequence if records else 1):
        if names.log_entry(stage, sequence) not in logged:
            raise Corrupt(f"{names.log_entry(stage, sequence)} is missing")
    for before, record in pairwise(records):
        _follows(before, record)
    for record in records[-1:]:
        if (Log(backend).entry(stage, record.sequence) or record) != record:
            entry = names.log_entry(stage, record.sequence)
            raise Corrupt(f"the record of {names.stage(stage)} differs from {entry}")


def _follows(before: StageRecord, record: StageRecord) -> None:
    if record.sequence == before.sequence + 1 and record.previous != before.version:
        raise Corrupt(
            f"record {record.sequence} of {record.stage} says that it replaced "
            f"{record.previous or 'nothing'}, but record {before.sequence} is of {before.version}"
        )
