"""Requests of which one reader sees another end than the next, so that a second one hides in them.

What hides asks for a path that nothing else asks for (RFC 9112, sections 2.2, 6 and 11.2).
"""

import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

PATH = "/hidden"
HIDDEN = f"GET {PATH} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
END = b"0\r\n\r\n"

LENGTHS = ("+0", "-0", "0x0", "0,0", "0;", '"0"', "0_0", "0.0", "\x0b0", "0\x0c", "0 0", "0\x00")
CODINGS = (
    "Transfer-Encoding: chunked",
    "transfer-encoding:chunked",
    "tRANSFER-eNCODING:\tchunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding\t: chunked",
    " Transfer-Encoding: chunked",
    "Transfer-Encoding:\r\n chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: identity, chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding: 'chunked'",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: chunked\x00",
    "Transfer-Encoding:",
    "X: y\nTransfer-Encoding: chunked",
    "X: y\rTransfer-Encoding: chunked",
)
LAST_CHUNKS = (
    b"0\n\n",
    b"0\r\n\n",
    b"0\n\r\n",
    b"0\r\r\n\r\n",
    b"0x0\r\n\r\n",
    b"0_0\r\n\r\n",
    b"+0\r\n\r\n",
    b"-0\r\n\r\n",
    b" 0\r\n\r\n",
    b"\r\n\r\n",
    b"g\r\n\r\n",
    b"0;a=\nb\r\n\r\n",
    b"0;a\r\r\n\r\n",
    b"0\r\nX: y\n\r\n",
    b"10000000000000000\r\n\r\n",
)
CUT_CHUNKS = (b"5\r\nhello0\r\n\r\n", b"5\r\nhel\r\n0\r\n\r\n", b"5\r\nhelloXX0\r\n\r\n")


def requests() -> Iterator[bytes]:
    """Every one of them."""
    size = len(HIDDEN)
    yield _post(f"Content-Length: 0\r\nContent-Length: {size}", HIDDEN)
    yield _post(f"Content-Length: {size}\r\nContent-Length: 0", HIDDEN)
    yield _post(f"Content-Length: {size}\r\nContent-Length: {size}", HIDDEN)
    yield _post(f"Content-Length: 0, {size}", HIDDEN)
    yield _post("Content-Length : 0", HIDDEN)
    yield from (_post(f"Content-Length: {length}", HIDDEN) for length in LENGTHS)
    in_a_chunk = b"%x\r\n" % size + HIDDEN + b"\r\n" + END
    for coding in CODINGS:
        yield _post(f"Content-Length: {len(END) + size}\r\n{coding}", END + HIDDEN)
        yield _post(f"{coding}\r\nContent-Length: {len(END) + size}", END + HIDDEN)
        yield _post(f"Content-Length: {in_a_chunk.index(HIDDEN)}\r\n{coding}", in_a_chunk)
    for last in LAST_CHUNKS:
        yield _post("Transfer-Encoding: chunked", last + HIDDEN)
        yield _post("Transfer-Encoding: chunked", b"1\r\nx\r\n" + last + HIDDEN)
    for cut in CUT_CHUNKS:
        yield _post("Transfer-Encoding: chunked", cut + HIDDEN)
    bare = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n".replace(b"\r\n", b"\n")
    yield bare + HIDDEN
    yield _post("Transfer-Encoding: chunked", END + HIDDEN).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    yield _post(f"Content-Length: {len(END) + size}\r\nTransfer_Encoding: chunked", END + HIDDEN)
    yield _post(f"Expect: 100-continue\r\nContent-Length: {size}", HIDDEN)
    yield f"GET /health HTTP/1.1\r\nHost: test\r\nContent-Length: {size}\r\n\r\n".encode() + HIDDEN


def _post(headers: str, body: bytes) -> bytes:
    return f"POST / HTTP/1.1\r\nHost: test\r\n{headers}\r\n\r\n".encode() + body


def answers(connection: socket.socket, request: bytes) -> bytes:
    """All that comes for these bytes, and nothing after them."""
    received = b""
    with connection, suppress(OSError):  # a reset says no too
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        while block := connection.recv(65536):
            received += block
    return received


def glimpse(connections: Sequence[socket.socket], seconds: float) -> None:
    """Wait until there is something to be read on each, or for so long, and close them."""
    deadline = time.monotonic() + seconds
    waiting = set(connections)
    while waiting and (left := deadline - time.monotonic()) > 0:
        waiting -= set(select.select(list(waiting), [], [], left)[0])
    for connection in connections:
        connection.close()
