"""MLServer: an image in the JSON of the Open Inference Protocol, batched.

``MLSERVER_MODEL_URI=... mlserver start .``

- Batching: https://docs.seldon.ai/mlserver/user-guide/adaptive-batching, set in
  ``model-settings.json`` beside this file. It waits for a full batch or for ``max_batch_time``
  seconds, so a longer time costs whoever comes alone.
- A custom runtime: https://docs.seldon.ai/mlserver/user-guide/custom. The protocol has no raw
  body over REST; base64 is its shortest way to send bytes.
- ``parallel_workers`` of 0 keeps the model in the server's process, and spares sending each image
  to another: https://docs.seldon.ai/mlserver/user-guide/parallel-inference.
"""

import asyncio

import compiled
import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class Classifier(MLModel):
    """From images in base64 to the indices of their classes."""

    async def load(self) -> bool:
        """Load the model that the settings name."""
        self._indices = compiled.load(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The class of each image of a batch."""
        bodies = Base64Codec.decode_input(payload.inputs[0])
        images = np.stack([compiled.image(body) for body in bodies])
        found = await asyncio.to_thread(self._indices, images)
        output = ResponseOutput(name="index", shape=[len(found), 1], datatype="INT64", data=found)
        return InferenceResponse(model_name=self.name, outputs=[output])
