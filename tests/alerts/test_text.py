"""The words that operators read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import text
from alerts.alert import Alert
from alerts.limiter import Decision, Outcome

ALERT = Alert("registry-unreachable", "no registry", "Nothing answers.\n")
NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


@given(st.text())
def test_a_line_is_one_printable_line(words: str) -> None:
    line = text.one_line(words)
    assert line.isprintable()
    assert len(line) <= text.LONGEST_LINE
    assert len(line.splitlines()) <= 1
    assert text.one_line(line) == line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("plain", "plain"),
        ("Größe 模型 🙂", "Größe 模型 🙂"),
        ("a\r\nBcc: thief@example.com", "a Bcc: thief@example.com"),
        ("a\u2028b\x85c\x00d\x1b[2Je", "a b c d [2Je"),
        ("file\udcff", "file"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_lines(words: str, line: str) -> None:
    assert text.one_line(words) == line


def test_a_subject_names_the_service_and_the_failure() -> None:
    assert text.subject(ALERT, Decision(Outcome.SEND), "api") == "[api] no registry"


def test_a_body_says_what_where_and_when() -> None:
    assert text.body(ALERT, Decision(Outcome.SEND), "api", "node-7", NOON) == (
        "Nothing answers.\n\nService: api\nHost: node-7\nTime: 2026-01-02 12:00:00 UTC\n"
    )


def test_a_body_says_what_was_held_back() -> None:
    decision = Decision(Outcome.SEND, {"slow": 3, "failed": 1}, capped=2)
    assert text.body(ALERT, decision, "api", "node-7", NOON).endswith(
        "UTC\n\nHeld back since the last e-mail:\n- 3 more of slow\n- 1 more of failed\n"
        "- 2 over the limit of e-mails in an hour\n"
    )


def test_a_notice_says_that_there_are_too_many_and_names_the_first() -> None:
    decision = Decision(Outcome.NOTICE)
    assert text.subject(ALERT, decision, "api").startswith("[api] too many alerts")
    assert text.body(ALERT, decision, "api", "node-7", NOON).startswith(
        "The first alert that was held back: no registry\n\nNothing answers.\n"
    )


def test_a_text_in_the_log_cannot_pass_for_another_line() -> None:
    forged = "2026-01-01 INFO api: all is well"
    lines = text.paragraph(f"a\n{forged}", f"b\n{forged}\r{forged}\n").splitlines()
    assert not any(line.startswith("2026") for line in lines)
