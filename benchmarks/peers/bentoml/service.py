"""BentoML: an image in base64 in JSON, batched, with the model in the process that speaks HTTP.

``MODEL_FILE=... bentoml serve service:Classifier --port PORT``

- Adaptive batching: https://docs.bentoml.com/en/latest/get-started/adaptive-batching.html. What is
  batched must be an array or a list, so that a raw body would need a second service in front, which
  was slower here and answered some requests with 500.
- One worker, which is the default, as TensorFlow uses both cores by itself.
"""

import base64
import os

import bentoml
import compiled
import numpy as np


@bentoml.service(workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Classifier:
    """From images in base64 to the indices of their classes."""

    def __init__(self) -> None:
        self._indices = compiled.load(os.environ["MODEL_FILE"])

    # The latency is that above which it would refuse rather than answer late.
    @bentoml.api(batchable=True, max_batch_size=compiled.MAX_BATCH, max_latency_ms=60_000)
    def classify(self, images: list[str]) -> list[int]:
        """The class of each image of a batch."""
        return self._indices(np.stack([compiled.image(base64.b64decode(it)) for it in images]))
