"""Markdown in which text from elsewhere stays text, and its rendering as HTML.

Class names, reasons and paths may hold anything. Here they are written so that neither CommonMark
(https://spec.commonmark.org/0.31.2/) nor GitHub's extensions of it see more than characters in
them, wherever on a line they stand.
"""

import re
import unicodedata

from markdown_it import MarkdownIt

from registry.sentence import visible

# What opens emphasis, code, links, tags, entities, formulas, and the cells of a table; and what
# makes an address of text where addresses are turned into links.
_SYNTAX = re.compile(r"[\\`*_\[\]<>#|&~$]|:(?=[^\s\d])|(?<=www)\.", re.IGNORECASE)
_LIST = re.compile(
    r"^(?:[-+=](?!\d)|\d+(?=[.)](?:\s|$)))"
)  # what makes a line a list, or a heading
_EDGES = re.compile(r"^ +| +$")  # spaces that Markdown would drop, or take for code
_RIGHT_TO_LEFT = {"R", "AL", "AN"}
_ISOLATE, _END = (
    "\u2068",
    "\u2069",
)  # https://www.unicode.org/reports/tr9/#Explicit_Directional_Isolates


class Verbatim(str):
    """Text that is Markdown already."""

    __slots__ = ()


def escape(value: object) -> str:
    """``value`` as text on one line that Markdown shows as it is.

    Characters that do not show, or turn text around, come as Python's escapes of them.
    """
    if isinstance(value, Verbatim):
        return value
    text = visible(str(value))
    marked = _SYNTAX.sub(lambda match: f"\\{match[0]}", text)
    marked = _LIST.sub(_marker, marked)
    marked = _EDGES.sub(lambda match: "&#32;" * len(match[0]), marked)
    return f"{_ISOLATE}{marked}{_END}" if _turns(text) else marked


def code(value: str) -> str:
    """``value`` as a code span, if it is of letters, digits, dots and dashes alone."""
    return Verbatim(f"`{value}`") if re.fullmatch(r"[\w.-]+", value, re.ASCII) else escape(value)


def html(markdown: str) -> str:
    """The HTML of a Markdown document; HTML in the document is text like any other."""
    return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown))


def _marker(match: re.Match[str]) -> str:
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def _turns(text: str) -> bool:
    """Whether it holds letters that are written from right to left, and so move what is beside."""
    return any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text)
