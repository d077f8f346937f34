"""A short torture of the registry, and proof that it would find what it looks for."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase

from registry import history
from registry.backend import Blob
from registry.errors import Conflict, RegistryError
from registry.memory import MemoryBackend
from registry.record import StageRecord, StageState
from registry.switch import Switch
from tests.gcs.gcs_process import GCSServer
from tests.registry.samples import Sample
from tests.registry.torture import power_cuts
from tests.registry.torture.__main__ import torment
from tests.registry.torture.clients import Violation
from tests.registry.torture.disk_trace import Step, Trace, samples
from tests.registry.torture.figures import Figures
from tests.registry.torture.histories import Race
from tests.registry.torture.phases import Torture

SEED = 8


@pytest.fixture
def figures() -> Figures:
    return Figures()


@pytest.fixture
def torture(tmp_path: Path, gcs_server: GCSServer, gcs_bucket: str, figures: Figures) -> Torture:
    return Torture(tmp_path, gcs_server, figures)


@pytest.fixture
def models(tmp_path: Path) -> list[Sample]:
    return samples(tmp_path)


def test_power_cuts(torture: Torture, figures: Figures) -> None:
    torture.cut_power(SEED, count=80)
    torture.kill_and_cut_power(SEED, count=20)
    assert len(figures.states) > 80


def test_races_in_memory(torture: Torture, figures: Figures) -> None:
    torture.race_in_memory(SEED)
    assert figures.wins
    assert figures.losses
    assert figures.faults


def test_races_in_a_folder(torture: Torture, figures: Figures) -> None:
    torture.race_in_a_folder(SEED)
    assert figures.wins
    assert figures.losses


def test_races_in_a_bucket(torture: Torture, figures: Figures) -> None:
    torture.race_in_a_bucket(SEED)
    assert figures.wins
    assert figures.faults


@pytest.mark.parametrize(("where", "examples"), [("memory", 25), ("a folder", 10), ("a bucket", 2)])
def test_sequences(torture: Torture, figures: Figures, where: str, examples: int) -> None:
    place = {
        "memory": torture.in_memory,
        "a folder": torture.in_a_folder,
        "a bucket": torture.in_a_bucket,
    }
    torture.compare(place[where], examples, SEED)
    assert figures.sequences >= examples
    assert figures.wins


def test_each_write_overcomes_each_fault(torture: Torture, figures: Figures) -> None:
    torture.lose_replies(SEED)
    # 5 writes of a publication, 3 of a promotion, 3 of a rollback, in 6 ways each.
    assert figures.wins == figures.faults >= 66
    assert (figures.losses, figures.unknowns) == (0, 0)


def test_of_two_clients_one_loses_the_answers(torture: Torture, figures: Figures) -> None:
    torture.lose_replies_in_a_race(SEED)
    assert figures.wins


# --- what it finds ---


class Careless(MemoryBackend):
    """A back end that does not look at the condition of a write."""

    def replace_if(
        self, name: str, source: Blob, metadata: Mapping[str, str], generation: int
    ) -> Blob:
        now = self.stat(name)
        return super().replace_if(name, source, metadata, now.generation if now else 0)


class Forgetful(MemoryBackend):
    """A back end that shows what it was asked for some time ago."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: dict[str, Blob | None] = {}
        self._draw = random.Random(0)

    def stat(self, name: str) -> Blob | None:
        if name not in self._shown or self._draw.random() < 0.3:
            self._shown[name] = super().stat(name)
        return self._shown[name]


def race(backend: MemoryBackend, models: list[Sample], chance: float = 0) -> None:
    """Several races on equal back ends."""
    for seed in range(20):
        names = ("one", "two", "three")
        Race(dict.fromkeys(names, type(backend)()), models, seed, chance).run(8)


@pytest.mark.parametrize("backend", [Careless(), Forgetful()])
def test_a_race_finds_a_back_end_that_breaks_its_promise(
    backend: MemoryBackend, models: list[Sample]
) -> None:
    with pytest.raises((Violation, RegistryError)):
        race(backend, models)


def take_for_lost(
    switch: Switch, record: StageRecord, generation: int, lost: RegistryError
) -> StageState | None:
    raise Conflict("it was changed first", None)


def take_for_won(
    switch: Switch, record: StageRecord, generation: int, lost: RegistryError
) -> StageState | None:
    return StageState(record, generation)


@pytest.mark.parametrize("mistake", [take_for_lost, take_for_won])
def test_a_race_finds_a_win_that_is_reported_as_a_loss_and_a_loss_as_a_win(
    monkeypatch: pytest.MonkeyPatch, models: list[Sample], mistake: Callable[..., object]
) -> None:
    monkeypatch.setattr(Switch, "_read_back", mistake)
    with pytest.raises(Violation):
        race(MemoryBackend(), models, chance=0.05)


def as_promotion(record: StageRecord) -> StageRecord:
    return replace(record, action="promote")


def test_sequences_find_a_wrong_rule(monkeypatch: pytest.MonkeyPatch, torture: Torture) -> None:
    follow = history._follow
    monkeypatch.setattr(
        history, "_follow", lambda versions, record: follow(versions, as_promotion(record))
    )
    with pytest.raises((AssertionError, ValueError)):
        torture.compare(torture.in_memory, 200, SEED, phases=[Phase.generate])


def test_every_violation_is_counted_and_said(
    figures: Figures, capsys: pytest.CaptureFixture[str]
) -> None:
    def violate(seed: int) -> None:
        raise Violation("a win was lost")

    torment({"one": violate}, seed=7, seconds=0.01, figures=figures)
    assert figures.violations[0] == "one, seed 8"
    said = capsys.readouterr().out
    assert "a win was lost" in said
    assert "VIOLATION in one, seed 8" in said


@pytest.fixture
def life(tmp_path: Path) -> Trace:
    """What is done to a folder by two promotions and a rollback."""
    [trace] = power_cuts.record(tmp_path, power_cuts.LIFE)
    return trace


def violations(trace: Trace, folder: Path, models: list[Sample], count: int = 40) -> list[str]:
    """What is found wrong in some states, drawn of those that cuts of the power may leave."""
    draw, found = random.Random(0), []
    cuts = list(power_cuts.power_cuts(trace, draw, 16))
    for number, cut in enumerate(draw.sample(cuts, min(count, len(cuts)))):
        place = folder / f"state-{number}"
        place.mkdir()
        try:
            power_cuts.check(cut, trace, place, models)
        except Violation as violation:
            found.append(str(violation))
    return found


def test_there_are_many_states_to_find(life: Trace) -> None:
    cuts = power_cuts.power_cuts(life, random.Random(0), 128)
    assert len({cut.key for cut in cuts}) >= 1000


@pytest.mark.parametrize(
    "spared",
    [
        lambda step: step.content is not None,
        lambda step: step.content is None,
        lambda step: step.path.endswith("/production"),
        lambda step: re.search(r"production/.best_model.hdf5/\d+$", step.path),
    ],
)
def test_power_cuts_find_what_is_not_synced(
    life: Trace, tmp_path: Path, models: list[Sample], spared: Callable[[Step], object]
) -> None:
    steps = [step for step in life.steps if step.what != "sync" or not spared(step)]
    assert violations(replace(life, steps=steps), tmp_path, models)


def test_power_cuts_find_a_folder_whose_maker_was_killed(
    tmp_path: Path, models: list[Sample]
) -> None:
    [whole] = power_cuts.record(tmp_path, "publish:0")
    made = [(step.what, step.path) for step in whole.steps].index(("mkdir", "parent/registry"))
    [trace] = power_cuts.record(tmp_path, "publish:0", "publish:1", [made + 2])
    assert not violations(trace, tmp_path, models, count=20)
    above = [step for step in trace.steps if (step.what, step.path) != ("sync", "parent")]
    again = tmp_path / "again"
    again.mkdir()
    assert violations(replace(trace, steps=above), again, models)
