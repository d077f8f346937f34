"""Image files in a form (multipart/form-data, RFC 7578), in memory, where its body is already."""

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder

from api.decoding import Upload
from api.errors import Fault, Invalid, TooLarge
from api.payloads import MAX_IMAGES

BROKEN = Fault("body", "this is no whole multipart form: end it with its own boundary")


def form_files(body: bytes, boundary: str) -> list[Upload]:
    """Every part of a form, each of which is an image file, with a filename or without.

    Args:
        body: the form.
        boundary: between its parts, from the Content-Type.

    Raises:
        Invalid: it is no form, or has no parts.
        TooLarge: it has more parts than a request may have images.
    """
    try:
        parts = _parts(body, boundary.encode())
    except RequestEntityTooLarge:
        raise TooLarge(f"the form has too many parts: send at most {MAX_IMAGES} images") from None
    except ValueError:
        raise Invalid(BROKEN) from None
    if not parts:
        raise Invalid(Fault("body", "the form is empty: give each image file a part of its own"))
    return [Upload(f"body.{name}.{index}", bytes(data)) for index, (name, data) in enumerate(parts)]


def _parts(body: bytes, boundary: bytes) -> list[tuple[str, bytearray]]:
    decoder = MultipartDecoder(boundary, max_parts=MAX_IMAGES)
    decoder.receive_data(body)
    decoder.receive_data(None)
    parts: list[tuple[str, bytearray]] = []
    while not isinstance(event := decoder.next_event(), Epilogue):
        if isinstance(event, Field | File):
            parts.append((event.name or "part", bytearray()))
        elif isinstance(event, Data):
            parts[-1][1].extend(event.data)
    return parts
