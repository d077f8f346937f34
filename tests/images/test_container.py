"""What is not a whole image of ours is refused in a sentence, and nothing else ever happens."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from images.container import MAX_PIXELS, MAX_SCANS, MAX_SIDE, declared_size
from images.decode import decode
from images.errors import UnreadableImage
from tests.images.files import by_opencv, chunk, encoded, noise, png, samples, smooth

SAMPLES = samples()
PNGS = sorted(kind for kind in SAMPLES if kind.startswith("png"))
TOO_LARGE = "x 60,000 pixels"


def patched(data: bytes, at: int, form: str, *values: Any) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_cut_anywhere_is_refused_without_a_word_on_standard_error(
    kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data = SAMPLES[kind]
    for length in range(len(data)):
        with pytest.raises(UnreadableImage):
            decode(data[:length])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_the_refusal_says_that_a_file_is_truncated(form: str) -> None:
    with pytest.raises(UnreadableImage, match="is truncated"):
        decode(encoded(noise(9, 9), form)[:-1])


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_image() -> None:
    exif = b"Exif\0\0" + encoded(noise(9, 9), "JPEG")
    data = encoded(smooth(64, 64), "JPEG", exif=exif)
    assert data.index(b"\xff\xd9") < len(data) // 2
    for length in range(data.index(b"\xff\xd9") + 2, len(data)):
        with pytest.raises(UnreadableImage, match="is truncated"):
            decode(data[:length])


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_follows_the_end_of_an_image_is_ignored(kind: str) -> None:
    assert np.array_equal(decode(SAMPLES[kind] + b"\xff\xd9trailer"), decode(SAMPLES[kind]))


@given(kind=st.sampled_from(PNGS), at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_changed_bit_of_a_png_is_noticed(kind: str, at: float, bit: int) -> None:
    changed = bytearray(SAMPLES[kind])
    changed[int(at * len(changed))] ^= 1 << bit
    with pytest.raises(UnreadableImage):
        decode(bytes(changed))


@settings(max_examples=600)
@given(
    kind=st.sampled_from(sorted(SAMPLES)),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8
    ),
)
def test_a_changed_file_is_read_or_refused(kind: str, changes: list[tuple[float, int]]) -> None:
    changed = bytearray(SAMPLES[kind])
    for at, value in changes:
        changed[int(at * len(changed))] = value
    read_or_refuse(bytes(changed))


@settings(max_examples=300)
@given(kind=st.sampled_from(sorted(SAMPLES)), head=st.integers(0, 80), rest=st.binary())
def test_a_header_before_anything_is_read_or_refused(kind: str, head: int, rest: bytes) -> None:
    read_or_refuse(SAMPLES[kind][:head] + rest)


@given(st.binary(max_size=200))
@example(b"")
@example(b"BM")
@example(b"\xff\xd8\xff\xd9")
@example(b"RIFF\0\0\0\0WEBPVP8X")
@example(b"RIFF\0\0\0\0WEBPVP8L")
@example(b"RIFF\0\0\0\0WEBPVP8 ")
@example(b"\x89PNG\r\n\x1a\n\0\0\0\0IHDR")
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_or_refuse(data)


def read_or_refuse(data: bytes) -> None:
    try:
        pixels = decode(data)
    except UnreadableImage:
        pass
    else:
        assert (pixels.shape, pixels.dtype) == ((128, 128, 3), np.uint8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        bytes(49152),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"RIFF\x24\0\0\0WAVEfmt ",
        encoded(noise(9, 9), "GIF"),
        encoded(noise(9, 9), "TIFF"),
        encoded(noise(9, 9), "JPEG2000"),
        by_opencv(".ppm", noise(9, 9)),
    ],
)
def test_other_formats_are_refused_by_name_of_ours(data: bytes) -> None:
    with pytest.raises(UnreadableImage, match="not a PNG, JPEG, WebP or BMP file"):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [
        png(60000, 60000, b""),
        patched(SAMPLES["bmp"], 18, "<ii", 60000, 60000),
        patched(SAMPLES["bmp"], 18, "<ii", 60000, -60000),
        patched(SAMPLES["jpeg"], SAMPLES["jpeg"].index(b"\xff\xc0") + 5, ">HH", 60000, 60000),
        patched(SAMPLES["webp-animated"], 24, "<HBHB", 59999, 0, 59999, 0),
    ],
    ids=["png", "bmp", "bmp-upside-down", "jpeg", "webp-canvas"],
)
def test_an_image_that_declares_too_many_pixels_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImage, match=f"60,000 {TOO_LARGE}"):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [
        patched(SAMPLES["webp"], 26, "<HH", 16383, 16383),
        patched(SAMPLES["webp-lossless"], 21, "<I", 16382 | 16382 << 14),
    ],
    ids=["lossy", "lossless"],
)
def test_a_plain_webp_that_declares_too_many_pixels_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImage, match="16,383 x 16,383 pixels"):
        decode(data)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (17, 16384)])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP"])
def test_the_declared_size_is_understood(size: tuple[int, int], form: str) -> None:
    assert declared_size(encoded(Image.new("RGB", size), form)) == size


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (17, 16383)])
def test_the_declared_size_of_a_webp_is_understood(
    size: tuple[int, int], lossless: bool, mode: str
) -> None:
    assert declared_size(encoded(Image.new(mode, size), "WEBP", lossless=lossless)) == size


def test_a_large_photograph_is_read() -> None:
    height, width = 6000, 8000
    assert height * width <= MAX_PIXELS
    photograph = by_opencv(".jpg", np.full((height, width), 77, np.uint8))
    assert np.array_equal(decode(photograph), np.full((128, 128, 3), 77))


def test_a_jpeg_with_countless_scans_is_refused() -> None:
    data = encoded(smooth(64, 64), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    with pytest.raises(UnreadableImage, match=f"more than {MAX_SCANS} scans"):
        decode(data[:-2] + MAX_SCANS * scan + b"\xff\xd9")


def test_a_jpeg_without_a_frame_is_refused() -> None:
    with pytest.raises(UnreadableImage, match="no image in it"):
        decode(b"\xff\xd8\xff\xe0\0\4ab\xff\xd9")


@pytest.mark.parametrize(
    "rows",
    [b"", b"\0" + bytes(29), (b"\0" + bytes(30)) * 9, (b"\x09" + bytes(30)) * 10],
    ids=["none", "a part of one", "all but one", "unknown filter"],
)
def test_a_png_with_right_checksums_and_wrong_rows_is_refused(rows: bytes) -> None:
    with pytest.raises(UnreadableImage, match="cannot be decoded"):
        decode(png(10, 10, rows))


def test_a_png_that_begins_with_another_chunk_is_refused() -> None:
    data = png(10, 10, (b"\0" + bytes(30)) * 10)
    with pytest.raises(UnreadableImage):
        decode(data[:8] + chunk(b"tEXt", b"a\0b") + data[8:])


@pytest.mark.parametrize("content", [b"", b"\0", bytes(5)])
def test_a_malformed_transparent_grey_is_no_obstacle(content: bytes) -> None:
    read_or_refuse(png(4, 4, (b"\0" + bytes(4)) * 4, 8, 0, chunk(b"tRNS", content)))


def test_a_compressed_bomb_of_text_is_read_or_refused() -> None:
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000)))
    read_or_refuse(png(4, 4, (b"\0" + bytes(12)) * 4, extra=text))


def run_length_encoded(rows: bytes) -> bytes:
    """A BMP file of 10x10 pixels with 8-bit run-length encoding, which neither library writes."""
    header = struct.pack("<IiiHHIIiiII", 40, 10, 10, 1, 8, 1, len(rows), 0, 0, 256, 0)
    palette = b"".join(bytes([level, level, level, 0]) for level in range(256))
    start = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start) + header + palette + rows


def test_a_run_length_encoded_bmp_is_read_whole_or_refused() -> None:
    data = run_length_encoded(b"\x0a\x4d\0\0" * 10 + b"\0\1")
    assert np.array_equal(decode(data), np.full((128, 128, 3), 0x4D))
    for length in range(len(data) - 4):
        with pytest.raises(UnreadableImage):
            decode(data[:length])


@pytest.mark.parametrize(("width", "height"), [(MAX_SIDE + 1, 1), (1, MAX_SIDE + 1)])
def test_an_image_that_is_too_long_is_refused(width: int, height: int) -> None:
    rows = (b"\0" + bytes(3 * width)) * height
    with pytest.raises(UnreadableImage, match="65,536 are the most that is read of either"):
        decode(png(width, height, rows))


IN_OPENCV = """
import images, cv2, numpy, sys
try:
    found = cv2.imdecode(numpy.frombuffer(sys.stdin.buffer.read(), numpy.uint8), cv2.IMREAD_COLOR)
except cv2.error:
    found = None
sys.exit(found is not None)
"""


@pytest.mark.parametrize(
    ("width", "height", "read"),
    [
        (MAX_SIDE + 1, 1, False),
        (1, MAX_SIDE + 1, False),
        (MAX_PIXELS // 4096, 4097, False),
        (MAX_SIDE, 1, True),
    ],
)
def test_opencv_by_itself_has_the_same_limits(width: int, height: int, read: bool) -> None:
    """It takes them when it is loaded, so this needs a process of its own."""
    data = png(width, height, (b"\0" + bytes(width)) * height, colour=0)
    root = Path(__file__).parent.parent.parent
    ended = subprocess.run(
        [sys.executable, "-c", IN_OPENCV], cwd=root, input=data, capture_output=True, check=False
    )
    assert ended.returncode == int(read), ended.stderr
