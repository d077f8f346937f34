"""Every kind of file gives the pixels that its author meant, upright, on white, at 128x128."""

import hashlib
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageOps

from images import SHAPE
from images.decode import decode, resize
from tests.images import files
from tests.images.files import Pixels, by_opencv, encoded, noise, oriented, png, smooth

SAMPLES = files.samples()
LOSSLESS = {"PNG": {}, "BMP": {}, "WEBP": {"lossless": True}}


def on_white(rgba: Pixels) -> Pixels:
    alpha = rgba[..., 3:] / 255
    return np.rint(rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def farthest(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_kind_of_file_is_read(kind: str) -> None:
    pixels = decode(SAMPLES[kind])
    assert (pixels.shape, pixels.dtype) == (SHAPE, np.uint8)


@pytest.mark.parametrize("form", LOSSLESS)
def test_an_image_of_the_right_size_keeps_every_pixel(form: str) -> None:
    rgb = noise(128, 128)
    assert np.array_equal(decode(encoded(rgb, form, **LOSSLESS[form])), rgb)


@pytest.mark.parametrize("form", ["PNG", "BMP"])
def test_grey_is_the_same_in_every_channel(form: str) -> None:
    grey = noise(128, 128)[..., 0]
    assert np.array_equal(decode(encoded(grey, form)), np.dstack([grey] * 3))


@pytest.mark.parametrize("form", ["PNG", "BMP"])
def test_a_palette_is_looked_up(form: str) -> None:
    image = Image.fromarray(noise(128, 128)).quantize(17)
    assert np.array_equal(decode(encoded(image, form)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_alpha_shows_white(form: str) -> None:
    rgba = noise(128, 128, 4)
    exact = {"lossless": True, "exact": True} if form == "WEBP" else {}
    assert farthest(decode(encoded(rgba, form, **exact)), on_white(rgba)) == 0


def test_alpha_of_a_bmp_shows_white() -> None:
    rgba = noise(128, 128, 4)
    assert np.array_equal(decode(by_opencv(".bmp", rgba[..., [2, 1, 0, 3]])), on_white(rgba))


def test_grey_with_alpha_shows_white() -> None:
    image = Image.fromarray(noise(128, 128, 4)).convert("LA")
    assert np.array_equal(
        decode(encoded(image, "PNG")), on_white(np.asarray(image.convert("RGBA")))
    )


@pytest.mark.parametrize("level", [0, 3, bytes(range(0, 255, 15))])
def test_transparent_palette_entries_show_white(level: int | bytes) -> None:
    image = Image.fromarray(noise(128, 128)).quantize(17)
    data = encoded(image, "PNG", transparency=level)
    with Image.open(files.io.BytesIO(data)) as whole:
        assert np.array_equal(decode(data), on_white(np.asarray(whole.convert("RGBA"))))


def test_a_transparent_colour_shows_white() -> None:
    rgb = noise(128, 128)
    data = encoded(rgb, "PNG", transparency=tuple(rgb[5, 7].tolist()))
    rgb[(rgb == rgb[5, 7]).all(axis=-1)] = 255
    assert np.array_equal(decode(data), rgb)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_transparent_grey_shows_white(depth: int) -> None:
    levels = np.random.default_rng(depth).integers(0, 2**depth, (128, 128), dtype=np.uint16)
    clear = int(levels[3, 3])
    bits = np.unpackbits(levels.astype(">u2").view(np.uint8).reshape(128, 128, 2), axis=-1)
    packed = np.packbits(bits[..., 16 - depth :].reshape(128, -1), axis=-1)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)
    data = png(128, 128, rows, depth, 0, files.chunk(b"tRNS", struct.pack(">H", clear)))
    grey = np.rint(levels * (255 / (2**depth - 1))).astype(np.uint8)
    grey[levels == clear] = 255
    assert np.array_equal(decode(data), np.dstack([grey] * 3))


def test_16_bits_are_scaled_to_8() -> None:
    deep = np.random.default_rng(0).integers(0, 1 << 16, (128, 128, 3), dtype=np.uint16)
    expected = np.rint(deep / 257).astype(np.uint8)
    assert np.array_equal(decode(by_opencv(".png", deep[..., ::-1])), expected)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}])
def test_jpeg_is_nearly_what_it_was(options: dict[str, bool]) -> None:
    rgb = smooth(128, 128)
    assert farthest(decode(encoded(rgb, "JPEG", quality=95, **options)), rgb) <= 4


def test_webp_is_nearly_what_it_was() -> None:
    rgb = smooth(128, 128)
    assert farthest(decode(encoded(rgb, "WEBP", quality=95)), rgb) <= 8


def test_grey_jpeg_is_nearly_what_it_was() -> None:
    grey = smooth(128, 128)[..., 0]
    assert farthest(decode(encoded(grey, "JPEG", quality=95)), np.dstack([grey] * 3)) <= 4


def test_cmyk_jpeg_is_nearly_what_it_was() -> None:
    rgb = smooth(128, 128)
    cmyk = Image.fromarray(rgb).convert("CMYK")
    assert farthest(decode(encoded(cmyk, "JPEG", quality=95)), rgb) <= 4


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("channels", [3, 4])
def test_every_orientation_is_set_upright(form: str, orientation: int, channels: int) -> None:
    image = Image.fromarray(noise(128, 128, channels))
    exact = {"lossless": True, "exact": True} if form == "WEBP" else {}
    data = encoded(image, form, exif=oriented(orientation), **exact)
    image.getexif()[files.ORIENTATION] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(decode(data), on_white(upright) if channels == 4 else upright)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_orientation_of_a_jpeg_is_set_upright(orientation: int, mode: str) -> None:
    image = Image.fromarray(smooth(128, 128)).convert(mode)
    data = encoded(image, "JPEG", quality=95, exif=oriented(orientation))
    image.getexif()[files.ORIENTATION] = orientation
    upright = ImageOps.exif_transpose(image).convert("RGB")
    assert farthest(decode(data), np.asarray(upright)) <= 4


def test_an_image_is_turned_before_it_is_resized() -> None:
    # Left half black and right half white; turned clockwise, the upper half is black.
    data = encoded(np.repeat([[0, 255]], 20, axis=1).repeat(10, axis=0).astype(np.uint8), "PNG")
    turned = encoded(Image.open(files.io.BytesIO(data)), "PNG", exif=oriented(6))
    assert decode(turned)[0].max() == 0
    assert decode(turned)[-1].min() == 255


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_the_first_frame_of_an_animation_counts(form: str) -> None:
    first, second = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    data = encoded(first, form, save_all=True, append_images=[second], lossless=True)
    assert np.array_equal(decode(data), np.full(SHAPE, (255, 0, 0)))


@given(size=st.tuples(*[st.integers(1, 400)] * 2), colour=st.tuples(*[st.integers(0, 255)] * 3))
def test_one_colour_stays_that_colour_at_any_size(
    size: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    assert np.array_equal(resize(np.full((*size, 3), colour, np.uint8)), np.full(SHAPE, colour))


def test_shrinking_averages_over_the_area() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[::4] = 200
    assert np.array_equal(resize(stripes), np.full(SHAPE, 50))


def test_what_is_too_wide_and_too_low_shrinks_one_way_and_grows_the_other() -> None:
    stripes = np.zeros((2, 512, 3), np.uint8)
    stripes[:, ::4] = 200
    assert np.array_equal(resize(stripes), np.full(SHAPE, 50))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=128)))
def test_growing_stays_between_the_darkest_and_the_lightest(grey: Pixels) -> None:
    grown = resize(np.dstack([grey] * 3))
    assert grey.min() <= grown.min()
    assert grown.max() <= grey.max()


def digest_of_resized() -> str:
    sizes = [(8, 8), (127, 129), (300, 77), (256, 256), (384, 500), (641, 480)]
    resized = [resize(noise(*size, seed=size[0])).tobytes() for size in sizes]
    return hashlib.sha256(b"".join(resized)).hexdigest()


@pytest.mark.parametrize(
    "processor",
    [{"OPENCV_CPU_DISABLE": "AVX512-SKX,AVX2,AVX,FP16,SSE4.2,SSE4.1"}, {"OPENCV_IPP": "disabled"}],
    ids=["without vector instructions", "without IPP"],
)
def test_another_processor_gives_the_same_pixels(processor: dict[str, str]) -> None:
    program = "from tests.images.test_decode import *; print(digest_of_resized())"
    other = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | processor,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=True,
    )
    assert other.stdout.decode().strip() == digest_of_resized()
