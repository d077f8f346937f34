"""``python -m benchmarks.questions MODEL FOLDER``: what to send, and the right answers.

Only held-out images with a clear answer are taken, so that a variant in 8 bits answers alike, and
an answer that differs is a server's mistake.
"""

import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifier.load import load
from images.source import load as load_images
from images.split import split

PER_CLASS = 6
ANSWERS = "answers.json"  # beside the images


def clearest(probabilities: npt.NDArray[np.float32], per_class: int) -> list[int]:
    """The images with the clearest answers, so many of each class, classes in turn.

    Args:
        probabilities: of each class, [N, classes].
        per_class: how many images with the same answer, at most.
    """
    ordered = np.sort(probabilities, axis=1)
    lead = ordered[:, -1] - ordered[:, -2]
    answers = probabilities.argmax(axis=1)
    ranked = [
        np.flatnonzero(answers == label)[np.argsort(-lead[answers == label], kind="stable")]
        for label in range(probabilities.shape[1])
    ]
    turns = range(min(per_class, max(map(len, ranked))))
    return [int(images[turn]) for turn in turns for images in ranked if turn < len(images)]


def main(model: str, folder: str) -> int:
    """Write the images' raw bytes, and the model's answers in the same order."""
    images = split(load_images("digits")).held_out.images
    probabilities = load(Path(model)).predict(images)
    chosen = clearest(probabilities, PER_CLASS)
    for number, index in enumerate(chosen):
        (Path(folder) / f"{number:02}.raw").write_bytes(images[index].tobytes())
    answers = [str(answer) for answer in probabilities[chosen].argmax(axis=1)]
    (Path(folder) / ANSWERS).write_text(json.dumps(answers))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
