"""LitServe: an image as the raw body, batched, with the model in one worker process.

``python service.py MODEL PORT``

- Batching: https://lightning.ai/docs/litserve/features/batching. A timeout of 0 takes what waits
  and lets nobody wait for more; 5 ms cost a lone caller two thirds of its speed here.
- ``fast_queue`` is ZeroMQ in place of a queue of multiprocessing, and ``num_api_servers`` the
  processes that speak HTTP: https://lightning.ai/docs/litserve/api-reference/litserver.
- A typed parameter of ``decode_request`` reaches FastAPI, which passes a body of bytes unparsed.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import compiled
import litserve
import numpy as np
from fastapi import Body


class Classifier(litserve.LitAPI):
    """From the raw bytes of an image to the index of its class."""

    def __init__(self, path: str) -> None:
        super().__init__(max_batch_size=compiled.MAX_BATCH, batch_timeout=0)
        self._path = path

    def setup(self, device: str) -> None:
        """Load the model, in the worker."""
        self._indices = compiled.load(self._path)

    def decode_request(
        self, request: Annotated[bytes, Body(media_type="application/octet-stream")]
    ) -> compiled.Images:
        """The image of a body."""
        return compiled.image(request)

    def batch(self, inputs: Sequence[compiled.Images]) -> compiled.Images:
        """Several images in one array."""
        return np.stack(inputs)

    def predict(self, images: compiled.Images) -> list[int]:
        """Their classes."""
        return self._indices(images)

    def unbatch(self, output: list[int]) -> list[int]:
        """One class for each."""
        return output

    def encode_response(self, output: int) -> dict[str, str]:
        """The answer to one request."""
        return {"message": str(output)}


if __name__ == "__main__":
    server = litserve.LitServer(
        Classifier(sys.argv[1]), accelerator="cpu", workers_per_device=1, fast_queue=True
    )
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[2]),
        num_api_servers=1,
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )
