import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.visit import UNREADABLE
from benchmarks.wire import INFERENCE_PROTOCOL, JSON_LISTS, RAW, Wire

ANSWERS = [
    (RAW, b'{"message": "7"}'),
    (JSON_LISTS, b"[7]"),
    (INFERENCE_PROTOCOL, b'{"outputs": [{"name": "index", "data": [7]}]}'),
]


@pytest.mark.parametrize(("wire", "answer"), ANSWERS)
def test_an_answer_is_the_index_as_text(wire: Wire, answer: bytes) -> None:
    assert wire.decode(answer) == "7"


@pytest.mark.parametrize("wire", [wire for wire, _ in ANSWERS])
@pytest.mark.parametrize("answer", [b"", b"{", b"{}", b"[]", b"null", b'{"outputs": []}', b"7"])
def test_another_answer_is_unreadable(wire: Wire, answer: bytes) -> None:
    with pytest.raises(UNREADABLE):
        wire.decode(answer)


@given(st.binary(max_size=100))
def test_every_byte_of_an_image_arrives(image: bytes) -> None:
    assert RAW.encode(image) == image
    assert base64.b64decode(json.loads(JSON_LISTS.encode(image))["images"][0]) == image
    tensor = json.loads(INFERENCE_PROTOCOL.encode(image))["inputs"][0]
    assert base64.b64decode(tensor["data"][0]) == image
