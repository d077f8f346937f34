"""From what was measured to what to ask of Kubernetes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.growth.measure import Memory

UTILISATION = 0.7  # of its CPUs, at which the autoscaler of k8s/base adds a pod
FEWEST = 2  # pods, so that one can be replaced
ROOM = 1.25  # times the most memory seen, as what else a pod does was not measured
STEP = 64 * 2**20  # bytes, to which memory is rounded up
RATES = (50, 200, 1000, 5000)  # requests per second


@dataclass(frozen=True)
class Pod:
    """What one pod asks for.

    Attributes:
        request: bytes of memory that it needs to be ready and to answer.
        limit: bytes that it may take.
        rate: requests per second at which the autoscaler adds another.
    """

    request: int
    limit: int
    rate: float

    def count(self, rate: float) -> int:
        """How many such pods answer so many requests per second."""
        return max(FEWEST, math.ceil(rate / self.rate))


def pod(throughput: float, memory: Memory) -> Pod:
    """A pod with one CPU, in which the next model is loaded while the one before still answers.

    Args:
        throughput: requests that one core answers in a second of its time.
        memory: what a process takes.
    """
    return Pod(
        _rounded(memory.ready * ROOM),
        _rounded((memory.ready + max(memory.peaks)) * ROOM),
        throughput * UTILISATION,
    )


def counts(pod: Pod, rates: Sequence[float] = RATES) -> list[int]:
    """How many pods each of the rates takes."""
    return [pod.count(rate) for rate in rates]


def _rounded(size: float) -> int:
    return math.ceil(size / STEP) * STEP
