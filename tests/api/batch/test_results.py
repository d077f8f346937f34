"""Files of results come back as they were written; those of Parquet: test_command.py."""

from hypothesis import given
from hypothesis import strategies as st

from api.batch import results
from api.batch.results import Result

text = st.text(st.characters(codec="utf-8"), max_size=20)
made = st.builds(
    Result,
    path=text,
    sha256=st.none() | text,
    index=st.none() | st.integers(0, 1000),
    label=st.none() | text,
    confidence=st.none() | st.floats(0, 1),
    version=text,
    reason=st.none() | text,
)


@given(st.lists(made, max_size=5))
def test_lines_come_back_as_they_were_written(written: list[Result]) -> None:
    content = results.encode("jsonl", written)
    assert content.count(b"\n") == len(written)
    assert results.ENCODINGS["jsonl"].read(content) == written


def test_a_name_that_is_no_unicode_is_spelled_out() -> None:
    assert results.shown("ä\udcff.png") == "ä\\xff.png"
