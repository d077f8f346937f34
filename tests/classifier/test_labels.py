"""An answer below the threshold has no name but `other`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.labels import OTHER, Labels

share = st.floats(0, 1)


@given(threshold=share, confidence=share, index=st.integers(0, 1))
def test_the_threshold_decides(threshold: float, confidence: float, index: int) -> None:
    name = Labels(("cat", "dog"), threshold).name(index, confidence)
    assert name == (("cat", "dog")[index] if confidence >= threshold else OTHER)


@given(confidence=share)
def test_without_a_threshold_every_answer_is_named(confidence: float) -> None:
    assert Labels(("cat", "dog"), 0).name(1, confidence) == "dog"


def test_an_index_past_the_classes_is_a_bug() -> None:
    with pytest.raises(IndexError):
        Labels(("cat", "dog"), 0).name(2, 1)
