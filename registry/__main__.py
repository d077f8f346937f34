"""The registry's command: see what is in which stage, promote and roll back by hand, check.

python -m registry list
python -m registry show [VERSION|testing|production]
python -m registry card [VERSION|testing|production] [--html] [--output FILE]
python -m registry promote VERSION --why WHY [--force]
python -m registry rollback --why WHY [--to VERSION]
python -m registry verify
python -m registry doctor [--role training|gate|service]
python -m registry keygen
"""

import argparse
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, get_args

from process.command import run, subcommands
from process.logs import LogSettings, configure
from process.settings import command_parser, read
from registry import describe, document, evidence, keys, names
from registry.errors import AmbiguousVersion, BadKey, Corrupt, NotFound, Unwritable
from registry.open import location, open_registry
from registry.record import Stage, StageState
from registry.roles import Role
from registry.settings import RegistrySettings
from registry.store import Registry

logger = logging.getLogger(__name__)

A = TypeVar("A")
B = TypeVar("B")

STAGES: tuple[Stage, ...] = get_args(Stage)


def main(argv: Sequence[str]) -> int:
    """Run one of the commands and return the exit code: 1 where something is wrong."""
    arguments = _parser().parse_args(argv)
    configure(read(LogSettings))
    settings = read(RegistrySettings)
    command: Callable[..., int] = arguments.command
    if command is _keygen:
        return _keygen(settings)
    arguments.location = location(settings.url)
    registry = open_registry(settings, signing=command in (_promote, _rollback))
    return command(registry, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(
        "registry",
        "See and change which version of the model is in which stage.",
        [RegistrySettings, LogSettings],
    )
    add = subcommands(parser)
    for reading in (
        add("list", _list, "list every version, oldest first"),
        show := add("show", _show, "show a version, or a stage and its history"),
        doctor := add(
            "doctor", _doctor, "say who we are, what we may do, and what stands in the way"
        ),
    ):
        reading.add_argument("--json", action="store_true", help="print JSON")
    doctor.add_argument(
        "--role", choices=get_args(Role), help="whose work we have to be able to do"
    )
    add("verify", _verify, "read everything and say what is damaged, missing or not signed")
    add("keygen", _keygen, "make the pair of keys that production is signed and verified with")
    card = add("card", _card, "write a version's model card, for people")
    card.add_argument("--html", action="store_true", help="as an HTML page instead of Markdown")
    card.add_argument("--output", type=Path, metavar="FILE", help="where to; default: print it")
    for showing in (show, card):
        showing.add_argument(
            "what",
            nargs="?",
            default="production",
            metavar="VERSION|STAGE",
            help="default: production",
        )
    promote = add("promote", _promote, "put a version that the gate passed into production")
    promote.add_argument("version", metavar="VERSION", help="a version, or how it begins")
    promote.add_argument("--force", action="store_true", help="ask for no signed verdict")
    rollback = add("rollback", _rollback, "put an earlier version back into production")
    rollback.add_argument("--to", metavar="VERSION", help="go back to this version")
    for changing in (promote, rollback):
        changing.add_argument("--why", required=True, type=_reason, help="a sentence to record")
    return parser


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("say why, in a sentence")
    return text


def _list(registry: Registry, arguments: argparse.Namespace) -> int:
    states = _states(registry)
    found = [_summary(registry, version, states) for version in registry.versions()]
    _print(found if arguments.json else describe.summaries(found, arguments.location))
    return 0


def _show(registry: Registry, arguments: argparse.Namespace) -> int:
    if arguments.what in STAGES:
        return _show_stage(registry, arguments)
    version = _resolve(registry, arguments.what)
    card, verdicts = registry.card(version), registry.verdicts(version)
    if arguments.json:
        _print({"card": card, "verdicts": verdicts})
    else:
        _print(describe.version(card, verdicts, _stages_of(version, _states(registry))))
    return 0


def _show_stage(registry: Registry, arguments: argparse.Namespace) -> int:
    stage: Stage = arguments.what
    state, history = registry.current(stage), registry.history(stage)
    if arguments.json:
        _print({"state": state, "history": history})
    elif not history:
        raise NotFound(f"{stage} is empty, and always was, in {arguments.location}")
    else:
        _print(f"{describe.stage(stage, state)}\n\n{describe.history(history)}")
    return 0


def _card(registry: Registry, arguments: argparse.Namespace) -> int:
    # No other command needs what renders it.
    from registry import dossier, model_card

    found = dossier.gather(registry, _chosen(registry, arguments))
    text = model_card.page(found) if arguments.html else model_card.markdown(found)
    if arguments.output is None:
        sys.stdout.write(text)
    else:
        _write(arguments.output, text)
    return 0


def _chosen(registry: Registry, arguments: argparse.Namespace) -> str:
    """The version that was named, or that is in the stage that was named."""
    if arguments.what not in STAGES:
        return _resolve(registry, arguments.what)
    stage: Stage = arguments.what
    state = registry.current(stage)
    if state is None:
        raise NotFound(f"{stage} is empty in {arguments.location}")
    return state.record.version


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unwritable(f"{path} cannot be written: {error.strerror}") from error


def _promote(registry: Registry, arguments: argparse.Namespace) -> int:
    version = _resolve(registry, arguments.version)
    against = registry.inspect("production")
    if isinstance(against, StageState) and not arguments.force:
        _require_compared(registry, version, against.record.version)
    state = registry.promote(version, against, arguments.why, arguments.force)
    _print(describe.stage("production", state))
    return 0


def _require_compared(registry: Registry, version: str, production: str) -> None:
    """Check what the gate knows by itself: that its verdict is about this very production."""
    if version != production:
        evidence.require_compared(version, registry.evidence(version), production)


def _rollback(registry: Registry, arguments: argparse.Namespace) -> int:
    to = _resolve(registry, arguments.to) if arguments.to else None
    _print(describe.stage("production", registry.rollback(arguments.why, to)))
    return 0


def _verify(registry: Registry, arguments: argparse.Namespace) -> int:
    problems = registry.verify()
    if problems or registry.versions():
        _print("\n".join(problems) or "everything is as it was written")
    else:
        _print(f"there is nothing to verify in {arguments.location}")
    return 1 if problems else 0


def _doctor(registry: Registry, arguments: argparse.Namespace) -> int:
    found = registry.doctor(arguments.role)
    states = {} if found.problems else _states(registry)
    _print(
        {"diagnosis": found, "states": states}
        if arguments.json
        else describe.diagnosis(found, states)
    )
    return 1 if found.problems else 0


def _keygen(settings: RegistrySettings) -> int:
    private, public = settings.signing_key, settings.public_key
    if public.exists():
        raise BadKey(f"{public} exists and is not written over: set {keys.PUBLIC} to another file")
    keys.make(private, public)
    rows = [(keys.SIGNING, str(private), "secret, for the gate"), (keys.PUBLIC, str(public), "")]
    _print(describe.table(rows))
    return 0


def _resolve(registry: Registry, text: str) -> str:
    """The version that ``text`` is, or that alone begins with it."""
    text = text.lower()
    if names.is_version(text):
        return text
    found = [version for version in registry.versions() if text and version.startswith(text)]
    if not found:
        raise NotFound(f"no version is {text!r} or begins with it: `list` lists them")
    if len(found) > 1:
        raise AmbiguousVersion(f"{len(found)} versions begin with {text!r}: write more of it")
    return found[0]


def _states(registry: Registry) -> dict[Stage, StageState | None]:
    """What is in each stage; None too for what is not valid, of which the log tells."""
    return {stage: _unless_damaged(registry.current, stage) for stage in STAGES}


def _stages_of(version: str, states: Mapping[Stage, StageState | None]) -> tuple[Stage, ...]:
    return tuple(
        stage for stage, state in states.items() if state and state.record.version == version
    )


def _summary(
    registry: Registry, version: str, states: Mapping[Stage, StageState | None]
) -> describe.Summary:
    card = _unless_damaged(registry.card, version)
    verdicts = _unless_damaged(registry.verdicts, version)
    return describe.Summary(
        version=version,
        created=card.created if card else "unknown",
        gate=describe.judgement(verdicts) if verdicts is not None else "unknown",
        stages=_stages_of(version, states),
    )


def _unless_damaged(get: Callable[[A], B], argument: A) -> B | None:
    """What there is to get, so that one damaged thing does not hide all the others."""
    try:
        return get(argument)
    except (BadKey, Corrupt) as error:
        logger.warning("%s", error)
        return None


def _print(what: object) -> None:
    """Print a text as it is, and anything else as JSON."""
    text = what if isinstance(what, str) else document.encode(what).decode().rstrip()
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(run("registry", main))
