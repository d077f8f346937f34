"""The images of a request, and the model's answers to them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import g, request

from api.answers import Explanation
from api.explaining import check_count, explain, within
from api.holder import Answer, Snapshot
from api.service import service
from classifier.labels import Labels
from images import Images


def ask(images: Images) -> list[Answer]:
    """One answer for each image, all of one version, which the request is noted to be answered by.

    Args:
        images: uint8[N, 128, 128, 3].

    Raises:
        NotReady: no model serves yet.
        Crowded: too many images wait already.
        CallerGone: the caller has closed the connection.
        Overdue: the answers did not come in time.
        Stopping: the service is shutting down.
    """
    service().holder.require()
    each = [images[index : index + 1] for index in range(len(images))]
    while True:
        answers = service().batcher.submit_all(
            each, service().request_timeout, caller_gone(request.environ)
        )
        if len({answer.version for answer in answers}) == 1:
            note(images, answers)
            return answers  # or else the model was exchanged between two batches


def ask_why(images: Images) -> tuple[list[Answer], list[Explanation]]:
    """One answer for each image, all of one version, and what it is by.

    Args:
        images: uint8[N, 128, 128, 3].

    Raises:
        TooLarge: they are too many to be explained.
        Crowded: other requests are being explained.
        Refusal: as :func:`ask`; the explanations too have to be made in time.
    """
    check_count(len(images))
    check = within(service().request_timeout, caller_gone(request.environ))
    with service().explaining.take():
        model, answers = _ask_current(images)
        return answers, [
            explain(model.classifier, image, answer.index, check)
            for image, answer in zip(images, answers, strict=True)
        ]


def _ask_current(images: Images) -> tuple[Snapshot, list[Answer]]:
    """The model that serves, and its answers."""
    while True:
        model, answers = service().holder.require(), ask(images)
        if answers[0].version == model.version:
            return model, answers  # or else the model was exchanged in between


def note(images: Images, answers: Sequence[Answer]) -> None:
    """Let the log and the audit trail know what the request is answered with."""
    g.version, g.labels = answers[0].version, answers[0].labels
    g.images, g.answers = images, answers


def labels_of(answers: Sequence[Answer], threshold: float | None) -> Labels:
    """What answers of one version are called, which is noted if the request has it otherwise.

    Args:
        answers: one or more.
        threshold: the request's own; None for the service's.
    """
    labels = answers[0].labels
    if threshold is not None:
        g.labels = labels = labels.at(threshold)
    return labels


def caller_gone(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """What says later, in any thread, whether the caller of a request has gone."""
    known: Callable[[], bool] = environ.get("waitress.client_disconnected", bool)
    return known
