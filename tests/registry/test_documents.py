"""What is written reads back the same, and nothing else is taken for it."""

import json
from dataclasses import MISSING, fields, replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import document
from registry.card import Calibration, Card, CurvePoint, DataFinding, Golden
from registry.errors import Corrupt
from registry.record import Action, Stage, StageRecord
from registry.verdict import Check, Verdict
from tests.registry.samples import card

TEXT = st.text(st.characters(codec="utf-8"))
KEY = st.text(st.characters(codec="utf-8", exclude_characters="/"))
VERSION = st.text("0123456789abcdef", min_size=64, max_size=64)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.builds(
    StageRecord,
    stage=st.sampled_from(get_args(Stage)),
    version=VERSION,
    previous=VERSION | st.just(""),
    sequence=st.integers(1, 10**8),
    operation=TEXT,
    action=st.sampled_from(get_args(Action)),
    who=TEXT,
    when=TEXT,
    why=TEXT,
    card_sha256=VERSION | st.just(""),
    verdict=TEXT,
    verdict_sha256=VERSION | st.just(""),
    forced=st.booleans(),
    signature=TEXT,
)

# The others are missing in records that are older than signatures.
FIELDS = [each.name for each in fields(StageRecord) if each.default is MISSING]


@given(RECORDS)
def test_a_record_survives_metadata(record: StageRecord) -> None:
    metadata = record.to_metadata()
    assert all(isinstance(value, str) for value in metadata.values())
    assert StageRecord.from_metadata(metadata, "production/best_model.hdf5") == record


@given(RECORDS)
def test_a_record_survives_the_log(record: StageRecord) -> None:
    encoded = document.encode(record)
    assert document.decode(StageRecord, encoded, "log") == record
    assert document.encode(document.decode(StageRecord, encoded, "log")) == encoded


@given(RECORDS, st.sampled_from(FIELDS))
def test_a_record_without_a_field_is_none(record: StageRecord, field: str) -> None:
    metadata = record.to_metadata()
    del metadata[field]
    with pytest.raises(Corrupt, match=rf"production/best_model\.hdf5 .*\({field}\)"):
        StageRecord.from_metadata(metadata, "production/best_model.hdf5")


@given(
    st.dictionaries(KEY, JSON, max_size=4),
    st.dictionaries(KEY, NUMBER, max_size=4),
    st.lists(NUMBER, max_size=4).map(tuple),
    st.binary(max_size=64),
)
def test_a_card_survives_its_document(
    arguments: dict[str, Any],
    metrics: dict[str, float],
    losses: tuple[float, ...],
    pixels: bytes,
) -> None:
    one = replace(
        card("0" * 64),
        arguments=arguments,
        metrics=metrics,
        history={"loss": losses},
        golden=Golden.of(pixels, losses),
    )
    again = document.decode(Card, document.encode(one), "card.json")
    assert again == one
    assert again.golden.pixels == pixels


SHARE = st.floats(0, 1)
CALIBRATIONS = st.builds(
    Calibration,
    images=st.integers(0, 10**6),
    ece_before=SHARE,
    ece_after=SHARE,
    coverage=SHARE,
    accuracy=st.none() | SHARE,
    reached=st.none() | st.booleans(),
    curve=st.lists(st.builds(CurvePoint, SHARE, SHARE, SHARE), max_size=3).map(tuple),
)
FINDINGS = st.builds(DataFinding, TEXT, TEXT, TEXT, st.lists(TEXT, max_size=3).map(tuple))


@given(NUMBER, st.none() | CALIBRATIONS, st.lists(FINDINGS, max_size=2).map(tuple))
def test_what_a_card_says_of_confidence_and_data_survives_too(
    temperature: float, calibration: Calibration | None, findings: tuple[DataFinding, ...]
) -> None:
    before = card("0" * 64)
    data = replace(before.data, findings=findings)
    one = replace(before, data=data, temperature=temperature, calibration=calibration)
    assert document.decode(Card, document.encode(one), "card.json") == one


def test_a_card_from_before_calibration_is_still_one() -> None:
    stored = json.loads(document.encode(card("0" * 64)))
    del stored["temperature"], stored["calibration"], stored["data"]["findings"]
    assert document.decode(Card, json.dumps(stored).encode(), "card.json") == card("0" * 64)


@given(
    st.booleans(),
    st.lists(st.builds(Check, TEXT, st.booleans(), TEXT), max_size=4).map(tuple),
    st.dictionaries(KEY, JSON, max_size=4),
)
def test_a_verdict_survives_its_document(
    passed: bool, checks: tuple[Check, ...], metrics: dict[str, Any]
) -> None:
    verdict = Verdict("1", "0" * 64, "", passed, checks, metrics, "", "2026")
    assert document.decode(Verdict, document.encode(verdict), "verdict.json") == verdict


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"name": "accuracy", "passed": true}',
        b'{"name": 1, "passed": true, "sentence": ""}',
        b'{"py/object": "subprocess.Popen", "args": ["true"]}',
    ],
)
def test_anything_else_is_corrupt(text: bytes) -> None:
    with pytest.raises(Corrupt, match=r"^gate/check\.json is not a valid Check: "):
        document.decode(Check, text, "gate/check.json")
