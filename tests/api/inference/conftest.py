from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.holder import Holder, Snapshot
from api.service import Service
from tests.api.inference.weighted import Weighted
from tests.api.served import served


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
    with served(create_app(service)) as url:
        yield url.removeprefix("http://")
