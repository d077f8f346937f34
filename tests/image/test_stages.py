"""Training and the gate in their containers, with nothing to write to but what is mounted."""

import pytest

from tests.image.conftest import READER, Delivery
from tests.image.containers import Container, options, run
from tests.test_dockerfile import COMMANDS, TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_help_is_printed(target: str) -> None:
    result = run(target, "--help")
    assert result.returncode == 0, result.stderr
    assert f"usage: python -m {COMMANDS[target][0]}" in result.stdout


@pytest.mark.parametrize("target", TARGETS)
def test_a_misspelt_setting_ends_it(target: str) -> None:
    result = run(target, given=options(REGISTRY_ULR="file:/models/registry"))
    assert result.returncode == 2
    assert "REGISTRY_ULR" in result.stderr


def test_keys_a_candidate_and_its_promotion_are_made(delivery: Delivery) -> None:
    for result in (delivery.keygen, delivery.training, delivery.gate):
        assert result.returncode == 0, result.stdout + result.stderr
    for stage in ("testing", "production"):
        assert (delivery.folder / "registry" / stage / "best_model.hdf5").is_file()


def test_what_they_made_is_whole_and_signed(delivery: Delivery) -> None:
    given = [*options(delivery.for_readers, **READER), "--entrypoint=python"]
    result = run("testing", "-m", "registry", "verify", given=given)
    assert result.returncode == 0, result.stdout + result.stderr


def test_training_ends_when_it_is_told_to(delivery: Delivery) -> None:
    folder = delivery.folder
    mounts = (f"{folder}/registry:/models/registry", f"{folder}/keys:/models/keys:ro")
    given = options(mounts, **READER)
    with Container("training", "--epochs=1000", given=given) as container:
        container.wait_for_line("training on")
        container.signal("TERM")
        assert container.wait() == 143, container.log
