import contextlib

from hypothesis import given
from hypothesis import strategies as st

from api.decoding import Upload
from api.errors import Invalid, TooLarge
from api.forms import form_files

PIECES = st.sampled_from(
    [
        b"--x\r\n",
        b"--x--\r\n",
        b'Content-Disposition: form-data; name="a"\r\n',
        b'Content-Disposition: form-data; name="a"; filename="b"\r\n',
        b"Content-Disposition: form-data\r\n",
        b"Content-Disposition: \xff\r\n",
        b"Content-Type: image/png\r\n",
        b"\r\n",
        b"data",
        b"\xff\x00",
    ]
)


def test_parts_with_a_filename_and_without_are_files() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="b.png"\r\n\r\none\xff\r\n'
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xfftwo\r\n--x--\r\n'
    )
    uploads = [Upload("body.a.0", b"one\xff"), Upload("body.a.1", b"\xfftwo")]
    assert form_files(body, "x") == uploads


@given(st.lists(PIECES | st.binary(max_size=9), max_size=30).map(b"".join), st.text(max_size=3))
def test_any_bytes_are_a_form_or_refused(body: bytes, boundary: str) -> None:
    for each in ("x", boundary):
        with contextlib.suppress(Invalid, TooLarge):
            assert form_files(body, each)
