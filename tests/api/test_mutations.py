"""Damaged image files, sent by one caller between others: `make fuzz` sends 20,000 of them.

None may end in an error of ours, and no answer may depend on what an earlier caller has sent: a
decoder that leaves pixels unwritten would show what was in its memory before.
"""

import os
import random
import zlib
from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.holder import Holder, Snapshot
from images import Images
from tests.images.files import encoded, samples

FILES = int(os.environ.get("FUZZ_FILES", "2000"))
SAMPLES = {**samples(), **{f"{kind}, 128": data for kind, data in samples(128, 128).items()}}
KINDS = sorted(SAMPLES)


class Checksum:
    """A classifier whose answer tells all pixels of an image apart."""

    device = "CPU"

    def predict(self, images: Images) -> npt.NDArray[np.float32]:
        answers = np.zeros((len(images), 256), np.float32)
        for answer, image in zip(answers, images, strict=True):
            checksum = zlib.crc32(image.tobytes())
            answer[checksum % 256] = 0.5 + (checksum >> 8) / 2**25
        return answers


@pytest.fixture
def client(app: Flask, holder: Holder, snapshot: Snapshot) -> FlaskClient:
    holder.swap(replace(snapshot, classifier=Checksum()))  # type: ignore[arg-type]
    return app.test_client()


def mutated(data: bytes, chance: random.Random) -> bytes:
    """``data`` with some bytes changed, removed, added, or cut off; mostly near its beginning."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 8])):
        at = chance.randrange(chance.choice([len(changed), min(len(changed), 120)]) or 1)
        kind = chance.random()
        if kind < 0.65:
            changed[at : at + 1] = chance.randbytes(1)
        elif kind < 0.8:
            del changed[at : at + chance.randrange(1, 20)]
        elif kind < 0.95:
            changed[at:at] = chance.randbytes(chance.randrange(1, 20))
        else:
            del changed[at:]
    return bytes(changed)


def post(client: FlaskClient, data: bytes) -> tuple[int, object]:
    answer = client.post("/predict", data=data, content_type="image/png")
    assert answer.json
    return answer.status_code, answer.json.get("data")


def answer_after(client: FlaskClient, level: int, data: bytes) -> tuple[int, object]:
    """The answer to ``data`` after that to another caller, whose image is of one level of grey."""
    assert post(client, EARLIER[level])[0] == 200
    leave(level)
    return post(client, data)


LEVELS = (0x11, 0xEE)
EARLIER = {level: encoded(np.full((24, 31, 3), level, np.uint8), "PNG") for level in LEVELS}
SIZES = sorted({side * channels for side in (24 * 31, 128 * 128) for channels in (1, 3, 4, 6, 8)})


def leave(level: int) -> None:
    """Fill and free memory of the sizes that decoders take, as earlier images do."""
    for size in SIZES:
        blocks = [np.full(size, level, np.uint8) for _ in range(4)]
        del blocks


def test_freed_memory_is_what_a_decoder_gets() -> None:
    """Else the test below would see nothing."""
    found = Counter[int]()
    for level in LEVELS:
        leave(level)
        found[level] = int((np.empty(128 * 128 * 3, np.uint8) == level).sum())
    assert min(found.values()) > 128 * 128


@pytest.mark.timeout(3600)
def test_damaged_files_are_answered_or_refused_and_show_no_other_image(
    client: FlaskClient,
) -> None:
    found = Counter[int]()
    for number in range(FILES):
        chance = random.Random(number)
        data = mutated(SAMPLES[chance.choice(KINDS)], chance)
        after_dark, after_light = (answer_after(client, level, data) for level in LEVELS)
        assert after_dark == after_light, number
        found[after_dark[0]] += 1
    assert set(found) <= {200, 400, 413}, found
    assert min(found[200], found[400]) > FILES // 20, found
    whole = encoded(np.zeros((9, 9, 3), np.uint8), "PNG")
    assert post(client, whole)[0] == 200
