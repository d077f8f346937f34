"""The variants of a model that the gate made: which of them may serve, and their files.

A verdict names each by its digest, so the signature on the verdict covers them too.
"""

import hashlib

from registry import evidence, names, objects
from registry.backend import Backend
from registry.errors import Corrupt
from registry.evidence import Evidence
from registry.record import StageRecord
from registry.verdict import Variant


def passed(source: StageRecord | str, found: Evidence) -> tuple[Variant, ...]:
    """The variants that may serve; none where production was forced, as nothing vouches for them.

    Args:
        source: a record of production, or a version.
        found: its evidence, which was examined.
    """
    verdict = evidence.vouched(source, found)
    if verdict is None or not verdict.passed:
        return ()
    return tuple(variant for variant in verdict.variants if variant.passed)


def read(backend: Backend, version: str, verdict: str, variant: Variant) -> bytes:
    """The file of a variant.

    Raises:
        NotFound: it is gone.
        Corrupt: it is not what the verdict names.
    """
    blob = objects.find(backend, names.variant(version, verdict, variant.precision))
    if blob.size != variant.size:
        raise Corrupt(f"{blob.name} was altered: it has {blob.size} bytes, not {variant.size}")
    content = objects.content(backend, blob)
    objects.require_digest(hashlib.sha256(content).hexdigest(), variant.sha256, blob.name)
    return content
