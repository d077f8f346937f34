"""An application on its server, in a thread of the test's own process."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from flask import Flask

from api.server import Server, listen
from api.settings import ServeSettings

FOREVER = 60.0  # seconds; no test waits for as long unless it fails


@contextmanager
def served(
    app: Flask, quick: Collection[tuple[str, str]] = (), port: int = 0, **limits: float
) -> Iterator[str]:
    """A block in which it is served at the URL that is given; at its end all is answered.

    Args:
        app: the application.
        quick: what the server answers without a thread.
        port: where it listens; 0 for a free one.
        limits: of :class:`api.settings.ServeSettings`.
    """
    listener = listen("127.0.0.1", port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = Server(app, listener, ServeSettings(**limits), quick)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as thread:
        finished = thread.submit(server.run)
        try:
            yield url
        finally:
            server.stop()
        assert finished.result(FOREVER)
