"""Bodies that were compressed (RFC 9110, 8.4.1), within the size that others may have too."""

import zlib

from api.errors import Fault, Invalid, TooLarge, WrongType
from api.payloads import MAX_BODY

# What zlib calls each, whose largest window it is.
WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def decoded(body: bytes, coding: str) -> bytes:
    """The body as it was before it was compressed.

    Args:
        body: as it was sent.
        coding: the Content-Encoding; empty if it was not sent.

    Raises:
        WrongType: the coding is none that we know.
        Invalid: the body is not in this coding, truncated, or followed by something else.
        TooLarge: it is larger than a body may be.
    """
    if not coding or coding.lower() == "identity":
        return body
    if coding.lower() not in WINDOWS:
        known = ", ".join(WINDOWS)
        raise WrongType(f"Content-Encoding is {coding}, and must be one of {known}, or none")
    stream = zlib.decompressobj(WINDOWS[coding.lower()])
    try:
        content = stream.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise Invalid(Fault("body", f"this is no {coding}")) from None
    if len(content) > MAX_BODY:
        raise TooLarge(f"the body is larger than {MAX_BODY:,} bytes before it is compressed")
    if not stream.eof or stream.unused_data:
        raise Invalid(Fault("body", f"this is not exactly one whole {coding} stream"))
    return content
