"""The images of a request, and the model's answers to them."""

from flask import g

from api.holder import Answer
from api.service import service
from images import Images


def ask(images: Images) -> list[Answer]:
    """One answer for each image, all of one version, which the request is noted to be answered by.

    Args:
        images: uint8[N, 128, 128, 3].

    Raises:
        NotReady: no model serves yet.
        Overdue: the answers did not come in time.
        Stopping: the service is shutting down.
    """
    service().holder.require()
    each = [images[index : index + 1] for index in range(len(images))]
    while True:
        answers = service().batcher.submit_all(each, service().request_timeout)
        if len({answer.version for answer in answers}) == 1:
            g.version = answers[0].version
            return answers  # or else the model was exchanged between two batches
