"""A mistake in a setting is answered with its name."""

import pytest

from process.settings import SettingsError, read
from training.settings import TrainSettings


def test_the_defaults_are_valid() -> None:
    assert read(TrainSettings).data == "digits"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", "0"),
        ("epochs", "many"),
        ("batch_size", "-1"),
        ("learning_rate", "0"),
        ("seed", "-1"),
        ("blocks", "6"),
        ("min_accuracy", "98"),
        ("brightness", "1"),
        ("threshold", "1.5"),
        ("threshold", "-0.1"),
        ("threshold", "nan"),
        ("threshold", "automatic"),
        ("target_accuracy", "1"),
        ("warm_start", "perhaps"),
    ],
)
def test_an_impossible_value_is_refused_by_name(field: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"TRAIN_{field.upper()}"):
        read(TrainSettings, {field: value})


@pytest.mark.parametrize(("value", "threshold"), [("auto", "auto"), ("0", 0.0), ("0.75", 0.75)])
def test_the_threshold_is_a_number_or_is_chosen(value: str, threshold: float | str) -> None:
    assert read(TrainSettings, {"threshold": value}).threshold == threshold


def test_a_network_cannot_shrink() -> None:
    with pytest.raises(SettingsError, match=r"TRAIN_MAX_BLOCKS \(2\) must not be under"):
        read(TrainSettings, {"blocks": "3", "max_blocks": "2"})
