"""Ids sort as the moments that they are of."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from api.audit.entry import first_id, new_id

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
