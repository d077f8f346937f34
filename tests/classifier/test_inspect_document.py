"""JSON is read as Keras writes it, and as no two parsers disagree about."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.inspection import document
from classifier.inspection.finding import LONGEST, Finding, shown

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_what_json_holds_is_read(value: Any) -> None:
    assert document.parse(json.dumps(value), "it") == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 1}', "'a' occurs twice"),
        ('{"b": {"a": 1, "\\u0061": 2}}', "'a' occurs twice"),
        ("[NaN]", "NaN is not allowed"),
        ("[-Infinity]", "-Infinity is not allowed"),
        ("1e400", "not finite"),
        ("1" * 19, "too long"),
        ("[1,]", "not JSON"),
        ("", "not JSON"),
        ("[" * 10_000, "nested too deeply"),
        (" " * 4_000_001, "more than 4000000"),
    ],
)
def test_what_parsers_disagree_about_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Finding, match=f"^the text .*{reason}"):
        document.parse(text, "the text")


@given(st.text() | st.binary() | values)
def test_what_a_sentence_repeats_is_short_and_harmless(value: Any) -> None:
    text = shown(value)
    assert len(text) <= LONGEST + 3
    assert text.isascii()
    assert text.isprintable()
