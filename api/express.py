"""Single raw images, answered without what Flask does for every request.

That takes longer than a small model takes for its answer. Only requests that are exactly as
``POST /`` wants them come this way, and whatever goes wrong with them is Flask's to tell, like all
else. So there is one way to refuse, and ``tests/api/test_express.py`` holds that what is answered
here is answered alike there.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from api import access
from api.access import Begun
from api.asking import caller_gone
from api.operation import JSON
from api.payloads import RAW_TYPES
from api.service import Service
from images import NBYTES
from images.raw import from_raw

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

PLAIN = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "CONTENT_LENGTH": str(NBYTES)}


class Express:
    """A WSGI application around ``app`` that answers single raw images by itself."""

    def __init__(self, app: Flask, behind: Service) -> None:
        self._app = app
        self._behind = behind
        # Nothing is to be done for a request but to answer it.
        self._open = behind.accounts is None and behind.audit is None and behind.tracing is None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as WSGI has it (PEP 3333)."""
        if not (self._open and _plain(environ)):
            return self._app(environ, start_response)
        request_id = access.name(environ.get("HTTP_X_REQUEST_ID", ""))
        begun = Begun("POST", "/", request_id, time.monotonic())
        gone = caller_gone(environ)
        try:
            self._behind.holder.require()
            image = from_raw(environ["wsgi.input"].read())
            answer = self._behind.batcher.submit(image, self._behind.request_timeout, gone)
        except Exception as error:
            begun.error = error
            environ[access.BEGUN] = begun
            return self._app(environ, start_response)
        body = b'{"message":"%d"}\n' % answer.index
        headers = [("Content-Type", JSON), ("Content-Length", str(len(body)))]
        start_response("200 OK", [*headers, (access.HEADER, request_id)])
        access.note(self._behind.metrics, begun, "/", 200, answer.version)
        return [body]


def _plain(environ: Environ) -> bool:
    """Whether this is exactly one raw image, and says nothing else of itself."""
    return (
        all(environ.get(name) == value for name, value in PLAIN.items())
        and environ.get("CONTENT_TYPE", "") in ("", *RAW_TYPES)
        and "HTTP_CONTENT_ENCODING" not in environ
    )
