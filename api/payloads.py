"""From the bytes of a request to images, or to a sentence that says what was expected."""

from api.errors import WrongLength, WrongType
from images import NBYTES, Images
from images.decode import from_raw

MAX_BODY = 2**20  # bytes; room for the sentence about a wrong length, and for chunks' own framing

# curl declares the second for any body, and no HTML form can send a request to this service.
RAW_TYPES = ("application/octet-stream", "application/x-www-form-urlencoded")

EXPECTED = (
    f"exactly {NBYTES:,} raw bytes: 128 x 128 pixels, row by row, "
    "one byte each for red, green and blue"
)


def check_type(content_type: str, coding: str = "") -> None:
    """Refuse a body that declares itself as something else than raw bytes.

    Args:
        content_type: the header's value without parameters; empty if it was not sent.
        coding: the Content-Encoding; empty if it was not sent.

    Raises:
        WrongType: as the name says.
    """
    if content_type and content_type.lower() not in RAW_TYPES:
        raise WrongType(
            f"Content-Type is {content_type}, and the body must be {RAW_TYPES[0]}: {EXPECTED}"
        )
    if coding and coding.lower() != "identity":
        raise WrongType(f"Content-Encoding is {coding}, and the body must not be encoded")


def single_image(body: bytes) -> Images:
    """The image of a body that must be exactly one, as uint8[1, 128, 128, 3].

    Raises:
        WrongLength: it is not.
    """
    if len(body) != NBYTES:
        raise WrongLength(
            f"the body must be {EXPECTED}; it has {len(body):,} bytes"
            " (with curl, send a file unchanged with --data-binary @file)"
        )
    return from_raw(body)
