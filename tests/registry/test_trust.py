"""Only what was signed counts, on every back end."""

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from io import BytesIO
from pathlib import Path

import pytest

from registry import document
from registry.backend import Backend
from registry.errors import (
    BadKey,
    Corrupt,
    NotFound,
    NotPromotable,
    RegistryError,
    Untrusted,
)
from registry.local import LocalBackend
from registry.record import Damaged, StageRecord, StageState
from registry.store import Registry
from registry.switch import SENTENCE_LENGTH
from tests.registry.keyrings import signer, trust
from tests.registry.samples import Sample, approved, in_production, promoted, sample, verdict

Samples = Callable[[int], list[Sample]]

PRODUCTION = "production/best_model.hdf5"


def put(backend: Backend, metadata: Mapping[str, str], source: str = PRODUCTION) -> None:
    """Write to production as anybody can who may write to the registry."""
    blob, content = backend.stat(PRODUCTION), backend.stat(source)
    assert content
    backend.replace_if(PRODUCTION, content, metadata, blob.generation if blob else 0)


def refused(registry: Registry, reason: str) -> str:
    """Check that production is not trusted for this reason; what is said about it."""
    with pytest.raises(Untrusted) as caught:
        registry.current("production")
    assert caught.value.reason == reason
    damaged = registry.inspect("production")
    assert isinstance(damaged, Damaged)
    assert str(caught.value) in registry.verify()
    return str(caught.value)


def test_a_record_is_signed_with_all_that_it_rests_on(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    record = promoted(registry, one).record
    [judged] = registry.verdicts(one.version)
    assert record.verdict == judged.id
    assert not record.forced
    assert len(record.card_sha256) == len(record.verdict_sha256) == 64
    assert registry.examine(record, registry.evidence(record)) == one.card
    assert registry.examine(one.version, registry.evidence(one.version)) == one.card
    assert registry.history("testing")[0].signature == ""
    assert registry.verify() == []


OTHER = {
    "stage": "testing", "version": "0" * 64, "previous": "1" * 64, "sequence": 9,
    "operation": "other", "action": "rollback", "who": "other", "when": "2027", "why": "other",
    "card_sha256": "2" * 64, "verdict": "", "verdict_sha256": "", "forced": True,
}  # fmt: skip


def test_no_field_of_a_record_can_be_edited(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    [one] = samples(1)
    record = promoted(registry, one).record
    assert {each.name for each in fields(StageRecord)} == {*OTHER, "signature"}
    for field, value in OTHER.items():
        put(backend, record.to_metadata() | {field: str(value)})
        with pytest.raises(Corrupt):
            registry.current("production")
        with pytest.raises(Untrusted):
            registry.check(replace(record, **{field: value}))
    put(backend, record.to_metadata())
    assert registry.current("production")


@pytest.mark.parametrize("respelled", [{"sequence": "01"}, {"forced": "false"}, {"more": "x"}])
def test_a_record_has_one_spelling(
    backend: Backend, registry: Registry, samples: Samples, respelled: dict[str, str]
) -> None:
    [one] = samples(1)
    put(backend, promoted(registry, one).record.to_metadata() | respelled)
    refused(registry, "altered")


def test_an_unsigned_production_says_how_to_sign_it(backend: Backend, samples: Samples) -> None:
    [one] = samples(1)
    before = Registry(backend, "ann@desk")
    state = promoted(before, one)
    metadata = state.record.to_metadata()
    for newer in ("card_sha256", "verdict", "verdict_sha256", "forced", "signature"):
        del metadata[newer]
    put(backend, metadata)
    registry = Registry(backend, "ann@desk", trust=trust())
    said = refused(registry, "unsigned")
    assert "python -m registry promote VERSION --why WHY" in said
    assert "GATE_REPLACE_BROKEN" in said
    found = registry.inspect("production")
    with pytest.raises(Untrusted, match="force"):
        registry.promote(one.version, found, "sign it")
    state = registry.promote(one.version, found, "sign it", force=True)
    assert registry.current("production") == state
    assert state.record.forced


@pytest.mark.parametrize("signature", ["x", "0" * 145, "é" * 145, f"{'0' * 16}:{'G' * 128}"])
def test_what_is_no_signature_is_refused(
    backend: Backend, registry: Registry, samples: Samples, signature: str
) -> None:
    [one] = samples(1)
    put(backend, promoted(registry, one).record.to_metadata() | {"signature": signature})
    refused(registry, "altered")


def test_another_key_is_refused(backend: Backend, registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    promoted(Registry(backend, "mallory", trust=trust(7)), one)
    refused(registry, "signed by another key")


def test_another_key_under_the_name_of_ours_is_refused(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    [one] = samples(1)
    record = promoted(registry, one).record
    name, _, _ = record.signature.partition(":")
    _, _, forged = trust(7).sign_record(record).signature.partition(":")
    put(backend, replace(record, signature=f"{name}:{forged}").to_metadata())
    refused(registry, "altered")


def test_a_record_of_another_registry_is_refused(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    [one] = samples(1)
    promoted(Registry(backend, "tester@host", trust=trust(registry="another")), one)
    refused(registry, "altered")


def test_a_record_of_another_stage_is_refused(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    state = registry.publish(one.path, one.card, "new")
    with pytest.raises(Untrusted):
        registry.check(trust().sign_record(state.record))


def test_the_file_of_another_version_under_a_signed_record_is_refused(
    backend: Backend, registry: Registry, samples: Samples, tmp_path: Path
) -> None:
    one, two = samples(2)
    approved(registry, two)
    put(
        backend,
        promoted(registry, one).record.to_metadata(),
        f"versions/{two.version}/best_model.hdf5",
    )
    state = registry.current("production")
    assert state
    with pytest.raises(Corrupt, match="hashes to"):
        registry.fetch(state, tmp_path / "model")


def test_an_older_record_that_is_put_back_is_found_and_replaced_by_the_next_number(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two, three = samples(3)
    first, second = promoted(registry, one), promoted(registry, two)
    put(backend, first.record.to_metadata(), f"versions/{one.version}/best_model.hdf5")
    damaged = registry.inspect("production")
    assert isinstance(damaged, Damaged)
    assert isinstance(damaged.error, Untrusted)
    assert damaged.error.reason == "replayed"
    assert str(damaged.error) in registry.verify()
    replayed = registry.current("production")
    state = registry.promote(approved(registry, three), replayed, "better")
    assert (state.record.sequence, state.record.previous) == (3, two.version)
    assert registry.verify() == []
    put(backend, first.record.to_metadata(), f"versions/{one.version}/best_model.hdf5")
    assert registry.rollback("undo it").record.version == three.version
    assert second.record in registry.history("production")
    assert registry.verify() == []


def test_a_rollback_is_a_new_signed_record_on_the_old_grounds(
    registry: Registry, samples: Samples
) -> None:
    one, two = samples(2)
    first, second = promoted(registry, one).record, promoted(registry, two).record
    record = registry.rollback("slow").record
    assert (record.action, record.sequence) == ("rollback", 3)
    assert record.grounds == first.grounds != second.grounds
    assert record.signature not in (first.signature, second.signature)
    registry.check(record)
    assert registry.verify() == []


def add(backend: Backend, name: str, content: bytes) -> None:
    backend.create(name, BytesIO(content))


def test_a_rollback_goes_nowhere_that_only_a_forged_log_names(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two, evil = samples(3)
    promoted(registry, one)
    record = promoted(registry, two).record
    approved(registry, evil)
    forged = replace(record, version=evil.version, sequence=7, previous=two.version)
    add(backend, "production/log/00000007.json", document.encode(forged))
    add(backend, "production/log/00000008.json", b"{}")
    assert any("production/log/00000007.json is not trusted" in each for each in registry.verify())
    with pytest.raises(NotFound, match="never was in production"):
        registry.rollback("x", to=evil.version)
    state = registry.rollback("x")
    assert (state.record.version, state.record.sequence) == (one.version, 3)


@pytest.mark.parametrize(
    ("missing", "sentence"), [("verdict.sig", "not signed"), ("card", "not what was signed")]
)
def test_a_verdict_that_is_not_the_gates_promotes_nothing(
    backend: Backend, samples: Samples, missing: str, sentence: str
) -> None:
    [one] = samples(1)
    registry = Registry(backend, "tester@host", trust=trust())
    other = trust() if missing == "card" else None
    judge = Registry(backend, "mallory", trust=other)
    registry.publish(one.path, one.card, "new")
    judged = verdict(registry, one.version)
    if missing == "card":
        digests = "0" * 64, "1" * 64
        forged = trust().sign_verdict(one.version, judged.id, *digests)
        prefix = f"versions/{one.version}/gate/{judged.id}"
        add(backend, f"{prefix}/verdict.sig", forged.encode())
        add(backend, f"{prefix}/verdict.json", document.encode(judged))
    else:
        judge.add_verdict(judged, {})
    with pytest.raises(Untrusted, match=sentence):
        registry.promote(one.version, None, "go")
    with pytest.raises(Untrusted, match=sentence):
        registry.examine(one.version, registry.evidence(one.version))
    assert any(sentence in each for each in registry.verify())
    assert registry.promote(one.version, None, "go", force=True).record.forced


def test_a_passing_verdict_is_not_carried_over_a_refusal_or_to_another_version(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two = samples(2)
    registry.publish(two.path, two.card, "new")
    passed = verdict(registry, approved(registry, one))
    registry.add_verdict(passed, {})
    registry.add_verdict(verdict(registry, one.version, passed=False), {})
    found = registry.evidence(promoted_by_force(registry, one))
    assert not found.verdict
    for version, later in ((one.version, "9"), (two.version, passed.id)):
        source = f"versions/{one.version}/gate/{passed.id}"
        for name in ("verdict.sig", "verdict.json"):
            content = BytesIO()
            blob = backend.stat(f"{source}/{name}")
            assert blob
            backend.read(blob, content)
            add(backend, f"versions/{version}/gate/{later}/{name}", content.getvalue())
        with pytest.raises(Corrupt, match="is verdict"):
            registry.promote(version, registry.current("production"), "go")


def promoted_by_force(registry: Registry, one: Sample) -> StageRecord:
    against = registry.current("production")
    return registry.promote(one.version, against, "hurry", force=True).record


def test_a_forced_promotion_says_so_under_its_signature(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    [one] = samples(1)
    registry.publish(one.path, one.card, "new")
    with pytest.raises(NotPromotable):
        registry.promote(one.version, None, "hurry")
    record = promoted_by_force(registry, one)
    assert (record.forced, record.verdict, record.verdict_sha256) == (True, "", "")
    assert registry.examine(record, registry.evidence(record)) == one.card
    put(backend, record.to_metadata() | {"forced": "False"})
    refused(registry, "altered")


def test_a_process_without_the_private_key_cannot_promote_or_judge(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    one, two = samples(2)
    state = promoted(registry, one)
    approved(registry, two)
    reader = Registry(backend, "reader", trust=replace(trust(), signer=None))
    with pytest.raises(BadKey, match="REGISTRY_SIGNING_KEY"):
        reader.promote(two.version, state, "go")
    with pytest.raises(BadKey, match="REGISTRY_SIGNING_KEY"):
        reader.add_verdict(verdict(reader, two.version), {})
    assert reader.current("production") == state


def test_keys_are_rotated(backend: Backend, samples: Samples) -> None:
    one, two = samples(2)
    promoted(Registry(backend, "tester", trust=trust(1)), one)
    both = Registry(backend, "tester", trust=trust(2, 1))
    assert in_production(both) == one.version
    promoted(both, two)
    assert both.verify() == []
    assert in_production(Registry(backend, "reader", trust=trust(2))) == two.version
    refused(Registry(backend, "reader", trust=trust(1)), "signed by another key")


def test_a_new_key_that_knows_no_other_goes_on_counting(backend: Backend, samples: Samples) -> None:
    one, two = samples(2)
    old = Registry(backend, "", trust=trust(0))
    for each in (one, two):
        last = promoted(old, each)
    new = Registry(backend, "", trust=trust(1))
    state = new.promote(one.version, new.inspect("production"), "the key was lost", force=True)
    assert state.record.sequence == last.record.sequence + 1
    state = new.promote(two.version, state, "and on", force=True)
    assert state.record.sequence == last.record.sequence + 2
    assert new.rollback("and back").record.version == one.version


def test_the_longest_record_fits_into_the_metadata_of_a_bucket(
    backend: Backend, samples: Samples
) -> None:
    [one] = samples(1)
    longest = "\N{PILE OF POO}" * 2 * SENTENCE_LENGTH
    registry = Registry(backend, longest, trust=trust())
    registry.publish(one.path, one.card, "new")
    state = registry.promote(one.version, None, longest, force=True)
    metadata = state.record.to_metadata() | {"verdict": verdict(registry, one.version).id}
    assert sum(len(f"{key}{value}".encode()) for key, value in metadata.items()) < 8192
    assert registry.current("production") == state


def test_a_signature_is_bound_to_what_it_is_on() -> None:
    signatures = {
        trust().sign_verdict(*fields)
        for fields in (
            ("a", "b", "c", "d"),
            ("ab", "", "c", "d"),
            ("a", "bc", "", "d"),
            ('a","b', "b", "c", "d"),
        )
    }
    assert len(signatures) == 4
    assert trust().sign_verdict("a", "b", "c", "d") in signatures
    assert signer().sign(b"") != signer(1).sign(b"")


def flip(path: Path, at: int) -> None:
    """Change one bit of a file in its place; once more puts it right again."""
    byte, bit = divmod(at, 8)
    with path.open("r+b") as file:
        file.seek(byte)
        changed = file.read(1)[0] ^ 1 << bit
        file.seek(byte)
        file.write(bytes([changed]))


class Damageable:
    """A version in production of a folder, whose files can be changed and put right again."""

    def __init__(self, folder: Path) -> None:
        self.registry = Registry(LocalBackend(folder), "tester ☂", trust=trust())
        state = promoted(self.registry, sample(folder.parent, 0))
        self.version, self.target = state.record.version, folder.with_name("fetched")
        beside = folder / "versions" / self.version
        hidden = folder / "production" / ".best_model.hdf5" / str(state.generation)
        self.followed = {
            "model": hidden / "best_model.hdf5",
            "record": hidden / "metadata.json",
            "card": beside / "card.json",
            "verdict": beside / "gate" / state.record.verdict / "verdict.json",
        }
        self.pinned = {
            "model": beside / "best_model.hdf5",
            "card": self.followed["card"],
            "verdict": self.followed["verdict"],
            "signature": self.followed["verdict"].with_suffix(".sig"),
        }
        for each in {*self.followed.values(), *self.pinned.values()}:
            each.chmod(0o644)

    def take(self, pinned: bool) -> None:
        """Do what the service does before it loads a model."""
        source: StageState | str = self.version
        if not pinned:
            state = self.registry.current("production")
            assert state
            source = state
        record = source if isinstance(source, str) else source.record
        self.registry.examine(record, self.registry.evidence(record))
        self.registry.fetch(source, self.target)


def test_of_ten_thousand_changes_of_one_bit_none_is_accepted(tmp_path: Path) -> None:
    chance = random.Random(8)
    subject = Damageable(tmp_path / "registry")
    accepted = []
    for pinned, files in ((False, subject.followed), (True, subject.pinned)):
        subject.take(pinned)
        for _ in range(5000):
            name = chance.choice(list(files))
            at = chance.randrange(8 * files[name].stat().st_size)
            flip(files[name], at)
            with suppress(RegistryError):
                subject.take(pinned)
                accepted.append((name, at))
            flip(files[name], at)
        subject.take(pinned)
    assert accepted == []
