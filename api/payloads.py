"""From the bytes of a request to images, or to a sentence that says what was expected.

What is an image file is left to :mod:`api.decoding`.
"""

from api.errors import TooLarge, WrongLength, WrongType
from images import NBYTES, Images
from images.raw import from_raw

MAX_BODY = 2**23  # bytes
MAX_SINGLE = 2**20  # bytes of POST /: room for the sentence about a wrong length
MAX_IMAGES = 64

# curl declares the second for any body, and no HTML form can send a request to this service.
RAW_TYPES = ("application/octet-stream", "application/x-www-form-urlencoded")

PIXELS = "128 x 128 pixels, row by row, one byte each for red, green and blue"
EXPECTED = f"exactly {NBYTES:,} raw bytes: {PIXELS}"
EXPECTED_EACH = f"{NBYTES:,} raw bytes for each image: {PIXELS}"
UNCHANGED = "(with curl, send a file unchanged with --data-binary @file)"


def check_type(content_type: str, coding: str = "") -> None:
    """Refuse a body that declares itself as something else than raw bytes.

    Args:
        content_type: the header's value without parameters; empty if it was not sent.
        coding: the Content-Encoding; empty if it was not sent.

    Raises:
        WrongType: as the name says.
    """
    if not is_raw(content_type):
        raise WrongType(
            f"Content-Type is {content_type}, and the body must be {RAW_TYPES[0]}: {EXPECTED}"
        )
    check_coding(coding)


def is_raw(content_type: str) -> bool:
    """Whether a body of this type is taken for raw bytes."""
    return not content_type or content_type.lower() in RAW_TYPES


def check_coding(coding: str) -> None:
    """Refuse a body that is compressed; arguments and errors are those of :func:`check_type`."""
    if coding and coding.lower() != "identity":
        raise WrongType(f"Content-Encoding is {coding}, and the body must not be encoded")


def single_image(body: bytes) -> Images:
    """The image of a body that must be exactly one, as uint8[1, 128, 128, 3].

    Raises:
        WrongLength: it is not.
    """
    if len(body) != NBYTES:
        raise WrongLength(f"the body must be {EXPECTED}; it has {len(body):,} bytes {UNCHANGED}")
    return from_raw(body)


def raw_batch(body: bytes) -> Images:
    """The images of a body that must be one or more, as uint8[N, 128, 128, 3].

    Raises:
        WrongLength: it is no whole number of images.
        TooLarge: it is too many.
    """
    if not body or len(body) % NBYTES:
        raise WrongLength(
            f"the body must be {EXPECTED_EACH}; it has {len(body):,} bytes {UNCHANGED}; "
            "an image file needs its own Content-Type, as image/png"
        )
    check_count(len(body) // NBYTES)
    return from_raw(body)


def check_count(images: int) -> None:
    """Refuse more images than one request may have.

    Raises:
        TooLarge: as the name says.
    """
    if images > MAX_IMAGES:
        raise TooLarge(f"these are {images:,} images: send at most {MAX_IMAGES} in one request")
