"""What was compressed takes no more memory than any other body."""

import gzip
import tracemalloc

import pytest

from api.errors import TooLarge
from api.inference.coding import decoded
from api.payloads import MAX_BODY


def test_what_is_too_large_is_not_decompressed_to_its_end() -> None:
    bomb = gzip.compress(bytes(16 * MAX_BODY), 1)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decoded(bomb, "gzip")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MAX_BODY
