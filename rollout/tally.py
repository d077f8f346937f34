"""What several pods count within a while, whatever starts again, comes and goes. Pure."""

from collections.abc import Mapping

from rollout.figures import Counts, Reading


class Tally:
    """The requests to a group of pods, summed over looks at them.

    A pod that is seen for the first time counts from then on. One that has started again since
    the last look counts from its start, as Prometheus' ``increase`` has it; what it answered
    between that look and its end is lost. One that is gone keeps what was seen of it.

    Attributes:
        counts: the sum.
        restarts: how often a process was found to have started again.
        pods: how many pods there were in the last look.
    """

    def __init__(self) -> None:
        self.counts = Counts()
        self.restarts = 0
        self.pods = 0
        self._last: dict[str, Reading] = {}

    def look(self, pods: Mapping[str, Reading | None]) -> None:
        """Take in one reading of each pod by its address; None for one that does not answer."""
        for address, reading in pods.items():
            before = self._last.get(address)
            if reading is not None and before is not None:
                self._grow(before, reading)
        self.pods = len(pods)
        self._last = {
            address: reading or self._last[address]
            for address, reading in pods.items()
            if reading is not None or address in self._last
        }

    def _grow(self, before: Reading, now: Reading) -> None:
        if now.started != before.started or now.counts.any_below(before.counts):
            self.restarts += 1
            self.counts += now.counts
        else:
            self.counts += now.counts - before.counts
