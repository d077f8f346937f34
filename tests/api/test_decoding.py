import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from api.decoding import MAX_PIXELS, Decoder, Upload
from api.errors import BadImage, Fault, Overdue, TooLarge
from images import MAX_PIXELS as MOST_OF_ALL
from tests.images.files import encoded, noise

FOREVER = 60.0  # seconds; no test waits for as long unless it fails

IMAGE = Upload("body", encoded(noise(20, 30), "PNG"))


def test_the_service_reads_no_larger_images_than_everybody() -> None:
    assert MAX_PIXELS <= MOST_OF_ALL


def test_files_become_images_in_order() -> None:
    shades = [np.full((9, 9, 3), shade, np.uint8) for shade in (1, 2, 3)]
    uploads = [Upload("body", encoded(shade, "PNG")) for shade in shades]
    images = Decoder().decode(uploads, FOREVER)
    assert (images.shape, images.dtype) == ((3, 128, 128, 3), np.uint8)
    assert images[:, 0, 0, 0].tolist() == [1, 2, 3]


def test_the_file_that_is_damaged_is_named_and_none_is_decoded() -> None:
    damaged = Upload("body.images.1", IMAGE.data[:-1])
    with pytest.raises(BadImage) as refused:
        Decoder().decode([IMAGE, damaged], FOREVER)
    (fault,) = refused.value.faults
    assert fault == Fault("body.images.1", "the PNG file is truncated: send or copy it again")


def test_the_pixels_of_a_request_are_counted_together() -> None:
    Decoder(1200).decode([IMAGE, IMAGE], FOREVER)
    with pytest.raises(TooLarge, match="have 1,200 pixels, and 1,199 in all are the most"):
        Decoder(1199).decode([IMAGE, IMAGE], FOREVER)


def test_what_has_no_room_waits_for_its_turn() -> None:
    decoder = Decoder(1000)
    with ThreadPoolExecutor(1) as pool:
        with decoder._room(401, FOREVER):
            waiting = pool.submit(decoder.decode, [IMAGE], FOREVER)
            with pytest.raises(Overdue, match=r"within 0\.01 s"):
                decoder.decode([IMAGE], 0.01)
            assert not waiting.done()
        assert len(waiting.result(FOREVER)) == 1


def test_room_is_given_back_whatever_happens() -> None:
    decoder = Decoder(600)
    broken = bytearray(encoded(noise(20, 30), "PNG"))
    broken[-30] ^= 1
    entered = threading.Barrier(8)

    def attempt(number: int) -> int:
        entered.wait(FOREVER)
        data = bytes(broken) if number % 2 else IMAGE.data
        try:
            return len(decoder.decode([Upload("body", data)], FOREVER))
        except BadImage:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == 4
    assert decoder._left == 600
