"""Images that a tiny network can tell apart."""

from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"blue": (0, 0, 160), "green": (0, 160, 0), "red": (160, 0, 0)}


def paint(folder: Path, per_class: int, seed: int = 0) -> Path:
    """Noisy squares of each colour, 16 pixels wide, as PNG files in a folder per colour."""
    generator = np.random.default_rng(seed)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for index in range(per_class):
            noise = generator.integers(0, 90, (16, 16, 3))
            pixels = (np.array(colour) + noise).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index:02}.png")
    return folder
