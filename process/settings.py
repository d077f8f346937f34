"""Settings from environment variables and flags, declared once as typed fields.

A package declares a subclass of :class:`Settings` with an ``env_prefix`` and described fields;
:func:`parse` and :func:`read` read the declarations a command needs at its start, ``--help`` lists
them, and :func:`table` makes the tables of docs/configuration.md from the same declarations.

A secret is declared as :class:`pydantic.SecretStr`. It has no flag, as every user of a machine can
list the arguments of its processes, and it can stand in a file, as Docker and Kubernetes mount
them: ``<VARIABLE>_FILE`` names the file.
"""

import argparse
import difflib
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BeforeValidator, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from process.errors import UsageError

HELP_WIDTH = 98  # columns

S = TypeVar("S", bound="Settings")
T = TypeVar("T")


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


CommaSeparated = Annotated[tuple[T, ...], BeforeValidator(_split)]
"""Several values in one variable."""


class SettingsError(UsageError):
    """A setting is unknown or has a value that it cannot have; the message names each one."""


class Settings(BaseSettings):
    """The base of every declaration of settings: frozen, and read from ``<prefix><FIELD>``."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        env_ignore_empty=True,
        enable_decoding=False,  # a list is not JSON but CommaSeparated
    )


def variable(declaration: type[Settings], field: str) -> str:
    """The environment variable that sets ``field``."""
    return f"{declaration.model_config.get('env_prefix', '')}{field}".upper()


def declared(declarations: Sequence[type[Settings]]) -> Iterator[tuple[str, FieldInfo]]:
    """Every setting as its environment variable and its declaration, in declared order."""
    for declaration in declarations:
        for name, field in declaration.model_fields.items():
            yield variable(declaration, name), field


def read(declaration: type[S], flags: Mapping[str, str] | None = None) -> S:
    """Read one declaration from the environment, ``flags`` (by field name) taking precedence.

    Raises:
        SettingsError: a value is not valid; the message names the variable and says what is.
    """
    flags = dict(flags or {})
    _refuse_unknown(declaration)
    try:
        return declaration(**(_from_files(declaration) | flags))
    except ValidationError as error:
        faults = error.errors(include_url=False)
        raise SettingsError("; ".join(_fault(declaration, flags, f) for f in faults)) from None


def parse(
    name: str,
    description: str,
    own: type[S],
    shared: Sequence[type[Settings]],
    argv: Sequence[str],
    *,
    positional: str = "",
) -> S:
    """Read ``own`` from the environment and from one ``--flag`` for each of its fields.

    The field ``positional`` is given without a flag.

    ``--help`` prints every setting of ``own`` and ``shared`` with its variable and default.
    Usage errors end the process with exit code 2, as argparse does.
    """
    parser = command_parser(name, description, [own, *shared])
    for field, info in own.model_fields.items():
        if _is_secret(info):
            continue
        switch: dict[str, Any] = {"nargs": "?", "const": "true"} if info.annotation is bool else {}
        if field == positional:
            switch["nargs"] = "?"  # as the environment may have it
        parser.add_argument(
            field if field == positional else _flag(field),
            metavar=field.upper(),
            default=argparse.SUPPRESS,
            help=f"sets {variable(own, field)}",
            **switch,
        )
    return read(own, vars(parser.parse_args(argv)))


def command_parser(
    name: str, description: str, declarations: Sequence[type[Settings]]
) -> argparse.ArgumentParser:
    """The parser of ``python -m <name>``; ``--help`` prints the settings of ``declarations``."""
    return argparse.ArgumentParser(
        prog=f"python -m {name}",
        description=description.replace("``", ""),
        epilog=f"settings from the environment:\n\n{listing(declarations)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def table(declarations: Sequence[type[Settings]]) -> str:
    """The settings as a Markdown table: variable, default, meaning."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in declared(declarations):
        rows.append(f"| `{name}` | {_default(field)} | {_meaning(name, field)} |")
    return "\n".join(rows)


def listing(declarations: Sequence[type[Settings]]) -> str:
    """The settings as they are printed on a terminal."""
    entries = []
    for name, field in declared(declarations):
        meaning = textwrap.fill(_meaning(name, field), HELP_WIDTH - 6)
        default = _default(field).strip("`")
        entries.append(f"  {name} ({default})\n{textwrap.indent(meaning, ' ' * 6)}")
    return "\n".join(entries).replace("`", "")


def _flag(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


def _meaning(name: str, field: FieldInfo) -> str:
    in_file = f" `{name}_FILE` names a file to read it from instead." if _is_secret(field) else ""
    return f"{field.description}{in_file}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default: Any = field.get_default()
    if default is None or default == "" or default == () or isinstance(default, SecretStr):
        return "none"
    if isinstance(default, tuple):
        default = ",".join(str(part) for part in default)
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _fault(declaration: type[Settings], flags: Mapping[str, str], fault: ErrorDetails) -> str:
    """What is wrong in words; what a validator of ours says of several settings names them."""
    raised = fault.get("ctx", {}).get("error")
    message = str(raised) if isinstance(raised, ValueError) else fault["msg"]
    if not fault["loc"]:
        return message
    field = str(fault["loc"][0])
    name = variable(declaration, field)
    return f"{_flag(field)} ({name}): {message}" if field in flags else f"{name}: {message}"


def _from_files(declaration: type[Settings]) -> dict[str, str]:
    """The secrets that stand in files, by field name."""
    secrets = {}
    for field, info in declaration.model_fields.items():
        name = variable(declaration, field)
        path = os.environ.get(f"{name}_FILE") if _is_secret(info) else None
        if not path:
            continue
        if os.environ.get(name):
            raise SettingsError(f"{name} and {name}_FILE are both set: unset one of them")
        try:
            secrets[field] = Path(path).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise SettingsError(f"{name}_FILE: {path} cannot be read: {reason}") from None
    return secrets


def _refuse_unknown(declaration: type[Settings]) -> None:
    prefix = declaration.model_config.get("env_prefix", "")
    if not prefix:
        return
    known = [name for name, _ in declared([declaration])]
    known += [f"{name}_FILE" for name, field in declared([declaration]) if _is_secret(field)]
    for name in sorted(os.environ):
        if name.upper().startswith(prefix) and name not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(f"{name} is not a setting of this program{hint}")
