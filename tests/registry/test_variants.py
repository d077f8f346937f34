"""Variants beside a verdict: named by its signed digests, and nothing else is ever read."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO

import pytest

from registry import document, names
from registry.backend import Backend
from registry.errors import Corrupt, NotFound, NotPromotable, RegistryError, Untrusted
from registry.evidence import Evidence
from registry.local import LocalBackend
from registry.memory import MemoryBackend
from registry.store import Registry
from registry.verdict import Variant, Verdict
from tests.registry.keyrings import trust
from tests.registry.samples import Sample, verdict

Samples = Callable[[int], list[Sample]]

FILES: Mapping[str, bytes] = {"model.onnx": b"float" * 100, "model.int8.onnx": b"int8" * 50}


@pytest.fixture
def backend() -> Backend:
    return MemoryBackend()


@pytest.fixture
def registry(backend: Backend) -> Registry:
    return Registry(backend, "tester", trust=trust())


def variants(passed: bool = True) -> tuple[Variant, ...]:
    made = zip(("float32", "int8"), FILES.values(), strict=True)
    return tuple(
        Variant(
            precision,  # type: ignore[arg-type]
            passed,
            "the same class on 100 %",
            hashlib.sha256(content).hexdigest(),
            len(content),
            1.5,
            700.0,
        )
        for precision, content in made
    )


def judged(registry: Registry, one: Sample, passed: bool = True, **changes: object) -> Verdict:
    """Publish a sample, with a verdict that names its variants."""
    registry.publish(one.path, one.card, "a new model")
    made = verdict(registry, one.version, passed)
    made = replace(made, **({"variants": variants()} | changes))  # type: ignore[arg-type]
    registry.add_verdict(made, FILES)
    return made


def test_those_that_passed_are_named_and_read(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    float32, int8 = variants()
    left_out = replace(int8, passed=False, sentence="too slow")
    made = judged(registry, one, variants=(float32, left_out))
    assert registry.verdicts(one.version) == [made]
    record = registry.promote(one.version, None, "good").record
    for source in (record, one.version):
        assert registry.variants(source, registry.evidence(source)) == (float32,)
    assert registry.variant(one.version, made.id, float32) == FILES["model.onnx"]
    assert registry.verify() == []


def test_a_verdict_from_before_has_none(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    made = judged(registry, one, variants=())
    fields = json.loads(document.encode(made))
    del fields["variants"]
    assert document.decode(Verdict, json.dumps(fields).encode(), "verdict") == made
    assert registry.variants(one.version, registry.evidence(one.version)) == ()


def test_a_refused_version_has_none(registry: Registry, samples: Samples) -> None:
    [one] = samples(1)
    judged(registry, one, passed=False)
    with pytest.raises(NotPromotable):
        registry.variants(one.version, registry.evidence(one.version))


def test_a_forced_version_has_none(registry: Registry, samples: Samples) -> None:
    """Not even if its evidence, which may come from a folder of anybody's, has a verdict."""
    [one] = samples(1)
    judged(registry, one)
    record = registry.promote(one.version, None, "at once", force=True).record
    assert registry.variants(record, registry.evidence(record)) == ()
    assert registry.variants(record, registry.evidence(one.version)) == ()


def test_without_signatures_there_are_none(backend: Backend, samples: Samples) -> None:
    [one] = samples(1)
    unsigned = Registry(backend, "tester")
    judged(unsigned, one)
    assert unsigned.variants(one.version, unsigned.evidence(one.version)) == ()


def test_no_bit_of_a_variant_in_the_verdict_can_be_changed(
    registry: Registry, samples: Samples
) -> None:
    [one] = samples(1)
    judged(registry, one)
    record = registry.promote(one.version, None, "good").record
    found = registry.evidence(one.version)
    start = found.verdict.index('"variants"')
    content = bytearray(found.verdict.encode())
    for at in range(start, len(content)):
        for bit in range(7):  # it stays ASCII
            content[at] ^= 1 << bit
            altered = Evidence(found.card, content.decode(), found.signature, found.id)
            for source in (record, one.version):
                with pytest.raises(RegistryError) as refused:
                    registry.variants(source, altered)
                assert isinstance(refused.value, Untrusted | Corrupt | NotPromotable)
            content[at] ^= 1 << bit
    assert registry.variants(record, found) == variants()


@pytest.mark.parametrize("content", [b"FLOAT" * 100, b"float" * 99, b""])
def test_another_file_is_found(
    content: bytes, samples: Samples, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("registry")
    registry = Registry(LocalBackend(folder), "tester", trust=trust())
    [one] = samples(1)
    made = judged(registry, one)
    path = folder / names.variant(one.version, made.id, "float32")
    path.chmod(0o644)
    path.write_bytes(content)
    with pytest.raises(Corrupt, match=r"model\.onnx was altered"):
        registry.variant(one.version, made.id, variants()[0])
    assert [sentence for sentence in registry.verify() if "model.onnx was altered" in sentence]


def test_a_file_that_is_gone_is_told(
    backend: Backend, registry: Registry, samples: Samples
) -> None:
    [one] = samples(1)
    registry.publish(one.path, one.card, "a new model")
    made = replace(verdict(registry, one.version), variants=variants())
    backend.create(f"{names.verdicts(one.version)}{made.id}/model.int8.onnx", BytesIO(b""))
    registry.add_verdict(made, {})
    with pytest.raises(NotFound, match=r"no versions/.*/model\.onnx"):
        registry.variant(one.version, made.id, variants()[0])
    assert registry.verify()
