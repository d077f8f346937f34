"""Asking again, where that is safe and may help."""

from http import HTTPStatus

from urllib3 import Retry

TEMPORARY = frozenset(
    {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
FIRST_PAUSE = 0.25  # seconds; doubled each time
LONGEST_PAUSE = 10.0  # seconds, unless the service says when to come back
LONGEST_WISH = 60  # seconds that the service may wish to be left alone


class Retries(Retry):
    """Repeats what was not answered or was answered with a temporary error.

    A classification changes nothing, so even one of which only the answer was lost is repeated.
    What the caller has to change (4xx) never is, and what is broken (500) is not either.
    """

    RETRY_AFTER_STATUS_CODES: frozenset[int] = frozenset()  # which would add 413 and 429


def retries(count: int) -> Retries:
    """So many, in growing intervals, or whenever ``Retry-After`` says."""
    return Retries(
        total=count,
        other=0,  # a certificate that does not hold
        allowed_methods={"POST"},
        status_forcelist=TEMPORARY,
        backoff_factor=FIRST_PAUSE,
        backoff_max=LONGEST_PAUSE,
        backoff_jitter=FIRST_PAUSE,
        retry_after_max=LONGEST_WISH,
        raise_on_status=False,  # the last answer says why
    )
