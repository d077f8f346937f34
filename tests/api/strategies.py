"""Bodies that schemathesis cannot make up by itself: raw images, and image files."""

import base64

import schemathesis
from hypothesis import strategies as st

from images import NBYTES
from tests.images.files import samples

FILES = st.sampled_from(sorted(samples().values()))

schemathesis.openapi.format("byte", FILES.map(lambda file: base64.b64encode(file).decode()))
schemathesis.openapi.media_type(
    "application/octet-stream", st.integers(0, 255).map(lambda value: bytes([value]) * NBYTES)
)
for kind in ("jpeg", "png", "webp", "bmp"):
    schemathesis.openapi.media_type(f"image/{kind}", FILES)
