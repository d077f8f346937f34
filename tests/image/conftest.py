"""A registry that the containers themselves have filled: keys, a candidate, its promotion."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image.containers import Result, options, run, shared


@dataclass(frozen=True)
class Delivery:
    """What the stages left behind on their way to production, and how they ended."""

    folder: Path
    keygen: Result
    training: Result
    gate: Result

    @property
    def for_readers(self) -> tuple[str, ...]:
        """What a service mounts: the registry and the public key, both read-only."""
        return (
            f"{self.folder}/registry:/models/registry:ro",
            f"{self.folder}/keys/public.pem:/models/keys/public.pem:ro",
        )


READER = {
    "REGISTRY_URL": "file:/models/registry",
    "REGISTRY_PUBLIC_KEY": "/models/keys/public.pem",
}
SIGNER = READER | {"REGISTRY_SIGNING_KEY": "/models/keys/signing.pem"}


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    """One candidate, trained for an epoch and let through by a gate that asks for little."""
    folder = tmp_path_factory.mktemp("delivery")
    registry, keys = (shared(folder / name) for name in ("registry", "keys"))
    models, read_keys = f"{registry}:/models/registry", f"{keys}:/models/keys:ro"

    makes_keys = options((f"{keys}:/models/keys",), **SIGNER)
    keygen = run("testing", "-m", "registry", "keygen", given=[*makes_keys, "--entrypoint=python"])

    quick = ("--epochs=1", "--blocks=1", "--max-blocks=1", "--min-accuracy=0")
    training = run("training", *quick, given=options((models, read_keys), **READER))

    lenient = ("--min-accuracy=0", "--min-recall=0", "--max-latency=60000")
    gate = run("testing", *lenient, given=options((models, read_keys), **SIGNER))
    return Delivery(folder, keygen, training, gate)
