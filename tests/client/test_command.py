"""The command ``classify``, as a process and in this one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from client.__main__ import main
from tests.api.processes import ROOT, WITHIN
from tests.client.pictures import picture
from tests.client.test_client import EXPLAINED, GOOD, answer
from tests.light_versions import Light
from tests.nginx.upstream import Upstream
from tests.ports import free_port


def classify(*arguments: str, stdin: bytes = b"", **variables: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a process."""
    ended = subprocess.run(
        [sys.executable, "-m", "client", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        input=stdin,
        capture_output=True,
        timeout=WITHIN,
        check=False,
    )
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


@pytest.fixture
def images(tmp_path: Path) -> dict[str, str]:
    """Names of image files by their colour, and of a text."""
    contents = {colour: picture(colour) for colour in ("red", "green", "blue")}
    for name, content in {**contents, "text": b"words"}.items():
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in (*contents, "text")}


def test_one_image_is_one_line(service: str, images: dict[str, str]) -> None:
    code, out, err = classify(images["red"], f"--url={service}")
    assert (code, err) == (0, "")
    assert out.split()[0] == "red"
    assert classify("-", stdin=picture("blue"), CLASSIFIER_URL=service)[1].startswith("blue ")


def test_several_are_named_in_order(
    service: str, images: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    names = [images[colour] for colour in ("blue", "red", "green", "red")]
    assert main([*names, f"--url={service}"]) == 0
    lines = [line.rsplit(" ", 1)[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == [f"{name}: {Path(name).name}" for name in names]


def test_the_likeliest_classes(
    service: str, images: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([images["green"], f"--url={service}", "--top=2"]) == 0
    first, second = capsys.readouterr().out.split(", ")
    assert first.startswith("green 9")
    assert second.split()[0] in ("red", "blue")
    assert main([images["green"], f"--url={service}", "--top=1", "--threshold=1"]) == 0
    assert capsys.readouterr().out.startswith("other ")
    assert main([images["green"], f"--url={service}", "--top=2", "--threshold=1"]) == 0
    assert capsys.readouterr().out.startswith("other: green ")


def test_json_has_all_that_is_known(
    service: str, light: Light, images: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([images["red"], images["blue"], f"--url={service}", "--json", "--top=2"]) == 0
    red, blue = map(json.loads, capsys.readouterr().out.splitlines())
    assert (red["file"], red["label"], red["index"]) == (images["red"], "red", 0)
    assert (blue["label"], blue["version"]) == ("blue", light.version)
    assert [len(each["probabilities"]) for each in (red, blue)] == [2, 2]
    assert red["probabilities"]["red"] == red["confidence"]
    assert red["request_id"] != blue["request_id"]
    assert "explanation" not in red


def test_what_cannot_be_classified_does_not_keep_the_rest_from_it(
    service: str, images: dict[str, str], tmp_path: Path
) -> None:
    names = [images["text"], str(tmp_path / "nowhere"), str(tmp_path), images["red"]]
    code, out, err = classify(*names, f"--url={service}")
    assert code == 1
    assert out.startswith(f"{images['red']}: red ")
    text, nowhere, folder = err.splitlines()
    assert text.startswith(f"classify: {images['text']}: this is not a PNG")
    assert nowhere == f"classify: {tmp_path}/nowhere: No such file or directory"
    assert folder == f"classify: {tmp_path}: Is a directory"


def test_what_speaks_for_the_class_is_written_over_the_image(
    upstream: Upstream,
    images: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = answer({**GOOD, "explanation": EXPLAINED})
    upstream.behave = lambda handler: handler.answer(200, **document)
    wanted = [images["red"], f"--url=http://127.0.0.1:{upstream.port}", "--json"]
    assert main([*wanted, f"--explain={tmp_path / 'out.png'}"]) == 0
    assert (tmp_path / "out.png").read_bytes() == b"heat"
    assert json.loads(capsys.readouterr().out)["explanation"]["method"] == "rise"
    assert main([*wanted, f"--explain={tmp_path / 'nowhere' / 'out.png'}"]) == 1
    assert "nowhere/out.png: No such file" in capsys.readouterr().err


def test_the_token_comes_from_the_environment_or_a_flag(
    upstream: Upstream, images: dict[str, str]
) -> None:
    refusal: dict[str, Any] = {"detail": "who are you?", "request-id": "id", "errors": []}
    upstream.behave = lambda handler: handler.answer(401, **refusal)
    url = f"--url=http://127.0.0.1:{upstream.port}"
    ended = classify(images["red"], images["blue"], url, CLASSIFIER_TOKEN="one")
    assert ended == (4, "", "classify: who are you?\n")
    assert classify(images["red"], url, "--token=two", CLASSIFIER_TOKEN="one")[0] == 4
    assert [heard["Authorization"] for heard in upstream.requests] == ["Bearer one", "Bearer two"]


def test_one_that_cannot_be_reached_ends_it(images: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    code, out, err = classify(images["red"], images["blue"], f"--url={url}", "--retries=1")
    assert (code, out) == (3, "")
    assert err == f"classify: {url} does not answer: Connection refused\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "IMAGE"),
        (("a.png", "--url=nowhere"), "'nowhere' is no address: give it as http://host:port"),
        (("a.png", "--top=0"), "1 or more"),
        (("a.png", "--timeout=0"), "more than 0"),
        (("a.png", "--timeout=nan"), "more than 0"),
        (
            ("a.png", "--token=one\ntwo"),
            "classify: the token has a line break or the like in it: give",
        ),
        (("a.png", "b.png", "--explain=c.png"), "--explain takes one image at a time"),
    ],
)
def test_what_is_called_wrong_says_so(arguments: tuple[str, ...], sentence: str) -> None:
    code, out, err = classify(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err


def test_the_help_has_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert all(f"\n  {code}  " in out for code in range(5))


def test_nobody_reads_what_it_prints(service: str, images: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        ended = subprocess.run(
            [sys.executable, "-m", "client", images["red"], f"--url={service}"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=closed,
            stderr=subprocess.PIPE,
            timeout=WITHIN,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (141, b"")
