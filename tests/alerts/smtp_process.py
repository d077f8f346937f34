"""The SMTP server of the tests as a child process, and what it has received."""

import email
import email.policy
import os
import select
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

PROGRAM = Path(__file__).with_name("smtp_server.py")
PATIENCE = 30  # seconds; reached only if something is broken


class SMTPServer:
    """A running server.

    Args:
        maildir: where it stores messages.
        options: those of ``smtp_server.py``, without their dashes; True for a bare switch.
    """

    def __init__(self, maildir: Path, **options: str | int) -> None:
        self.maildir = maildir
        maildir.mkdir(exist_ok=True)
        flags = [
            f"--{name}" if value is True else f"--{name}={value}" for name, value in options.items()
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(PROGRAM), f"--maildir={maildir}", *flags],
            stdout=subprocess.PIPE,
        )
        self._unread = ""
        self._seen: list[str] = []
        self.host, _, port = self._next_line(time.monotonic() + PATIENCE).partition(":")
        self.port = int(port)

    @property
    def variables(self) -> dict[str, str]:
        """The environment that sends a process's alerts here, unencrypted."""
        return {
            "ALERT_SMTP_HOST": self.host,
            "ALERT_SMTP_PORT": str(self.port),
            "ALERT_SMTP_TLS": "none",
            "ALERT_SENDER": "classifier@example.com",
            "ALERT_RECIPIENTS": "ops@example.com",
        }

    def wait_for(self, event: str, count: int = 1) -> None:
        """Wait until the server has said ``event`` (``connected``, ``stored``) so many times."""
        deadline = time.monotonic() + PATIENCE
        while sum(line.startswith(event) for line in self._seen) < count:
            self._seen.append(self._next_line(deadline))

    def wait_for_messages(self, count: int = 1) -> list[EmailMessage]:
        """Wait until so many messages have come, and return all that have."""
        self.wait_for("stored", count)
        return self.messages()

    def messages(self) -> list[EmailMessage]:
        """What has come until now, in order."""
        contents = [path.read_bytes() for path in sorted(self.maildir.iterdir())]
        return [
            email.message_from_bytes(content.replace(b"\r\n", b"\n"), policy=email.policy.default)
            for content in contents
        ]

    def stop(self) -> None:
        """End the process, if it has not been; its messages stay."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _next_line(self, deadline: float) -> str:
        assert self._process.stdout is not None
        while "\n" not in self._unread:
            remaining = max(0, deadline - time.monotonic())
            if not select.select([self._process.stdout], [], [], remaining)[0]:
                raise TimeoutError(f"the mail server only said {self._seen}")
            read = os.read(self._process.stdout.fileno(), 65536)
            if not read:
                raise EOFError(f"the mail server has ended after saying {self._seen}")
            self._unread += read.decode()
        line, _, self._unread = self._unread.partition("\n")
        return line
