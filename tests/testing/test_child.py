"""What a process that makes variants can do to the gate: nothing but to fail."""

from collections.abc import Callable
from pathlib import Path

import pytest

from testing import child
from testing.errors import NotMade

Module = Callable[[str], str]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    """Makes a module that the child can run."""
    monkeypatch.setattr(child, "ROOT", tmp_path)

    def make(source: str) -> str:
        (tmp_path / "maker.py").write_text(f"import sys\n{source}\n")
        return "maker"

    return make


def test_it_is_given_its_arguments_and_no_secret(
    module: Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "secret")
    name = module("import os; open(sys.argv[1], 'w').write(str(dict(os.environ)))")
    child.run(name, tmp_path / "said")
    assert "PATH" in (tmp_path / "said").read_text()
    assert "secret" not in (tmp_path / "said").read_text()
    assert "'ORT_DISABLE_TELEMETRY': '1'" in (tmp_path / "said").read_text()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise ValueError('no such operator')", "ValueError: no such operator"),
        ("sys.exit(7)", "exit code 7"),
        ("import os; os.abort()", "SIGABRT"),
        ("sys.stderr.write('x' * 10**6); sys.exit(1)", "^x{300}$"),
        ("sys.stderr.buffer.write(b'\\xff\\xfe'); sys.exit(1)", "�"),
    ],
)
def test_its_end_is_told(source: str, reason: str, module: Module) -> None:
    with pytest.raises(NotMade, match=reason):
        child.run(module(source))


def test_it_may_not_take_too_long(module: Module) -> None:
    with pytest.raises(NotMade, match=r"more than 0\.5 seconds"):
        child.run(module("while True: pass"), seconds=0.5)


def test_it_may_not_take_too_much_memory(module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "MEMORY", 200 << 20)
    with pytest.raises(NotMade, match="MemoryError"):
        child.run(module("import time; time.sleep(0.2); b = bytearray(400 << 20)"))


@pytest.mark.parametrize(
    ("most", "used", "available"),
    [("max", "5", child.MEMORY), ("900", "200", 700), ("100", "200", 0), (None, "5", child.MEMORY)],
)
def test_a_container_s_memory_is_not_exceeded(
    most: str | None, used: str, available: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "CGROUP", tmp_path)
    (tmp_path / "memory.current").write_text(used)
    if most is not None:
        (tmp_path / "memory.max").write_text(most)
    assert child.available() == available
