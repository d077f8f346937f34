"""Whether an image file is whole, as far as its container tells.

Decoders make up what is missing: libjpeg fills the rest of a cut file with grey and OpenCV does
not say so. Each format states where it ends, and PNG carries checksums as well; neither JPEG nor
WebP nor BMP does, so a change within their compressed pixels that leaves them decodable cannot
be noticed.
"""

import re
import struct
import zlib
from collections.abc import Callable

from images.errors import UnreadableImage

END_OF_IMAGE = 0xD9
# A marker other than restarts, the stuffed zero byte and fill bytes, which all occur within
# entropy-coded data (ITU-T T.81, B.1.1.2 to B.1.1.5), and the two that no length follows.
MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")


def check(data: bytes) -> None:
    """Check that the data begin as a format that we read, and go on to the end that it declares.

    Raises:
        UnreadableImage: they do not.
    """
    for signature, check_format in _FORMATS.items():
        if re.match(signature, data, re.DOTALL):
            return check_format(data)
    raise UnreadableImage("this is not a PNG, JPEG, WebP or BMP file")


def _check_png(data: bytes) -> None:
    """Every chunk up to IEND is there, and its CRC is right (ISO/IEC 15948, 5.3)."""
    at, kind = 8, b""
    while kind != b"IEND":
        if at + 12 > len(data):
            raise _truncated("PNG")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise _truncated("PNG")
        if zlib.crc32(memoryview(data)[at + 4 : end - 4]) != _unsigned(data, end - 4, ">I"):
            raise UnreadableImage(f"the PNG file is damaged at byte {at:,}: its checksum is wrong")
        at = end


def _check_jpeg(data: bytes) -> None:
    """A walk from segment to segment arrives at the end-of-image marker (ITU-T T.81, B.1).

    To look for the marker alone is not enough, as an embedded thumbnail has one too.
    """
    at = 2
    while marker := MARKER.search(data, at):
        if marker[1][0] == END_OF_IMAGE:
            return
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    raise _truncated("JPEG")


def _check_webp(data: bytes) -> None:
    """The RIFF chunk is as long as it says (RFC 9649, 2.3)."""
    if 8 + _unsigned(data, 4, "<I") > len(data):
        raise _truncated("WebP")


def _check_bmp(data: bytes) -> None:
    """The file is as long as it says, where it says anything."""
    if len(data) < 6 or _unsigned(data, 2, "<I") > len(data):
        raise _truncated("BMP")


def _unsigned(data: bytes, at: int, form: str) -> int:
    return int(struct.unpack_from(form, data, at)[0])


def _truncated(name: str) -> UnreadableImage:
    return UnreadableImage(f"the {name} file is truncated: it ends before the image does")


_FORMATS: dict[bytes, Callable[[bytes], None]] = {
    rb"\x89PNG\r\n\x1a\n": _check_png,
    rb"\xff\xd8\xff": _check_jpeg,
    rb"RIFF....WEBP": _check_webp,
    rb"BM": _check_bmp,
}
