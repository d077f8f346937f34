"""Ray Serve: an image as the raw body, batched in the one replica that has the model.

``python service.py MODEL PORT``

- Batching: https://docs.ray.io/en/latest/serve/advanced-guides/dyn-req-batch.html, with a timeout
  of 0, so that nobody waits for more than waits already.
- ``max_ongoing_requests`` is 5 by default, which would keep batches small.
- One replica, as TensorFlow uses both cores by itself.
- The environment that it is started in (``servers.py``) switches on what Ray has for throughput.
"""

import os
import sys

import compiled
import numpy as np
import ray
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=512, ray_actor_options={"num_cpus": 1})
class Classifier:
    """From the raw bytes of an image to the index of its class."""

    def __init__(self, path: str) -> None:
        self._indices = compiled.load(path)

    @serve.batch(max_batch_size=compiled.MAX_BATCH, batch_wait_timeout_s=0)
    async def classify(self, images: list[compiled.Images]) -> list[int]:
        """The class of each image."""
        return self._indices(np.stack(images))

    async def __call__(self, request: Request) -> dict[str, str]:
        """The answer to one request."""
        index = await self.classify(compiled.image(await request.body()))
        return {"message": str(index)}


if __name__ == "__main__":
    ray.init(
        num_cpus=os.cpu_count(),
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=256 * 2**20,
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[2])})
    serve.run(Classifier.bind(sys.argv[1]), blocking=True)
