"""Conditions of IAM bindings: the part of Google's expressions that speaks of a resource's name.

`resource.name` is ``projects/_/buckets/<bucket>/objects/<object>`` for a permission on an object,
existing or not, and ``projects/_/buckets/<bucket>`` for one on the bucket; to list objects is one
on the bucket. See https://cloud.google.com/iam/docs/conditions-resource-attributes and
https://cloud.google.com/iam/docs/conditions-attribute-reference.
"""

import ast
import re
from collections.abc import Callable

METHODS: dict[str, Callable[[str, str], str | bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "extract": lambda name, template: extract(name, template),
}
WORDS = {"&&": " and ", "||": " or "}


def holds(expression: str, resource: str) -> bool:
    """Whether a condition is true of the resource of that name.

    Raises:
        ValueError: the expression says what is not understood here.
    """
    return bool(_value(ast.parse(_as_python(expression), mode="eval").body, resource))


def extract(name: str, template: str) -> str:
    """What stands in ``name`` for the one ``{placeholder}`` of a template; empty if nothing does.

    Where the template goes on behind the placeholder, the value ends at the first place that does.
    """
    before, after = map(re.escape, re.split(r"\{\w*\}", template, maxsplit=1))
    found = re.search(f"{before}(.*?){after}" if after else f"{before}(.*)", name, re.DOTALL)
    return found[1] if found else ""


def _as_python(expression: str) -> str:
    """The same in Python's spelling; what is quoted stays as it is."""
    parts = re.split(r'("[^"\\]*")', expression)
    return "".join(
        part if part.startswith('"') else re.sub(r"&&|\|\|", lambda word: WORDS[word[0]], part)
        for part in parts
    )


def _value(node: ast.expr, resource: str) -> str | bool:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Attribute(value=ast.Name(id="resource"), attr="name"):
            return resource
        case ast.BoolOp(op=operator, values=values):
            together = all if isinstance(operator, ast.And) else any
            return together([bool(_value(each, resource)) for each in values])
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return _value(left, resource) == _value(right, resource)
        case ast.Compare(left=left, ops=[ast.NotEq()], comparators=[right]):
            return _value(left, resource) != _value(right, resource)
        case ast.Call(func=ast.Attribute(value=subject, attr=name), args=[argument], keywords=[]):
            if name in METHODS:
                return METHODS[name](*(str(_value(each, resource)) for each in (subject, argument)))
    raise ValueError(f"a condition says what is not understood here: {ast.unparse(node)}")
