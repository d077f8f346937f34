"""The description of the interface: whole, valid, and true of the running service."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from jsonschema import Draft202012Validator
from openapi_pydantic import OpenAPI
from pydantic import SecretStr

from api.app import create_app
from api.audit.open import open_trail
from api.audit.settings import AuditSettings
from api.audit.trail import Trail
from api.holder import Holder, Snapshot
from api.service import Service
from classifier.explanation import GRID, Check, Explanation, unchecked
from database.database import open_database
from database.settings import DatabaseSettings
from images import Images
from registry.verdict import Verdict
from tests.api.described import check_as_described
from tests.api.first_pixel import FirstPixel
from tests.api.served import FOREVER, served

VERDICT = Verdict("1", "a" * 64, "", True, (), {"accuracy": 0.9}, "f", "2026-01-01T00:00:00Z")

PAGES = {"/docs", "/docs/<name>", "/page/<name>"}  # for people, where they are got


@pytest.fixture
def document(app: Flask) -> Any:
    return app.test_client().get("/openapi.json").json


def test_the_document_is_valid_and_describes_every_route(app: Flask, document: Any) -> None:
    OpenAPI.model_validate(document)
    described = {
        (re.sub(r"\{(\w+)\}", r"<\1>", path), method.upper())
        for path, item in document["paths"].items()
        for method in item
    }
    there = {
        (rule.rule, method) for rule in app.url_map.iter_rules() for method in rule.methods or ()
    }
    pages = {(page, "GET") for page in PAGES}
    assert described == {each for each in there if each[1] not in {"HEAD", "OPTIONS"}} - pages


def test_every_operation_says_what_it_does_and_how_it_may_end(document: Any) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["summary"].endswith(".")
            assert {"200", "405", "500"} <= set(operation["responses"])


def test_every_field_has_an_example_that_fits(document: Any) -> None:
    components = document["components"]["schemas"]
    for name, model in components.items():
        for field, schema in model["properties"].items():
            nested = "$ref" in str(schema)
            assert nested or "const" in schema or schema["examples"], (name, field)
            whole = schema | {"components": document["components"]}
            for example in schema.get("examples", []):
                Draft202012Validator(whole).validate(example)


def test_the_page_loads_nothing_from_elsewhere(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/docs")
    assert page.content_type == "text/html; charset=utf-8"
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    loaded = re.findall(r'(?:src|href)="(.*?)"', page.text)
    assert loaded
    for path in loaded:
        asset = client.get(f"/{path}")
        assert asset.status_code == 200, path
        assert asset.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<style|<script>|\son\w+=", page.text)


@pytest.mark.parametrize("name", ["x.js", "..%2f..%2f__init__.py", "__init__.py", "js"])
def test_nothing_else_of_the_package_is_shown(app: Flask, name: str) -> None:
    assert app.test_client().get(f"/docs/{name}").status_code == 404


class AtALoss(FirstPixel):
    """A model whose explanations take no time."""

    def explain(self, image: Images, index: int, check: Check = unchecked) -> Explanation:
        return Explanation("rise", index, np.zeros((GRID, GRID)))


@pytest.fixture
def trail(service: Service, tmp_path: Path) -> Iterator[Trail]:
    """An audit trail in a file."""
    file = DatabaseSettings(url=SecretStr(f"sqlite:///{tmp_path}/database.sqlite"))
    database = open_database(file)
    trail = open_trail(AuditSettings(public=True), database, service.alerts)
    trail.start()
    yield trail
    assert trail.stop(FOREVER)
    database.close()


@pytest.fixture
def url(service: Service, holder: Holder, snapshot: Snapshot, trail: Trail) -> Iterator[str]:
    """Where the service runs."""
    holder.swap(replace(snapshot, verdict=VERDICT, classifier=AtALoss()))
    with served(create_app(replace(service, audit=trail))) as url:
        yield url


@pytest.mark.timeout(1800)
def test_schemathesis_finds_the_service_as_described(url: str, tmp_path: Path) -> None:
    check_as_described(url, tmp_path, 20, SCHEMATHESIS_HOOKS="tests.api.strategies")
