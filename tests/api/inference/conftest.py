from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.holder import Holder, Snapshot
from api.server import Server, listen
from api.service import Service
from api.settings import ServeSettings
from tests.api.inference.weighted import Weighted

FOREVER = 60.0  # seconds; no test waits for as long unless it fails


@pytest.fixture
def model(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, classifier=Weighted(), labels=Weighted.labels)  # type: ignore[arg-type]


@pytest.fixture
def client(app: Flask, holder: Holder, model: Snapshot) -> FlaskClient:
    holder.swap(model)
    return app.test_client()


@pytest.fixture
def address(service: Service) -> Iterator[str]:
    """Where the service runs, whether or not a model serves, as ``host:port``."""
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = Server(create_app(service), listener, ServeSettings())
    with ThreadPoolExecutor(1) as thread:
        finished = thread.submit(server.run)
        yield f"127.0.0.1:{port}"
        server.stop()
        assert finished.result(FOREVER)
