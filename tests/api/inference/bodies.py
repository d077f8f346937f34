"""Bodies of inference requests."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from images import NBYTES, Images
from images.raw import SHAPE

URL = "/v2/models/classifier/infer"
HEADER = "Inference-Header-Content-Length"


def pictures(count: int = 1, seed: int = 0) -> Images:
    """Images of noise, uint8[N, 128, 128, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE), np.uint8)


def tensor(images: Images, **changes: Any) -> dict[str, Any]:
    """The input of a request without its data."""
    return {
        "name": "images",
        "shape": list(images.shape),
        "datatype": "UINT8",
        **changes,
    }


def listed(images: Images, **more: Any) -> dict[str, Any]:
    """A request with its data in JSON."""
    return {"inputs": [tensor(images, data=images.ravel().tolist())], **more}


def binary(images: Images, **more: Any) -> dict[str, Any]:
    """What Flask's client sends: a request with its data behind the JSON."""
    size = {"binary_data_size": len(images) * NBYTES}
    return with_binary({"inputs": [tensor(images, parameters=size)], **more}, images.tobytes())


def with_binary(document: Mapping[str, Any], behind: bytes) -> dict[str, Any]:
    """What Flask's client sends: JSON, and something behind it."""
    head = json.dumps(document).encode()
    return {
        "data": head + behind,
        "headers": {HEADER: str(len(head))},
        "content_type": "application/octet-stream",
    }
