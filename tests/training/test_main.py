"""``python -m training`` as a person and a pipeline meet it."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.local import LocalBackend
from registry.memory import MemoryBackend
from registry.store import Registry
from tests.alerts.smtp_process import SMTPServer
from training.run import train
from training.settings import TrainSettings

Settings = Callable[..., TrainSettings]
COMMAND = [sys.executable, "-m", "training"]


def run(*flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *flags],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Let a process started here not ignore SIGINT, even if this one was started that way."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def started(variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with interruptible():
        process = subprocess.Popen(
            COMMAND, env=os.environ | variables, stderr=subprocess.PIPE, text=True
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_line(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"the run ended without saying {words!r}")


@pytest.fixture
def variables(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """The environment of a short run into a registry in a folder."""
    fields = settings(epochs=8).model_dump(exclude_defaults=True)
    chosen = {f"TRAIN_{name.upper()}": str(value) for name, value in fields.items()}
    return chosen | {"REGISTRY_URL": f"file:{tmp_path / 'registry'}"}


def test_help_lists_the_settings_without_loading_tensorflow() -> None:
    told = run("--help", PYTHONPROFILEIMPORTTIME="1")
    assert told.returncode == 0
    for name in ("TRAIN_EPOCHS", "REGISTRY_URL", "ALERT_SMTP_HOST", "--batch-size"):
        assert name in told.stdout
    assert "tensorflow" not in told.stderr


@pytest.mark.parametrize(
    ("flags", "variables", "fault"),
    [
        (["--epochs=none"], {}, "--epochs (TRAIN_EPOCHS)"),
        (["--epoch=1"], {}, "--epoch=1"),
        ([], {"TRAIN_EPOCH": "1"}, "did you mean TRAIN_EPOCHS?"),
        ([], {"REGISTRY_URL": "ftp://somewhere"}, "REGISTRY_URL"),
        ([], {"ALERT_SMTP_HOST": "mail"}, "ALERT_SENDER"),
        (["--data=/nowhere/at/all"], {}, "/nowhere/at/all"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(
    flags: list[str], variables: dict[str, str], fault: str
) -> None:
    told = run(*flags, **variables)
    assert told.returncode == 2
    assert fault in told.stderr
    assert "Traceback" not in told.stderr


def test_an_interrupted_a_terminated_and_a_killed_run_end_as_an_undisturbed_one(
    settings: Settings,
    variables: dict[str, str],
    tmp_path: Path,
    smtp_server: Callable[..., SMTPServer],
) -> None:
    mail = smtp_server()
    variables |= mail.variables

    with started(variables) as process:
        wait_for_line(process, "attempt 1, epoch 1:")
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 128 + signal.SIGINT
    assert "[training] interrupted" in mail.wait_for_messages(1)[0]["Subject"]

    with started(variables) as process:
        wait_for_line(process, "attempt 1, epoch 2:")
        process.send_signal(signal.SIGTERM)
        assert "training: terminated" in process.communicate()[1]
        assert process.returncode == 128 + signal.SIGTERM
    assert "[training] interrupted" in mail.wait_for_messages(2)[1]["Subject"]

    with started(variables) as process:
        wait_for_line(process, "attempt 1, epoch 3:")
        process.kill()

    told = run(**variables)
    assert told.returncode == 0, told.stderr
    assert re.search("resuming attempt 1 after epoch [3-8]", told.stderr)

    undisturbed = train(
        settings(epochs=8, work=str(tmp_path / "other")), Registry(MemoryBackend(), "tester")
    )
    registry = Registry(LocalBackend(tmp_path / "registry"), "tester")
    assert registry.versions() == [undisturbed.version]
    assert registry.card(undisturbed.version).history == undisturbed.history
    assert f"Published version {undisturbed.version}" in told.stdout
    assert f"published {undisturbed.version[:12]}" in mail.wait_for_messages(3)[2]["Subject"]


def test_a_poor_model_is_an_alert_and_exit_code_1(
    variables: dict[str, str], smtp_server: Callable[..., SMTPServer], tmp_path: Path
) -> None:
    mail = smtp_server()
    # So small a learning rate leaves the network where it began.
    told = run("--learning-rate=1e-9", "--min-accuracy=1", **variables | mail.variables)
    assert told.returncode == 1
    assert "training: the validation accuracy reached" in told.stderr
    assert "TRAIN_MIN_ACCURACY" in told.stderr
    assert "Traceback" not in told.stderr
    [message] = mail.wait_for_messages(1)
    assert message["Subject"].startswith("[training] failed: the validation accuracy reached")
    assert Registry(LocalBackend(tmp_path / "registry"), "tester").versions() == []


def test_a_terminal_shows_which_epoch_of_how_many_it_is(variables: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | variables
    with subprocess.Popen(
        [*COMMAND, "--epochs=2"], env=environment, stdout=theirs, stderr=subprocess.DEVNULL
    ) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read_terminal(ours), b"")).decode()
    os.close(ours)
    assert process.returncode == 0
    headings = [line for line in shown.splitlines() if "epoch" in line.lower()]
    assert headings[:2] == ["attempt 1, epoch 1/2", "attempt 1, epoch 2/2"]
    assert "Epoch" not in shown
    assert re.search(r"(\d+)/\1.* val_loss: ", shown)  # Keras' bar, full


def read_terminal(descriptor: int) -> bytes:
    """What was written to a terminal; nothing once its last writer has gone."""
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux reports the end in this way
        return b""
