"""Reading both sides' figures for a while."""

from collections.abc import Callable, Mapping

from rollout.pods import Pods
from rollout.tally import Tally

Clock = Callable[[], float]
Sleep = Callable[[float], None]


def watch(
    sides: Mapping[str, Pods], window: float, interval: float, now: Clock, sleep: Sleep
) -> dict[str, Tally]:
    """Look at every pod again and again for ``window`` seconds, at its end for the last time.

    The window does not end early on what was seen so far: an interval that is looked at again and
    again until it suits holds the truth less often than its level says.

    Raises:
        Unreadable: a pod answers with something else than the service's figures.
    """
    tallies = {side: Tally() for side in sides}
    end = now() + window
    while True:
        for side, pods in sides.items():
            tallies[side].look(pods.read())
        left = end - now()
        if left <= 0:
            return tallies
        sleep(min(interval, left))
