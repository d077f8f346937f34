"""Text from elsewhere, made fit to be kept and shown on one line."""


def printable(text: str) -> str:
    """``text`` with a space for each character that a terminal would obey and not show."""
    return "".join(char if char.isprintable() else " " for char in text)


def sentence(text: str, length: int) -> str:
    """``text`` on one line of at most ``length`` characters."""
    line = " ".join(printable(text).split())
    return line if len(line) <= length else f"{line[: length - 3]}..."


def visible(text: str) -> str:
    """``text`` with what would not show, or would turn text around, as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
