"""What an image file says of itself, read before any of its pixels are decoded.

OpenCV alone would be too late or too generous: it allocates whatever canvas an animated WebP
declares, lets libpng write of a cut file to standard error, and reads many more formats than we
answer for. So what is not in one of our formats, is too large, or stops before the end that its
format prescribes is refused here.

PNG alone has checksums. A change within the compressed pixels of the other formats that leaves
them decodable cannot be noticed.

OpenCV has limits of its own, which stay as a second line behind these. It takes them from the
environment when it is loaded, so the package imports this module before any that loads it.
"""

import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import TypeAlias

from images.errors import UnreadableImage

MAX_PIXELS = 1 << 26
MAX_SIDE = 1 << 16  # pixels; no JPEG has more
# Every scan of a progressive JPEG goes over all pixels again, for as little as ten bytes of file;
# encoders write about ten of them. libjpeg-turbo leaves the limit to its callers.
MAX_SCANS = 64

for _name, _most in (("PIXELS", MAX_PIXELS), ("WIDTH", MAX_SIDE), ("HEIGHT", MAX_SIDE)):
    os.environ[f"OPENCV_IO_MAX_IMAGE_{_name}"] = str(_most)

# The PNG colour type of grey without an alpha channel.
GREY = 0

Size: TypeAlias = tuple[int, int]

# A JPEG marker that a length follows, or the end of the image. Not the restarts, stuffed zeros
# and fill bytes that occur within compressed data (ITU-T T.81, B.1.1.2 to B.1.1.5).
MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")
END_OF_IMAGE = 0xD9
START_OF_SCAN = 0xDA
START_OF_FRAME = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def check(data: bytes) -> None:
    """Check that the data are a whole file in a format that we read, of a size that we read.

    Raises:
        UnreadableImage: they are not.
    """
    width, height = declared_size(data)
    if width * height > MAX_PIXELS:
        raise UnreadableImage(
            f"the image has {width:,} x {height:,} pixels, and {MAX_PIXELS:,} in all are the most "
            "that is read: make it smaller"
        )
    if max(width, height) > MAX_SIDE:
        raise UnreadableImage(
            f"the image has {width:,} x {height:,} pixels, and {MAX_SIDE:,} are the most that is "
            "read of either: make it smaller"
        )


def declared_size(data: bytes) -> Size:
    """The width and height that a whole file declares, as stored, before any orientation.

    Raises:
        UnreadableImage: the data are in none of our formats, or stop before the end of the file.
    """
    for signature, name, size in _FORMATS:
        if signature.match(data):
            try:
                return size(data)
            except (EOFError, struct.error):
                raise UnreadableImage(
                    f"the {name} file is truncated: send or copy it again"
                ) from None
    raise UnreadableImage("this is not a PNG, JPEG, WebP or BMP file")


def transparent_grey(data: bytes) -> int | None:
    """The level that a grey PNG file without an alpha channel has for transparent, if any.

    Returns:
        The level as decoded: of 16 bits if the file has 16, else of 8.
    """
    if not data.startswith(b"\x89PNG"):
        return None
    depth, colour_type = data[24:26]
    if colour_type != GREY:
        return None
    level = dict(_chunks(data)).get(b"tRNS")
    if level is None:
        return None
    brightest: int = 2**depth - 1
    return (int.from_bytes(level) & brightest) * (1 if depth == 16 else 255 // brightest)


def _png_size(data: bytes) -> Size:
    for _ in _chunks(data):
        pass
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk's type and content, the CRC checked, up to IEND (ISO/IEC 15948, 5.3)."""
    at, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        chunk = memoryview(data)[at + 4 : at + 8 + length]
        if zlib.crc32(chunk) != crc:
            raise UnreadableImage(
                f"the PNG file is damaged between bytes {at:,} and {at + length:,}"
            )
        yield kind, chunk[4:]
        at += 12 + length


def _jpeg_size(data: bytes) -> Size:
    segments = list(_segments(data))
    if sum(code == START_OF_SCAN for code, _ in segments) > MAX_SCANS:
        raise UnreadableImage(f"the JPEG file has more than {MAX_SCANS} scans: save it again")
    for code, at in segments:
        if code in START_OF_FRAME:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return width, height
    raise UnreadableImage("the JPEG file has no image in it")


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Each segment's marker and where its length stands, up to the end of the image.

    To look for the last marker alone would not do, as an embedded thumbnail has one of its own.
    """
    at = 2
    while marker := MARKER.search(data, at):
        code, at = marker[1][0], marker.end()
        if code == END_OF_IMAGE:
            return
        yield code, at
        at += int.from_bytes(data[at : at + 2])
    raise EOFError


def _webp_size(data: bytes) -> Size:
    """The size of the canvas or else of the one image (RFC 9649, 2.5 to 2.7 and 3.4)."""
    (length,) = struct.unpack_from("<I", data, 4)
    if 8 + length > len(data):
        raise EOFError
    if data[15:16] == b"X":
        width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return width + 1, height + 1
    if data[15:16] == b"L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _bmp_size(data: bytes) -> Size:
    """The size by either kind of header; a negative height stands for rows from the top."""
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    return width, abs(height)


_FORMATS: list[tuple[re.Pattern[bytes], str, Callable[[bytes], Size]]] = [
    (re.compile(rb"\x89PNG\r\n\x1a\n....IHDR", re.DOTALL), "PNG", _png_size),
    (re.compile(rb"\xff\xd8\xff"), "JPEG", _jpeg_size),
    (re.compile(rb"RIFF....WEBPVP8[ LX]", re.DOTALL), "WebP", _webp_size),
    (re.compile(rb"BM"), "BMP", _bmp_size),
]
