"""Changes whose answers are lost: no win is reported as a loss, and no loss as a win."""

from collections.abc import Callable

import pytest

from registry.backend import Backend
from registry.errors import Conflict, OutcomeUnknown, PreconditionFailed, Unreachable
from registry.record import StageState
from registry.store import Registry
from tests.registry.keyrings import trust
from tests.registry.samples import Sample, approved, in_production, promoted
from tests.registry.watched import Hook, LosesOne, Watched, When

Samples = Callable[[int], list[Sample]]


def hooked(backend: Backend, hook: Hook) -> Registry:
    return Registry(Watched(backend, hook), actor="unlucky@host", trust=trust())


Action = Callable[[Registry, list[Sample]], StageState]


def publish(registry: Registry, models: list[Sample]) -> StageState:
    return registry.publish(models[2].path, models[2].card, "new")


def promote(registry: Registry, models: list[Sample]) -> StageState:
    return registry.promote(models[0].version, registry.current("production"), "good")


def rollback(registry: Registry, models: list[Sample]) -> StageState:
    return registry.rollback("bad")


@pytest.mark.parametrize("action", [publish, promote, rollback])
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_lost_answer_to_any_write_is_no_loss(
    backend: Backend, registry: Registry, samples: Samples, action: Action, when: When
) -> None:
    models = samples(3)
    for one in models[:2]:
        promoted(registry, one)
    for at in range(1, 20):
        hook = LosesOne(when, {"create", "replace_if"}, at)
        state = action(hooked(backend, hook), models)
        assert registry.current(state.record.stage) == state
        assert registry.verify() == []
        if not hook.struck:
            break
        if action is rollback:
            promote(registry, [models[1]])
    assert at > 2
    operations = [record.operation for record in registry.history(state.record.stage)]
    assert len(operations) == len(set(operations))


def test_a_change_whose_answers_are_all_lost_is_found_to_be_made(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    """As when a client library repeats a write that succeeded, and is told 412."""
    [one] = samples(1)
    version = approved(registry, one)

    def repeat(when: When, operation: str) -> None:
        if (when, operation) == ("after", "replace_if"):
            raise PreconditionFailed("the first try had taken effect")

    state = hooked(backend, repeat).promote(version, None, "good")
    assert registry.current("production") == state


def test_a_change_that_others_followed_is_found_in_the_log(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two, three = samples(3)
    first = promoted(registry, one)
    approved(registry, three)
    version = approved(registry, two)

    def follow(when: When, operation: str) -> None:
        if (when, operation) == ("after", "replace_if"):
            registry.promote(three.version, registry.current("production"), "better still")
            raise Unreachable("the answer was lost")

    state = hooked(backend, follow).promote(version, first, "better")
    assert state.record in registry.history("production")
    assert in_production(registry) == three.version
    with pytest.raises(Conflict):
        registry.promote(one.version, state, "against what is no longer there")
    assert registry.verify() == []


def test_a_loss_is_found_in_the_log_when_others_followed_the_winner(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two, three = samples(3)
    first = promoted(registry, one)
    approved(registry, three)
    version = approved(registry, two)

    def overtake(when: When, operation: str) -> None:
        if (when, operation) == ("before", "replace_if"):
            for each in (three.version, one.version):
                registry.promote(each, registry.current("production"), "faster")

    with pytest.raises(Conflict) as lost:
        hooked(backend, overtake).promote(version, first, "slower")
    assert lost.value.winner == registry.history("production")[0]
    assert in_production(registry) == one.version


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_cannot_be_read_back_is_unknown_and_says_how_to_find_out(
    backend: Backend, registry: Registry, samples: Samples, when: When
) -> None:
    [one] = samples(1)
    version = approved(registry, one)
    away = False

    def disconnect(now: When, operation: str) -> None:
        nonlocal away
        away = away or (now, operation) == (when, "replace_if")
        if away:
            raise Unreachable("the network is gone")

    with pytest.raises(OutcomeUnknown, match="python -m registry show production") as unknown:
        hooked(backend, disconnect).promote(version, None, "good")
    operations = [record.operation for record in registry.history("production")]
    assert (unknown.value.operation in operations) == (when == "after")


def test_a_write_that_never_gets_through_is_unknown(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    [one] = samples(1)
    version = approved(registry, one)

    def refuse(when: When, operation: str) -> None:
        if (when, operation) == ("before", "replace_if"):
            raise Unreachable("the network is slow")

    with pytest.raises(OutcomeUnknown, match="slow"):
        hooked(backend, refuse).promote(version, None, "good")
    assert registry.current("production") is None


def test_a_change_that_cannot_be_logged_is_made_and_logged_by_the_next(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two = samples(2)
    version = approved(registry, one)
    made = False

    def fail_after_the_change(when: When, operation: str) -> None:
        nonlocal made
        if made and operation == "create":
            raise Unreachable("the network is gone")
        made = made or (when, operation) == ("after", "replace_if")

    state = hooked(backend, fail_after_the_change).promote(version, None, "good")
    assert registry.current("production") == state
    assert backend.stat("production/log/00000001.json") is None
    assert registry.history("production") == [state.record]
    promoted(registry, two)
    assert backend.stat("production/log/00000001.json")
    assert registry.verify() == []


def test_an_unreachable_registry_says_so(backend: Backend, samples: Samples) -> None:
    [one] = samples(1)

    def refuse(when: When, operation: str) -> None:
        raise Unreachable("no route to host")

    registry = hooked(backend, refuse)
    with pytest.raises(Unreachable, match="no route"):
        registry.current("production")
    with pytest.raises(Unreachable, match="no route"):
        registry.publish(one.path, one.card, "new")
    assert any("no route" in each for each in registry.doctor().problems)
