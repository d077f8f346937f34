"""``classify IMAGE ...``, or ``python -m client IMAGE ...``: what a classifier says of images."""

import argparse
import math
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from client.client import RETRIES, TIMEOUT, Client
from client.errors import ClientError, Refused
from client.predictions import Prediction
from client.text import as_json, as_line, printable

URL = "http://127.0.0.1:8000"
STDIN = "-"
UNREADABLE = 1  # exit code

CODES = """\
exit codes:
  0  every image was classified
  1  an image was not: its file cannot be read, or the service refuses it; others were tried
  2  the command was called wrong
  3  the service cannot be reached, cannot answer now, or is none
  4  the service asks for a token, or for another one
"""


def main(argv: Sequence[str]) -> int:
    """Classify images one after another, print what they are, and return the exit code."""
    arguments = _parse(argv)
    try:
        with Client(
            arguments.url, arguments.token, timeout=arguments.timeout, retries=arguments.retries
        ) as client:
            return max(_codes(client, arguments))
    except ClientError as error:
        _complain(str(error))
        return error.exit_code


def script() -> int:
    """Run the command as a shell has it: interrupted it returns 130, and unread 141."""
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (
        BrokenPipeError
    ):  # the reader of what is printed has gone; Python would say so at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return code


def _codes(client: Client, arguments: argparse.Namespace) -> Iterator[int]:
    """What became of each image."""
    for name in arguments.images:
        try:
            prediction = _classify(client, name, arguments)
        except OSError as error:
            _complain(f"{error.filename or name}: {error.strerror}")
            yield UNREADABLE
        except Refused as error:
            _complain(f"{name}: {'; '.join(error.faults) or error}")
            yield error.exit_code
        else:
            sys.stdout.write(f"{_line(name, prediction, arguments)}\n")
            yield 0


def _classify(client: Client, name: str, arguments: argparse.Namespace) -> Prediction:
    prediction = client.classify(
        sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes(),
        proba=arguments.top > 1,
        explain=arguments.explain is not None,
        threshold=arguments.threshold,
    )
    if arguments.explain is not None and prediction.explanation:
        arguments.explain.write_bytes(prediction.explanation.overlay)
    return prediction


def _line(name: str, prediction: Prediction, arguments: argparse.Namespace) -> str:
    if arguments.json:
        return as_json(name, prediction, arguments.top)
    line = as_line(prediction, arguments.top)
    return printable(f"{name}: {line}" if len(arguments.images) > 1 else line)


def _complain(sentence: str) -> None:
    sys.stdout.flush()  # so that a terminal shows them in order
    sys.stderr.write(f"classify: {printable(sentence)}\n")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="classify",
        description="Ask an image classifier what images are.",
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="a PNG, JPEG, WebP or BMP file; - for stdin"
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("CLASSIFIER_URL") or URL,
        help=f"where the service is (CLASSIFIER_URL, else {URL})",
    )
    parser.add_argument(
        "--token",
        default=os.environ.get("CLASSIFIER_TOKEN", ""),
        help="who asks; in CLASSIFIER_TOKEN other users of this machine do not see it",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object for each image")
    parser.add_argument(
        "--top", type=_positive, default=1, metavar="N", help="name the N likeliest classes"
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="P",
        help="say `other` below this confidence, 0 to 1 (the service's own)",
    )
    parser.add_argument(
        "--explain", type=Path, metavar="PNG", help="write what speaks for the class over the image"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=TIMEOUT,
        metavar="S",
        help=f"seconds to wait for a connection, and for each answer ({TIMEOUT:g})",
    )
    parser.add_argument(
        "--retries",
        type=int,
        default=RETRIES,
        metavar="N",
        help=f"how often to ask again where that may help ({RETRIES})",
    )
    arguments = parser.parse_args(argv)
    if arguments.explain is not None and len(arguments.images) > 1:
        parser.error("--explain takes one image at a time")
    return arguments


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError("it must be more than 0")
    return seconds


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(script())
