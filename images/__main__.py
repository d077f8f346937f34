"""``python -m images FILE``: write an image as the raw bytes that training sees and POST takes."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from images.decode import decode
from images.errors import UnreadableImage
from process.command import run


def main(argv: Sequence[str]) -> int:
    """Decode one file and return 0.

    Raises:
        UnreadableImage: the file cannot be read, or is no image that is decoded here.
    """
    parser = argparse.ArgumentParser(
        prog="python -m images",
        description="Write the 49,152 raw bytes of an image, as POST / takes them, to standard "
        "output.",
    )
    parser.add_argument("file", type=Path, help="a PNG, JPEG, WebP or BMP file")
    file: Path = parser.parse_args(argv).file
    try:
        pixels = decode(file.read_bytes())
    except OSError as error:
        raise UnreadableImage(f"{file}: {error.strerror}") from None
    except UnreadableImage as error:
        raise UnreadableImage(f"{file}: {error}") from None
    sys.stdout.buffer.write(pixels.tobytes())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(run("images", main))
