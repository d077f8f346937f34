from hypothesis import given
from hypothesis import strategies as st

from registry.sentence import printable, sentence


@given(st.text())
def test_a_sentence_is_one_short_line_that_any_encoding_of_unicode_holds(text: str) -> None:
    line = sentence(text, 20)
    assert len(line) <= 20
    assert line.splitlines() in ([], [line])
    assert line.encode().decode() == line
    assert sentence(line, 20) == line


def test_a_terminal_is_given_no_orders() -> None:
    assert printable("a\x1b[31mb\x07\u202ec") == "a [31mb  c"
    assert printable("é ☂ 漢") == "é ☂ 漢"
    assert sentence("too long a sentence", 8) == "too l..."
