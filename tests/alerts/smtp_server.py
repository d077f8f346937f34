"""A real SMTP server for tests, in a process of its own.

    python tests/alerts/smtp_server.py --port 0 --maildir DIR [--tls starttls --certificate PEM] ...

Its first line on standard output is its address. After that it writes a line for each thing that a
test may wait for: ``connected``, and ``stored NAME`` when a message lies in DIR.
"""

import argparse
import asyncio
import itertools
import ssl
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


def tell(line: str) -> None:
    """Write a line that a test can wait for."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Handler:
    """Stores messages as files, and refuses what it is told to refuse."""

    def __init__(self, maildir: Path, refuse: str, busy: int) -> None:
        self._maildir = maildir
        self._refuse = refuse
        self._busy = busy
        self._numbers = itertools.count(len(list(maildir.iterdir())))

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Refuse one address for good."""
        if address == self._refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Store the message, once the first few were put off."""
        if self._busy > 0:
            self._busy -= 1
            return "451 try again later"
        name = f"{next(self._numbers):04d}.eml"
        content = envelope.content
        assert isinstance(content, bytes)
        (self._maildir / name).write_bytes(content)
        tell(f"stored {name}")
        return "250 OK"


class Connection(SMTP):
    """Says when a client has connected: once, although STARTTLS connects twice."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.transport is None:
            tell("connected")
        super().connection_made(transport)


class Silent(asyncio.Protocol):
    """Accepts a connection and never says a word."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        tell("connected")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--maildir", type=Path, required=True)
    parser.add_argument("--tls", choices=["none", "starttls", "tls"], default="none")
    parser.add_argument("--certificate", help="PEM of the server's key and certificate chain")
    parser.add_argument("--user", help="required to log in, with --password")
    parser.add_argument("--password")
    parser.add_argument("--refuse", default="", help="a recipient that does not exist")
    parser.add_argument("--busy", type=int, default=0, help="messages to put off before any")
    parser.add_argument("--silent", action="store_true", help="accept connections, say nothing")
    return parser.parse_args()


async def serve(options: argparse.Namespace) -> None:
    """Listen until killed."""
    context = None
    if options.tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate)
    handler = Handler(options.maildir, options.refuse, options.busy)

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        expected = LoginPassword(options.user.encode(), options.password.encode())
        return AuthResult(success=data == expected, handled=False)

    def connection() -> asyncio.BaseProtocol:
        if options.silent:
            return Silent()
        starttls = options.tls == "starttls"
        return Connection(
            handler,
            hostname="localhost",
            tls_context=context if starttls else None,
            require_starttls=starttls,
            auth_required=options.user is not None,
            auth_require_tls=starttls,  # of implicit TLS aiosmtpd does not know
            authenticator=authenticate if options.user is not None else None,
        )

    listener = await asyncio.get_running_loop().create_server(
        connection, "127.0.0.1", options.port, ssl=context if options.tls == "tls" else None
    )
    host, port = listener.sockets[0].getsockname()
    tell(f"{host}:{port}")
    await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
