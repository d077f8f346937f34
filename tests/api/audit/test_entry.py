"""Ids sort as the moments that they are of, and what waits takes the memory that is counted."""

import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from api.audit.entry import answered, first_id, new_id
from api.holder import Answer
from classifier.labels import Labels
from images import NBYTES, SHAPE
from tests.api.audit.entries import VERSION, entry

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.integers(0, 5000))
def test_ids_sort_by_time_to_the_microsecond(at: datetime, later: int) -> None:
    after = at + timedelta(microseconds=later)
    assert first_id(at) <= new_id(at) < first_id(at + timedelta(microseconds=1))
    assert (new_id(at) < first_id(after)) == (later > 0)


@given(MOMENTS)
def test_an_id_is_a_uuid_of_version_7_and_another_each_time(at: datetime) -> None:
    ids = {new_id(at) for _ in range(10)}
    assert len(ids) == 10
    for text in ids:
        found = uuid.UUID(text)
        assert (found.hex, found.version, found.variant) == (text, 7, uuid.RFC_4122)
        assert found.int >> 80 == int(at.timestamp() * 1000) or at.year > 2200


def test_before_ids_began_all_of_them_come_later() -> None:
    assert first_id(datetime(1, 1, 1, tzinfo=UTC)) < new_id(datetime.now(UTC))


def test_an_image_that_is_kept_counts_and_keeps_nothing_else() -> None:
    body = np.zeros((8, *SHAPE), np.uint8)
    labels = Labels(("cat",), 0.0)
    answer = Answer(0, "cat", 0.75, VERSION, labels, np.ones(1, np.float32))
    (kept,), (hashed,) = (answered(body[:1], [answer], labels, keep) for keep in (True, False))
    assert kept.pixels is not None
    assert (kept.pixels.base, kept.pixels.nbytes) == (None, NBYTES)
    assert entry(answers=(kept, hashed)).rows == 4  # the request, two answers, an image
