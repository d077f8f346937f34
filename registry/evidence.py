"""The documents beside a version that speak for it: its card, and the gate's verdict."""

import hashlib
from dataclasses import dataclass

from registry import document, names, objects
from registry.backend import Backend
from registry.card import Card
from registry.errors import Corrupt, NotFound, NotPromotable
from registry.record import Grounds, StageRecord
from registry.trust import Trust, untrusted
from registry.verdict import Verdict

JUDGE = "publish it again and run the gate, or promote it with --force"


@dataclass(frozen=True)
class Evidence:
    """Documents, letter for letter as they are stored; signatures are over their digests.

    Attributes:
        card: the card.
        verdict: the verdict; empty if there is none.
        signature: what the gate signed the verdict with; empty if it did not.
        id: the id under which the verdict lies.
    """

    card: str
    verdict: str = ""
    signature: str = ""
    id: str = ""

    @property
    def card_sha256(self) -> str:
        """SHA-256 of the card."""
        return hashlib.sha256(self.card.encode()).hexdigest()

    @property
    def verdict_sha256(self) -> str:
        """SHA-256 of the verdict; empty if there is none."""
        return hashlib.sha256(self.verdict.encode()).hexdigest() if self.verdict else ""


def gather(backend: Backend, source: StageRecord | str) -> Evidence:
    """Read what speaks for a record: the verdict that it names; or for a version: the latest one.

    Raises:
        NotFound: there is no such version, or not the verdict that the record names.
    """
    if not isinstance(source, str):
        return of_verdict(backend, source.version, source.verdict)
    ids = verdict_ids(backend, source)
    return of_verdict(backend, source, ids[-1] if ids else "")


def of_verdict(backend: Backend, version: str, verdict: str) -> Evidence:
    """The card of a version and one verdict on it; without an id, the card alone.

    Raises:
        NotFound: there is no such version or verdict.
    """
    card = card_document(backend, version)
    if not verdict:
        return Evidence(card)
    content = _text(backend, names.verdict(version, verdict))
    name = names.signature(version, verdict)
    return Evidence(card, content, _text(backend, name) if backend.stat(name) else "", verdict)


def verdict_ids(backend: Backend, version: str) -> list[str]:
    """The ids of the verdicts on a version, oldest first."""
    found = [blob.name for blob in backend.list(names.verdicts(version))]
    return [name.split("/")[-2] for name in found if name.endswith("/verdict.json")]


def read_verdict(version: str, id: str, content: bytes) -> Verdict:
    """The verdict on a version that lies under ``id``.

    Raises:
        Corrupt: it is no verdict, or is one on another version, or another one on this version.
    """
    name = names.verdict(version, id)
    verdict = document.decode(Verdict, content, name)
    if (verdict.version, verdict.id) != (version, id):
        raise Corrupt(f"{name} is verdict {verdict.id} on {verdict.version}")
    return verdict


def vouched(source: StageRecord | str, found: Evidence) -> Verdict | None:
    """The verdict in evidence that was examined; None if production was forced, or without one.

    Nothing vouches for a verdict that a forced promotion passed over.

    Raises:
        Corrupt: it is no verdict on this version.
    """
    if not found.verdict or (isinstance(source, StageRecord) and source.forced):
        return None
    version = source if isinstance(source, str) else source.version
    return read_verdict(version, found.id, found.verdict.encode())


def card_document(backend: Backend, version: str) -> str:
    """The card of a version as it is stored.

    Raises:
        NotFound: there is no such version.
        Corrupt: it is not text.
    """
    name = names.card(version)
    if backend.stat(name) is None:
        raise NotFound(f"the registry has no version {version}: there is no {name}")
    return _text(backend, name)


def read_card(version: str, content: str) -> Card:
    """The card of a version.

    Raises:
        Corrupt: the document is no card, or that of another version.
    """
    name = names.card(version)
    card = document.decode(Card, content.encode(), name)
    if card.version != version:
        raise Corrupt(f"{name} is the card of {card.version}")
    return card


def require_named_by(record: StageRecord, found: Evidence) -> None:
    """Check that the documents are those that a signed record names.

    Raises:
        Untrusted: they are not.
    """
    advice = "restore it, or go back with `python -m registry rollback --to VERSION --why WHY`"
    if found.card_sha256 != record.card_sha256:
        raise untrusted(names.card(record.version), "altered", advice)
    if not record.forced and found.verdict_sha256 != record.verdict_sha256:
        raise untrusted(names.verdict(record.version, record.verdict), "altered", advice)


def require_passed(version: str, found: Evidence, trust: Trust | None) -> Grounds:
    """Check that the gate let the version pass; what a record has to say of that.

    Raises:
        NotPromotable: there is no verdict, or one that refuses the version.
        Untrusted: the gate has not signed it, or it is not what the gate signed.
        Corrupt: it is no verdict on this version.
    """
    if not found.verdict:
        raise NotPromotable(f"{version} has no verdict of the gate: run the gate, or force it")
    verdict = read_verdict(version, found.id, found.verdict.encode())
    if not verdict.passed:
        raise NotPromotable(f"the gate refused {version}: {'; '.join(verdict.reasons)}")
    if trust:
        require_signed(version, found, trust)
    return Grounds(found.card_sha256, verdict.id, found.verdict_sha256)


def require_compared(version: str, found: Evidence, production: str) -> None:
    """Check that the gate let the version pass in comparison with what production holds.

    Raises:
        NotPromotable: it was another production.
        Corrupt: there is something else than a verdict on this version.
    """
    if not found.verdict:
        return
    verdict = read_verdict(version, found.id, found.verdict.encode())
    if verdict.passed and verdict.compared_with != production:
        raise NotPromotable(
            f"the gate compared {version} with {verdict.compared_with or 'nothing'}, and "
            f"production holds {production} now: run the gate again, or promote it with --force"
        )


def require_signed(version: str, found: Evidence, trust: Trust) -> None:
    """Check the gate's signature on a verdict and on the card that it judged by.

    Raises:
        Untrusted: it is not the gate's, or is on something else.
    """
    digests = found.card_sha256, found.verdict_sha256
    fault = trust.verdict_fault(version, found.id, *digests, found.signature)
    if fault:
        raise untrusted(f"{names.verdict(version, found.id)}, or the card,", fault, JUDGE)


def sign(version: str, found: Evidence, trust: Trust) -> str:
    """The content of the signature's file beside a verdict.

    Raises:
        BadKey: this process has no private key.
    """
    digests = found.card_sha256, found.verdict_sha256
    return trust.sign_verdict(version, found.id, *digests)


def _text(backend: Backend, name: str) -> str:
    try:
        return objects.read(backend, name).decode()
    except UnicodeDecodeError:
        raise Corrupt(f"{name} is not text: it was altered") from None
