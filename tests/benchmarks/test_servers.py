from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.environments import PEERS
from benchmarks.errors import Unprepared
from benchmarks.models import Model
from benchmarks.servers import CATALOGUE, Entry, Place

PLACE = Place(Model("m", Path("/m/best_model.hdf5"), {}), 8600, Path("/bin"), Path("/work"))


def test_every_peer_is_in_the_catalogue_and_pinned() -> None:
    pinned = {path.parent.name for path in PEERS.glob("*/requirements.txt")}
    assert pinned == {entry.peer for entry in CATALOGUE.values() if entry.peer}
    for peer in pinned:
        assert "--hash=sha256:" in (PEERS / peer / "requirements.txt").read_text()


@pytest.mark.parametrize("library", ["tensorflow-cpu", "keras"])
def test_every_peer_runs_the_model_on_our_libraries(library: str) -> None:
    pins = [
        next(line for line in path.read_text().splitlines() if line.startswith(f"{library}=="))
        for path in [Path("requirements.txt"), *PEERS.glob("*/requirements.txt")]
    ]
    assert len(set(pins)) == 1


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_a_server_learns_its_port_and_nothing_of_our_environment(
    entry: Entry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MODEL_VERSION", "0" * 64)
    server = entry.make(PLACE)
    variables = server.variables(tmp_path)
    assert "8600" in [*server.command, *variables.values()]
    assert variables["TMPDIR"] == str(tmp_path)
    assert "MODEL_VERSION" not in variables
    assert server.folder.is_dir()


def test_a_peer_that_does_not_install_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "PEERS", tmp_path)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "requirements.txt").write_text("./absent.whl\n")
    with pytest.raises(Unprepared, match=r"odd does not install .*absent"):
        environments.prepare("odd", tmp_path / "work")
