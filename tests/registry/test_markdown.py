"""Text from elsewhere in Markdown: read again by a parser, it is the text that it was."""

import re

import pytest
from hypothesis import example, given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from registry.markdown import Verbatim, code, escape, html
from registry.sentence import visible
from tests.registry.hostile_text import HOSTILE, hostile_text

# With HTML, as careless programs have it: what is not escaped would show.
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ISOLATES = {ord("\u2068"): None, ord("\u2069"): None}


def shown(tokens: list[Token]) -> str:
    """The text of inline tokens; anything but text fails."""
    assert {token.type for token in tokens} <= {"text", "text_special", "softbreak"}
    return "".join(token.content or "\n" for token in tokens).translate(ISOLATES)


def inline(markdown: str) -> list[list[Token]]:
    return [token.children or [] for token in PARSER.parse(markdown) if token.type == "inline"]


def types(markdown: str) -> list[str]:
    return [token.type for token in PARSER.parse(markdown)]


@given(hostile_text)
@example("www.example.com")
@example("https://example.com/?a=b&c=d")
def test_text_stays_text_wherever_on_a_line_it_stands(text: str) -> None:
    for before in ("", "- ", "> ", "1. ", "word ", "# ", "(", "paragraph\n"):
        document = f"{before}{escape(text)}"
        assert types(document) == types(f"{before}x")
        assert shown(inline(document)[-1]) == before.lstrip("-> 1.#") + visible(text)


@given(hostile_text, hostile_text)
def test_a_cell_of_a_table_stays_one_cell(first: str, second: str) -> None:
    document = f"| a | b |\n| --- | --- |\n| {escape(first)} | {escape(second)} |\n"
    cells = inline(document)
    assert types(document) == types("| a | b |\n| --- | --- |\n| x | x |\n")
    assert [shown(cell) for cell in cells[2:]] == [visible(first), visible(second)]


@given(hostile_text)
def test_html_holds_no_tag_but_the_paragraph(text: str) -> None:
    page = html(f"a {escape(text)} b")
    assert page.count("<") == 2
    assert "\u202e" not in page
    assert page.startswith("<p>a ")


@pytest.mark.parametrize("text", HOSTILE)
def test_addresses_are_not_written_as_what_github_makes_links_of(text: str) -> None:
    assert not re.search(r"(?<!\\)://|www\.", escape(text), re.IGNORECASE)


def test_right_to_left_text_moves_nothing_beside_it() -> None:
    assert escape("عربي") == "\u2068عربي\u2069"
    assert escape("é ☂ 漢") == "é ☂ 漢"


def test_only_plain_names_are_code() -> None:
    assert code("abc-1.0_x") == "`abc-1.0_x`"
    assert isinstance(code("abc"), Verbatim)
    assert code("a`b") == r"a\`b"
    assert escape(code("abc")) == "`abc`"
    assert escape(Verbatim("*a*")[:]) == r"\*a\*"  # what is made of it is not it
