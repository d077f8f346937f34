"""The virtual environments of the peers, one each, as their libraries do not fit together."""

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.errors import Unprepared

PEERS = Path(__file__).parent / "peers"
DONE = "installed"  # the file that says what is installed, once all of it is
LONGEST_REASON = 300  # characters of pip's last words


def prepare(peer: str, work: Path) -> Path:
    """The folder of programs of the peer's environment, installed now if it is not yet.

    Raises:
        Unprepared: pip could not install what the peer's requirements pin.
    """
    requirements = PEERS / peer / "requirements.txt"
    folder = work.resolve() / "peers" / peer
    done, wanted = folder / DONE, hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not done.exists() or done.read_text() != wanted:
        done.unlink(missing_ok=True)
        _run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], peer)
        pip = [sys.executable, "-m", "pip", "--python", f"{folder}/bin/python", "install"]
        pip += ["--quiet", "--disable-pip-version-check", "--require-hashes"]
        _run([*pip, "-r", str(requirements)], peer)
        done.write_text(wanted)
    return folder / "bin"


def _run(command: list[str], peer: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        reason = " ".join(ended.stderr.split())[-LONGEST_REASON:]
        raise Unprepared(f"{peer} does not install with {Path(sys.executable).name}: ...{reason}")
