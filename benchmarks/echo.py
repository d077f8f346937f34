"""``python -m benchmarks.echo``: what HTTP alone costs on the service's own WSGI server.

It receives the same bytes and sends an answer of the same kind, without Flask, log, queue or model.
"""

import signal
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

from api.app import QUICK
from api.server import Server, listen
from api.settings import ServeSettings
from process.settings import read

ANSWER = b'{"message":"0"}\n'

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Read all that was sent, and answer."""
    environ["wsgi.input"].read()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(ANSWER)))]
    start_response("200 OK", headers)
    return [ANSWER]


def main() -> int:
    """Serve until SIGTERM."""
    settings = read(ServeSettings)
    server = Server(application, listen(settings.host, settings.port), settings, QUICK)

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stop()

    signal.signal(signal.SIGTERM, stop)
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
