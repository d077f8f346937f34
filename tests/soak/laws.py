"""What must hold whatever happens: every valid request is answered, and by one version alone."""

import math
from collections.abc import Iterable, Mapping, Sequence

from tests.soak.callers import Asked


def violations(asked: Sequence[Asked], labels: Mapping[str, str]) -> list[str]:
    """What is wrong with answers, in sentences.

    Args:
        asked: valid requests.
        labels: what each version says of any image.
    """
    failed = [f"{each.id}: {each.status} {each.error}" for each in asked if each.status != 200]
    wrong = [
        f"{each.id}: version {version[:12]} said {label}"
        for each in asked
        for version, label in each.answers
        if version and labels.get(version) != label
    ]
    mixed = [f"{each.id}: {each.answers}" for each in asked if len(set(each.answers)) > 1]
    return failed + wrong + mixed


def disagreements(
    asked: Sequence[Asked], log: Iterable[Mapping[str, object]], labels: Mapping[str, str]
) -> list[str]:
    """Answers of ``POST /``, which tell no version, against the version that the log tells.

    Args:
        asked: requests, whose labels are the indices of classes.
        log: the service's lines, as objects.
        labels: what each version says of any image.
    """
    versions = {line.get("request_id"): str(line.get("version")) for line in log}
    return [
        f"{each.id}: version {versions.get(each.id)} said {label}"
        for each in asked
        for version, label in each.answers
        if not version and labels.get(versions.get(each.id, "")) != label
    ]


def p99(asked: Sequence[Asked]) -> float:
    """The seconds that 99 % of the answers took at most."""
    ranked = sorted(each.seconds for each in asked if each.status == 200)
    return ranked[math.ceil(0.99 * len(ranked)) - 1] if ranked else math.nan
