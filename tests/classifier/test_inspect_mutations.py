"""20,000 random mutations of a genuine file: none crashes us, none is accepted wrongly.

Accepted wrongly is a file that was called harmless although, in Keras' safe mode,

- it does not load, or loading or running it raises an event of PEP 578 that computing does not,
- it is another architecture: other layers, weights, names, shapes or dtypes,
- or it answers an image with what is not finite.

Another pool size, momentum or scale is harmless, and so are other finite weights: whether they
are the right ones is what the version, a hash, vouches for.
"""

import resource
from pathlib import Path

import pytest

from tests.classifier.hostile.pool import judge, load

COUNT = 20_000
MOST_MEMORY = 50 << 10  # KiB by which this process may grow


@pytest.mark.timeout(900)
def test_no_mutation_is_accepted_wrongly(genuine: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = judge(genuine, COUNT)
    accepted = [number for number, verdict in found.items() if verdict == "harmless"]

    assert sorted(found) == list(range(COUNT))
    assert [verdict for verdict in found.values() if verdict.startswith(("did", "exit"))] == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY

    *faults, summary = load(genuine, accepted)
    assert faults == []
    # The mutations are worth something if they reach all that is looked at.
    contents, configurations = (int(part.split()[0]) for part in summary.split(", "))
    assert contents > 100
    assert configurations > 5
    assert sum("damaged" in verdict for verdict in found.values()) > COUNT / 10
    assert sum("layer" in verdict for verdict in found.values()) > COUNT / 100


def test_what_is_accepted_wrongly_would_be_noticed(genuine: Path) -> None:
    found = judge(genuine, 1_000)
    refused = [number for number, verdict in found.items() if "not finite" in verdict]
    *faults, _ = load(genuine, refused)
    assert any("answers what is not finite" in fault for fault in faults)
