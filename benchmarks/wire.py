"""How an image travels to a server, and its class back."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Wire:
    """A format of requests and answers.

    Attributes:
        content_type: of requests.
        encode: from the raw bytes of an image to a request's body.
        decode: from an answer's body to the index of the class; raises ValueError, KeyError,
            IndexError or TypeError for what is no such answer.
    """

    content_type: str
    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], str]


def _message(body: bytes) -> str:
    return str(json.loads(body)["message"])


def _listed(image: bytes) -> bytes:
    return json.dumps({"images": [base64.b64encode(image).decode()]}).encode()


def _first(body: bytes) -> str:
    return str(json.loads(body)[0])


def _protocol_request(image: bytes) -> bytes:
    """https://docs.seldon.ai/mlserver/user-guide/content-type: bytes, in base64."""
    content = base64.b64encode(image).decode()
    parameters = {"content_type": "base64"}
    tensor = {"name": "image", "shape": [1, 1], "datatype": "BYTES", "parameters": parameters}
    return json.dumps({"inputs": [{**tensor, "data": [content]}]}).encode()


def _protocol_answer(body: bytes) -> str:
    return str(json.loads(body)["outputs"][0]["data"][0])


RAW = Wire("application/octet-stream", lambda image: image, _message)
JSON_LISTS = Wire("application/json", _listed, _first)
INFERENCE_PROTOCOL = Wire("application/json", _protocol_request, _protocol_answer)
