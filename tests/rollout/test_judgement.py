"""The laws of a judgement, over all counts of small samples and many of large ones."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.figures import Counts
from rollout.judgement import Decision, Limits, judge

LIMITS = Limits(min_requests=50, confidence=0.9, error_margin=0.05, slow_margin=0.05)
ORDER = [Decision.PROMOTE, Decision.HOLD, Decision.WITHDRAW]


def counts(most: int = 5000) -> st.SearchStrategy[Counts]:
    def of(requests: int) -> st.SearchStrategy[Counts]:
        part = st.integers(0, requests)
        return st.builds(Counts, st.just(requests), part, st.just(requests), part)

    return st.integers(0, most).flatmap(of)


def same(requests: int, errors: int = 0, slow: int = 0) -> Counts:
    return Counts(requests, errors, requests, slow)


def decide(production: Counts, canary: Counts, limits: Limits = LIMITS) -> Decision:
    return judge(production, canary, limits).decision


def test_a_canary_like_production_is_promoted() -> None:
    assert decide(same(1000), same(100)) is Decision.PROMOTE
    assert decide(same(1000, errors=20, slow=500), same(1000, 20, 500)) is Decision.PROMOTE


def test_a_worse_one_is_withdrawn_for_what_is_worse() -> None:
    failed = judge(same(1000), same(100, errors=10), LIMITS)
    assert failed.decision is Decision.WITHDRAW
    assert failed.reasons == (
        "failed: production 0 of 1000 and canary 10 of 100; the canary's share is +10.00 points "
        "(+6.06 to +16.04) against production's, 5 allowed",
    )
    slow = judge(same(1000), same(100, slow=50), LIMITS)
    assert slow.decision is Decision.WITHDRAW
    assert [reason.split(":")[0] for reason in slow.reasons] == ["slow"]


def test_what_is_neither_surely_good_nor_surely_bad_waits_for_more() -> None:
    assert decide(same(200, errors=4), same(60, errors=2)) is Decision.HOLD


@given(counts(), counts(49))
def test_with_too_few_requests_to_either_side_it_holds(many: Counts, few: Counts) -> None:
    for found in (judge(many, few, LIMITS), judge(few, many, LIMITS)):
        assert found.decision is Decision.HOLD
        assert all(reason.startswith("too few requests") for reason in found.reasons)


@given(counts(), counts(), st.data())
def test_more_errors_or_slow_requests_of_the_canary_never_improve_its_lot(
    production: Counts, canary: Counts, data: st.DataObject
) -> None:
    errors = data.draw(st.integers(canary.errors, canary.requests))
    slow = data.draw(st.integers(canary.slow, canary.timed))
    worse = replace(canary, errors=errors, slow=slow)
    before, after = decide(production, canary), decide(production, worse)
    assert ORDER.index(before) <= ORDER.index(after)


@pytest.mark.parametrize("production", [same(60), same(60, 3, 3), same(60, 60, 60)])
def test_with_each_error_the_lot_worsens_from_promoted_to_withdrawn(production: Counts) -> None:
    decisions = [decide(production, same(80, errors)) for errors in range(81)]
    assert all(ORDER.index(a) <= ORDER.index(b) for a, b in pairwise(decisions))
    assert decisions[0] is Decision.PROMOTE
    assert (decisions[-1] is Decision.WITHDRAW) == (production.errors < 60)


@given(counts(), counts())
def test_none_is_promoted_that_seems_worse_than_is_allowed(
    production: Counts, canary: Counts
) -> None:
    found = judge(production, canary, LIMITS)
    if found.decision is Decision.PROMOTE:
        assert all(c.difference.high <= c.margin for c in found.comparisons)
        assert min(production.requests, canary.requests) >= LIMITS.requests()


@given(st.integers(1, 1000), st.floats(0.001, 0.5), st.sampled_from([0.8, 0.95, 0.99]))
def test_a_faultless_canary_of_the_size_asked_for_is_always_promoted(
    least: int, margin: float, level: float
) -> None:
    limits = Limits(least, level, margin, margin)
    enough = same(limits.requests())
    assert decide(enough, enough, limits) is Decision.PROMOTE


def test_a_wide_sample_is_asked_for_where_the_margin_is_narrow() -> None:
    narrow = replace(LIMITS, error_margin=0.001)
    assert narrow.requests() > 1000
    assert decide(same(1000), same(1000), narrow) is Decision.HOLD
