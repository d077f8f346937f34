"""The examples in Google's reference of conditions, and what is left out of them here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gcs.conditions import extract, holds

BUCKET = "projects/_/buckets/models"


@pytest.mark.parametrize(
    ("expression", "resource", "true"),
    [
        ('resource.name == "projects/_/buckets/models"', BUCKET, True),
        ('resource.name == "projects/_/buckets/models"', f"{BUCKET}/objects/a", False),
        ('resource.name.startsWith("projects/_/buckets/models")', f"{BUCKET}/objects/a", True),
        ('resource.name.startsWith("a") || resource.name.endsWith("b")', "b", True),
        ('resource.name.startsWith("a") && resource.name.endsWith("b")', "b", False),
        ('resource.name == "a" || resource.name == "b" && resource.name == "c"', "a", True),
        ('resource.name == "a && b || c"', "a && b || c", True),
        ('resource.name.extract("/order-{id}") != ""', "x/order-7", True),
    ],
)
def test_conditions(expression: str, resource: str, true: bool) -> None:
    assert holds(expression, resource) is true


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("/order_date={date}/", "2019-11-03"),
        ("buyer={name}/", ""),
        ("{start}/objects/data_lake", "projects/_/buckets/acme-orders-aaa"),
        ("orders/{end}", "order_date=2019-11-03/aef87g87ae0876"),
        ("orders/{empty}order_date", ""),
        ("/orders/{none}/order_date=", ""),
    ],
)
def test_what_a_template_extracts(template: str, value: str) -> None:
    name = "projects/_/buckets/acme-orders-aaa/objects/data_lake/orders/order_date=2019-11-03/"
    assert extract(f"{name}aef87g87ae0876", template) == value


@given(st.text("ab/"), st.text("ab/"), st.text("ab/"))
def test_what_is_extracted_stands_between_what_surrounds_it(a: str, b: str, c: str) -> None:
    value = extract(f"^{a}<{b}>{c}$", "<{value}>")
    assert value == b


@pytest.mark.parametrize(
    "expression",
    ['resource.type == "a"', 'resource.name.matches("a")', "request.time", "resource.name < 'a'"],
)
def test_what_is_not_understood_is_not_taken_for_true(expression: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        holds(expression, BUCKET)
