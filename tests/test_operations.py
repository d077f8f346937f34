"""docs/operations.md lists every alert that can be sent, and no other.

The subjects are read from the source: an alert whose subject cannot be told from there fails here.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from alerts import text
from alerts.alert import Alert
from alerts.limiter import Decision, Outcome

ROOT = Path(__file__).parent.parent
CATALOGUE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
GAP = "<>"  # in place of what differs from one alert to the next
Function = ast.FunctionDef


class Module:
    """A module's source, and what the expressions in it can be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tree = ast.parse(path.read_text(encoding="utf-8"))
        self._functions = [each for each in ast.walk(self._tree) if isinstance(each, Function)]

    def subjects(self) -> Iterator[str]:
        """The subject of each alert that is made here."""
        for call in self._calls("Alert"):
            yield from self._texts(_argument(call, "subject", 1), call)

    def _calls(self, name: str) -> Iterator[ast.Call]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and _name(node.func) == name:
                yield node

    def _texts(self, expression: ast.expr, where: ast.AST) -> Iterator[str]:
        """What a text can be; ``where`` is the node that it is used in."""
        match expression:
            case ast.Constant(value=str(constant)):
                yield constant
            case ast.JoinedStr(values=parts):
                yield "".join(str(p.value) if isinstance(p, ast.Constant) else GAP for p in parts)
            case ast.Attribute(attr="subject"):  # of the arguments of a command
                yield GAP
            case ast.Name(id=name):
                yield from self._named(name, where)
            case ast.Call(func=ast.Name(id=name)):
                yield from self._returned(name)
            case _:
                raise AssertionError(f"{self.path}: what can {ast.unparse(expression)} be?")

    def _named(self, name: str, where: ast.AST) -> Iterator[str]:
        """What a constant of the module or a parameter of a function can be."""
        function = self._around(where)
        names = [each.arg for each in function.args.args] if function else []
        if function and name in names:
            index = names.index(name) - (names[0] == "self")
            for call in self._calls(function.name):
                yield from self._texts(_argument(call, name, index), call)
            return
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if name in map(_name, targets):
                    yield from self._texts(node.value, node)

    def _returned(self, name: str) -> Iterator[str]:
        for function in self._functions:
            if function.name == name:
                for node in ast.walk(function):
                    if isinstance(node, ast.Return) and node.value:
                        yield from self._texts(node.value, node)

    def _around(self, node: ast.AST) -> Function | None:
        """The innermost function that holds a node."""
        holding = [each for each in self._functions if node in set(ast.walk(each))]
        return min(holding, key=lambda each: len(list(ast.walk(each))), default=None)


def _name(expression: ast.expr) -> str:
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _argument(call: ast.Call, name: str, index: int) -> ast.expr:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    return named.get(name) or call.args[index]


def programs() -> dict[str, set[str]]:
    """The subjects that each program sends, by the name that they begin with."""
    services: dict[str, set[str]] = {}
    for package in sorted({path.parent for path in ROOT.glob("*/__init__.py")}):
        modules = sorted(package.rglob("*.py"))
        subjects = {each for path in modules for each in Module(path).subjects()}
        opened = {
            name
            for path in modules
            for name in re.findall(r'open_alerts\([^"]*"(\w+)"\)', path.read_text(encoding="utf-8"))
        }
        if subjects:
            assert len(opened) == 1, f"{package.name} sends alerts under the names {opened}"
            services[opened.pop()] = subjects
    capped = text.subject(Alert("", "", ""), Decision(Outcome.NOTICE), "any")
    services["any"] = {capped.removeprefix("[any] ")}
    services["delivery"] = set(_scripts())
    services["jenkins"] = set(_pipeline())
    return services


def _scripts() -> Iterator[str]:
    """What the stages of a delivery give to ``python -m jenkins.notify``."""
    for path in (ROOT / "jenkins" / "stages").rglob("*"):
        if path.is_file() and "jenkins.notify" in (script := path.read_text("utf-8")):
            found = re.findall(r'subject="(.*?)"', script)
            assert found, f"{path} sends alerts without a subject"
            yield from (re.sub(r"\$\{.*?\}|\$\w+", GAP, each) for each in found)


def _pipeline() -> Iterator[str]:
    """What the pipelines themselves mail, by the events that they tell."""
    for path in (ROOT / "Jenkinsfile", *(ROOT / "jenkins").glob("*Jenkinsfile")):
        script = path.read_text(encoding="utf-8")
        told = re.findall(r"^ +tell ([^,]+),", script, re.MULTILINE)
        events = [event.strip("'") if event.startswith("'") else GAP for event in told]
        for subject in re.findall(r'subject: "(?:\[jenkins\] )?(.*?)"', script):
            for event in events if "${event}" in subject else [""]:
                yield re.sub(r"\$\{.*?\}", GAP, subject.replace("${event}", event))


def documented() -> dict[str, set[str]]:
    """The subjects in the catalogue, by the program whose table they stand in."""
    tables = re.findall(r"<!-- alerts: (\w+) -->\n(.*?)\n<!-- end -->", CATALOGUE, re.DOTALL)
    return {
        name: {
            re.sub(r"<.*?>", GAP, subject)
            for subject in re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
        }
        for name, table in tables
    }


def test_the_catalogue_has_every_alert_and_no_other() -> None:
    assert documented() == programs()


def test_every_entry_says_why_and_what_to_do() -> None:
    tables = re.findall(r"<!-- alerts: \w+ -->\n(.*?)\n<!-- end -->", CATALOGUE, re.DOTALL)
    rows = [row for table in tables for row in table.splitlines()[2:]]
    assert rows
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 3, row
        assert all(cells), row
