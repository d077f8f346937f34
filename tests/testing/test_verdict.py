from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from intervals.wilson import Estimate, proportion
from registry.record import Action, StageRecord
from testing import verdict
from testing.comparison import Answers, Comparison, compare
from testing.intervals import paired_difference
from testing.scoring import ClassScores, score

LEVEL, MARGIN = 0.95, 0.02


def paired(won: int, lost: int, images: int = 359) -> Comparison:
    """A comparison with so many images won and lost."""
    difference = paired_difference(won, lost, images, LEVEL)
    return Comparison("f" * 64, images, won, lost, 0.98, 0.98, difference)


def judged(won: int, lost: int, images: int = 359, margin: float = MARGIN) -> bool:
    return verdict.non_inferiority(paired(won, lost, images), margin, LEVEL).passed


def test_an_identical_model_is_non_inferior() -> None:
    assert judged(0, 0)


def test_of_359_images_one_may_be_lost() -> None:
    assert judged(0, 1)
    assert not judged(0, 2)  # the lower bound is -2.01 points
    assert judged(1, 2)


@pytest.mark.parametrize(("low", "passed"), [(-0.02, False), (np.nextafter(-0.02, 0), True)])
def test_the_bound_must_lie_above_the_margin_not_on_it(low: float, passed: bool) -> None:
    comparison = replace(paired(0, 1), difference=Estimate(0.0, float(low), 0.01))
    assert verdict.non_inferiority(comparison, MARGIN, LEVEL).passed is passed


def test_five_lost_of_359_are_refused_though_mcnemar_sees_nothing() -> None:
    assert binomtest(5, 5).pvalue > 0.05
    check = verdict.non_inferiority(paired(0, 5), MARGIN, LEVEL)
    assert not check.passed
    assert "0 won, 5 lost" in check.sentence
    assert "GATE_MARGIN" in check.sentence
    assert "ffffffffffff" in check.sentence


def test_losing_much_while_winning_much_is_refused() -> None:
    assert not judged(40, 40)


def test_a_better_model_is_non_inferior() -> None:
    assert judged(10, 0)


@given(st.integers(0, 359), st.integers(0, 358))
def test_who_is_refused_is_refused_with_one_more_loss(won: int, lost: int) -> None:
    if won + lost < 359 and not judged(won, lost):
        assert not judged(won, lost + 1)


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.001, 0.1))
def test_who_passes_passes_with_a_wider_margin(won: int, lost: int, margin: float) -> None:
    if judged(won, lost, margin=margin):
        assert judged(won, lost, margin=2 * margin)


def test_too_few_images_are_refused_with_the_number_needed() -> None:
    assert judged(0, 0, images=189)
    check = verdict.non_inferiority(paired(0, 0, images=188), MARGIN, LEVEL)
    assert not check.passed
    assert "188 held-out images are too few" in check.sentence
    assert "at least 189" in check.sentence
    assert "GATE_MARGIN" in check.sentence


def test_few_images_are_enough_for_a_model_that_wins_most_of_them() -> None:
    check = verdict.non_inferiority(paired(30, 0, images=50), MARGIN, LEVEL)
    assert check.passed
    assert "too few" not in check.sentence


@pytest.mark.parametrize(("right", "passed"), [(19, True), (18, False)])
def test_accuracy_at_the_floor_passes(right: int, passed: bool) -> None:
    labels = np.zeros(20, np.int64)
    answers = np.tile(np.array([1, 0], np.float32), (20, 1))
    answers[right:] = [0, 1]
    check = verdict.accuracy(score(labels, answers, ("a", "b"), LEVEL), 0.95)
    assert check.passed is passed
    assert "20 held-out images" in check.sentence
    assert "GATE_MIN_ACCURACY" in check.sentence


def recalled(*right: int, images: int = 20) -> dict[str, ClassScores]:
    """The scores of classes of which so many of their images are answered rightly."""
    truth = np.repeat(np.arange(len(right)), images)
    answer = np.concatenate(
        [np.r_[np.full(n, k), np.full(images - n, k - 1)] for k, n in enumerate(right)]
    )
    names = [f"class {number}" for number in range(len(right))]
    return score(truth, np.eye(len(right), dtype=np.float32)[answer], names, LEVEL).per_class


def test_a_lost_class_among_many_is_refused_by_name() -> None:
    check = verdict.recalls(recalled(*[20] * 57, 0, *[20] * 42), 0.5, LEVEL)
    assert not check.passed
    assert "'class 57'" in check.sentence
    assert "0.00 % [0.00, 16.11]" in check.sentence
    assert "GATE_MIN_RECALL" in check.sentence
    assert check.sentence.count("class ") == 1


@pytest.mark.parametrize(
    ("right", "images", "passed"),
    [(0, 3, True), (0, 4, False), (1, 5, True), (5, 20, False), (6, 20, True), (20, 20, True)],
)
def test_a_class_is_refused_when_its_interval_lies_below(
    right: int, images: int, passed: bool
) -> None:
    per_class = {"class 0": recalled(right, images, images=images)["class 0"]}
    assert verdict.recalls(per_class, 0.5, LEVEL).passed is passed


def test_the_end_of_the_interval_may_lie_on_the_floor() -> None:
    per_class = {"class 0": recalled(5, 20)["class 0"]}
    high = per_class["class 0"].recall.high
    assert verdict.recalls(per_class, high, LEVEL).passed
    assert not verdict.recalls(per_class, float(np.nextafter(high, 1)), LEVEL).passed
    assert verdict.recalls(recalled(0, 20), 0, LEVEL).passed


def test_many_classes_of_few_images_are_not_refused_by_chance() -> None:
    """Each of them is recognised in 7 cases of 10."""
    rng = np.random.default_rng(0)
    unknown, refused = Estimate(0, 0, 1), 0
    for _ in range(40):
        hits = [proportion(right, 8, LEVEL) for right in rng.binomial(8, 0.7, 100).tolist()]
        classes = {str(n): ClassScores(8, unknown, each, unknown) for n, each in enumerate(hits)}
        refused += not verdict.recalls(classes, 0.5, LEVEL).passed
    assert refused <= 2


@pytest.mark.parametrize(("images", "passed"), [(12, True), (13, False)])
def test_that_a_class_of_a_hundred_is_lost_takes_more_images_to_tell(
    images: int, passed: bool
) -> None:
    check = verdict.recalls(recalled(0, *[images] * 99, images=images), 0.5, LEVEL)
    assert check.passed is passed
    assert ("too few held-out images to tell of 'class 0'" in check.sentence) is passed


def test_one_that_may_be_as_good_is_told_how_many_images_would_show_it() -> None:
    may_be = verdict.non_inferiority(paired(15, 17), MARGIN, LEVEL).sentence
    assert "about 2342 held-out images" in may_be
    shown = verdict.non_inferiority(paired(0, 30), MARGIN, LEVEL).sentence
    assert "as good" not in shown
    assert "as good" not in verdict.non_inferiority(paired(30, 0), MARGIN, LEVEL).sentence


def record(sequence: int, action: Action, version: str, why: str = "why") -> StageRecord:
    return StageRecord(
        "production", version * 64, "", sequence, "", action, f"who {sequence}", "when", why
    )


def history(*changes: str) -> list[StageRecord]:
    """Records, newest first, of changes as ``+a`` and ``-a`` for promotions and rollbacks."""
    actions: dict[str, Action] = {"+": "promote", "-": "rollback"}
    return [record(n, actions[c[0]], c[1]) for n, c in enumerate(changes, 1)][::-1]


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ([], True),
        (["+a"], True),
        (["+b"], True),
        (["+a", "+b", "-a"], False),
        (["+a", "+b", "-a", "+c"], False),
        (["+a", "+b", "+c", "-a"], True),  # b was below what was rolled back from
        (["+a", "+b", "-a", "+b"], True),
        (["+a", "+b", "-a", "+b", "+a"], True),
        (["+a", "+b", "-a", "+b", "-a"], False),
        (["+b", "-b"], True),  # put back over a damaged file
        (["+b", "-b", "-a"], False),
    ],
)
def test_one_from_which_production_was_rolled_back_is_refused(
    changes: list[str], passed: bool
) -> None:
    assert verdict.not_rolled_back("b" * 64, history(*changes)).passed is passed


def test_who_rolled_back_when_and_why_is_said_in_printable_letters() -> None:
    records = [record(2, "rollback", "a", "cats\x1b[31m " + "x" * 999), record(1, "promote", "b")]
    sentence = verdict.not_rolled_back("b" * 64, records).sentence
    assert sentence.startswith("who 2 rolled production back from this version at when (cats")
    assert sentence.isprintable()
    assert len(sentence) < 600


def test_each_class_needs_images() -> None:
    answers = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    per_class = score(np.array([0, 0, 1]), answers, ("cat", "dog"), LEVEL).per_class
    assert verdict.enough_images(per_class, 1).passed
    check = verdict.enough_images(per_class, 2)
    assert not check.passed
    assert "'dog'" in check.sentence
    assert "'cat'" not in check.sentence
    assert "GATE_MIN_PER_CLASS" in check.sentence


def test_a_new_class_is_no_reason_to_refuse() -> None:
    check = verdict.kept_classes(("a", "b", "c"), ("a", "b"), drop=False)
    assert check.passed
    assert "'c'" in check.sentence


def test_a_lost_class_is_refused_unless_meant() -> None:
    refused = verdict.kept_classes(("a",), ("a", "b"), drop=False)
    assert not refused.passed
    assert "'b'" in refused.sentence
    assert "GATE_DROP_CLASSES=true" in refused.sentence
    assert verdict.kept_classes(("a",), ("a", "b"), drop=True).passed


def test_a_broken_production_is_replaced_only_if_told_to() -> None:
    refused = verdict.broken_production("f" * 12, "it is truncated", replace=False)
    assert not refused.passed
    assert "GATE_REPLACE_BROKEN=true" in refused.sentence
    assert "it is truncated" in refused.sentence
    allowed = verdict.broken_production("f" * 12, "it is truncated", replace=True)
    assert allowed.passed
    assert "PRODUCTION IS BROKEN" in allowed.sentence


def test_other_data_is_said_and_not_held_against_the_candidate() -> None:
    assert verdict.same_data("a" * 64, "a" * 64).passed
    other = verdict.same_data("a" * 64, "b" * 64)
    assert other.passed
    assert "bbbbbbbbbbbb" in other.sentence
    assert "near-duplicates in one of the two only" in other.sentence


def test_copies_that_are_left_out_are_said() -> None:
    assert "3 held-out images repeat another one" in verdict.same_data("a", "a", 3).sentence
    assert "repeat" not in verdict.same_data("a", "a").sentence


def test_names_in_sentences_are_quoted_short_and_few() -> None:
    text = verdict.listed(["\x1b[31m", "\u202egnp", "x" * 500, "d", "e", "f", "g"])
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) < 200
    assert text.endswith("and 2 more")


def test_figures_read_as_per_cent() -> None:
    estimate = Estimate(0.9861, 0.968, 0.994)
    assert verdict.percent(estimate) == "98.61 % [96.80, 99.40]"
    assert verdict.points(Estimate(-0.01, -0.02, 0.003)) == "-1.00 points [-2.00, +0.30]"


def test_models_are_compared_by_class_name() -> None:
    answers = Answers(
        truth=np.array(["a", "a", "b", "c"]),
        candidate=np.array(["a", "c", "b", "c"]),
        production=np.array(["a", "a", "a", "b"]),
    )
    both = compare("f" * 64, answers.of(("a", "b")), LEVEL)
    assert (both.images, both.won, both.lost) == (3, 1, 1)
    assert both.candidate == both.production == pytest.approx(2 / 3)
    assert both.difference.value == 0


def test_comparison_without_images_shows_nothing() -> None:
    nothing = Answers(*(np.array(["a"]) for _ in range(3))).of(["b"])
    assert compare("f" * 64, nothing, LEVEL).images == 0
