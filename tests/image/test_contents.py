"""What is in the images, and what is not."""

import functools
import re
import subprocess
from pathlib import Path

import pytest

from tests.image.containers import inspect, python, run
from tests.test_dockerfile import TARGETS, copied
from tests.test_requirements import PINNED, pins

ROOT = Path(__file__).parent.parent.parent

# The most MB (1e6 bytes) of each image, as podman counts them.
LARGEST = {"api": 1450, "api-slim": 550, "training": 1550, "testing": 1750}

UNWANTED = re.compile(
    r"/s?bin/(pip[\d.]*|uv|gcc|cc|c\+\+|g\+\+|ld|as|strip|make|git|curl|wget)$|/ensurepip$"
    r"|/site-packages/pip[-/]|\.whl$|/pip\.conf$|/requirements\.txt$"
    r"|/\.(cache|git|venv|netrc|ssh)$|^/var/lib/apt/lists/.|\.deb$"
    r"|^/app/var|(private|signing)[^/]*\.pem$|\.key$"
)


@functools.cache
def files(target: str, *tests: str) -> list[str]:
    """The paths in an image that ``find`` finds, as root."""
    given = ("--user=0", "--cap-add=dac_read_search", "--entrypoint=find")
    result = run(target, "/", "-xdev", *tests, given=given)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


@pytest.mark.parametrize("target", TARGETS)
def test_it_is_no_larger_than_need_be(target: str) -> None:
    assert inspect(target)["Size"] / 1e6 <= LARGEST[target]


@pytest.mark.parametrize("target", TARGETS)
def test_no_installer_compiler_cache_or_secret_is_in_it(target: str) -> None:
    assert [path for path in files(target) if UNWANTED.search(path)] == []


@pytest.mark.parametrize("target", TARGETS)
def test_of_ours_it_has_what_is_copied_and_no_more(target: str) -> None:
    top = {path.split("/")[2] for path in files(target) if path.startswith("/app/")}
    assert top == {source for source in copied(target) if not source.startswith("requirements")}


@pytest.mark.parametrize("target", TARGETS)
def test_it_has_the_pinned_libraries_and_no_other(target: str) -> None:
    code = (
        "from importlib.metadata import distributions as all\n"
        "print(*{d.name.lower().replace('_', '-') + '==' + d.version for d in all()}, sep='\\n')"
    )
    pinned = pins(PINNED[target])
    assert set(python(target, code).split()) == {f"{n}=={v}" for n, (v, _) in pinned.items()}


@pytest.mark.parametrize("target", TARGETS)
def test_every_module_is_compiled(target: str) -> None:
    sources = [path for path in files(target) if re.match(r"/(app|opt)/.*\.py$", path)]
    assert sources
    wanted = {re.sub(r"([^/]*)\.py$", r"__pycache__/\1.cpython-311.pyc", s) for s in sources}
    assert wanted - set(files(target)) == set()


@pytest.mark.parametrize("target", TARGETS)
def test_its_user_owns_nothing_else_and_gains_no_rights(target: str) -> None:
    assert inspect(target)["User"] == "10001"
    assert files(target, "-type", "f", "-perm", "/6000") == []
    writable = files(
        target, "(", "-user", "10001", "-o", "-perm", "-o+w", ")", "-not", "-type", "l"
    )
    assert {*writable} <= {"/tmp", "/var/lib/classifier", "/var/tmp", "/run/lock"}


@pytest.mark.parametrize("target", TARGETS)
def test_its_labels_say_what_it_was_built_from(target: str) -> None:
    prefix = "org.opencontainers.image."
    labels = {k.removeprefix(prefix): v for k, v in inspect(target)["Labels"].items()}
    assert labels["title"] == f"classifier-{target}"
    assert labels["licenses"] == "MIT"
    commit = ("git", "cat-file", "-e", labels["revision"].removesuffix("-dirty"))
    subprocess.run(commit, cwd=ROOT, check=True)
    assert f'version = "{labels["version"]}"' in (ROOT / "pyproject.toml").read_text()
    assert labels["source"]
