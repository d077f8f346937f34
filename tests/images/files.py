"""Image files of every kind that we read, written by Pillow and OpenCV, and PNG by hand."""

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

ORIENTATION = 0x0112


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> Pixels:
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def smooth(height: int, width: int) -> Pixels:
    """Gradients: what a lossy format keeps nearly as it was."""
    down, across = np.mgrid[0 : 255 : height * 1j, 0 : 255 : width * 1j]
    return np.stack([down, across, np.full_like(down, 90)], axis=-1).astype(np.uint8)


def encoded(image: Pixels | Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        file, form, **options
    )
    return file.getvalue()


def by_opencv(extension: str, bgr: npt.NDArray[Any]) -> bytes:
    return cv2.imencode(extension, bgr)[1].tobytes()


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def chunk(kind: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def png(
    width: int, height: int, rows: bytes, depth: int = 8, colour: int = 2, extra: bytes = b""
) -> bytes:
    """A PNG file of the given filtered rows, with chunks of one's own before them."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            extra,
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


def samples(height: int = 24, width: int = 31) -> dict[str, bytes]:
    """One small file of each kind."""
    rgba = noise(height, width, 4)
    image = Image.fromarray(rgba)
    rgb, grey, palette = image.convert("RGB"), image.convert("L"), image.convert("P")
    exif = oriented(6)
    return {
        "png": encoded(rgb, "PNG"),
        "png-alpha": encoded(image, "PNG"),
        "png-grey": encoded(grey, "PNG"),
        "png-grey-alpha": encoded(image.convert("LA"), "PNG"),
        "png-grey-transparent": encoded(grey, "PNG", transparency=7),
        "png-bits": encoded(image.convert("1"), "PNG"),
        "png-palette": encoded(palette, "PNG"),
        "png-palette-transparent": encoded(palette, "PNG", transparency=3),
        "png-16-bit": by_opencv(".png", rgba[..., :3].astype(np.uint16) * 257),
        "png-16-bit-alpha": by_opencv(".png", rgba.astype(np.uint16) * 257),
        "png-oriented": encoded(rgb, "PNG", exif=exif),
        "png-animated": encoded(rgb, "PNG", save_all=True, append_images=[rgb.rotate(180)]),
        "jpeg": encoded(rgb, "JPEG"),
        "jpeg-grey": encoded(grey, "JPEG"),
        "jpeg-cmyk": encoded(image.convert("CMYK"), "JPEG"),
        "jpeg-progressive": encoded(rgb, "JPEG", progressive=True),
        "jpeg-restarts": encoded(rgb, "JPEG", restart_marker_blocks=1),
        "jpeg-oriented": encoded(rgb, "JPEG", exif=exif),
        "webp": encoded(rgb, "WEBP"),
        "webp-alpha": encoded(image, "WEBP"),
        "webp-lossless": encoded(rgb, "WEBP", lossless=True),
        "webp-lossless-alpha": encoded(image, "WEBP", lossless=True),
        "webp-oriented": encoded(rgb, "WEBP", exif=exif),
        "webp-animated": encoded(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(180)]),
        "bmp": encoded(rgb, "BMP"),
        "bmp-alpha": by_opencv(".bmp", rgba),
        "bmp-grey": encoded(grey, "BMP"),
        "bmp-palette": encoded(palette, "BMP"),
        "bmp-bits": encoded(image.convert("1"), "BMP"),
    }
