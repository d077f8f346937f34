"""What makes a model file unfit to be loaded."""

LONGEST = 80  # characters of a hostile value that a sentence repeats


class Finding(Exception):
    """The message says where in the file something was found, what it is, and what is allowed."""


def shown(value: object, longest: int = LONGEST) -> str:
    """``value`` as a sentence may quote it: escaped, on one line, and short."""
    text = ascii(value)
    return text if len(text) <= longest else f"{text[:longest]}..."
