"""Settings from environment variables and flags, declared once as typed fields.

A package declares a subclass of :class:`Settings` with an ``env_prefix`` and described fields;
:func:`load` reads every declaration a command needs at its start, and :func:`table` makes the
README's configuration table from the same declarations.
"""

import argparse
import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from process.errors import UsageError

S = TypeVar("S", bound="Settings")


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part for part in (part.strip() for part in value.split(",")) if part)


# A list in one variable, without JSON's brackets and quotes.
CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class SettingsError(UsageError):
    """A setting is unknown or has a value that it cannot have; the message names each one."""


class Settings(BaseSettings):
    """The base of every declaration of settings: frozen, and read from ``<prefix><FIELD>``."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, env_ignore_empty=True
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
    _refuse_unknown(declaration)
    try:
        return declaration(**(flags or {}))
    except ValidationError as error:
        faults = [
            f"{variable(declaration, str(fault['loc'][0])) if fault['loc'] else 'settings'}: "
            f"{fault['msg']}"
            for fault in error.errors(include_url=False)
        ]
        raise SettingsError("; ".join(faults)) from None


def parse(
    name: str, description: str, own: type[S], shared: Sequence[type[Settings]], argv: Sequence[str]
) -> S:
    """Read ``own`` from the environment and from one ``--flag`` for each of its fields.

    ``--help`` prints every setting of ``own`` and ``shared`` with its variable and default.
    Usage errors end the process with exit code 2, as argparse does.
    """
    parser = argparse.ArgumentParser(
        prog=name,
        description=description,
        epilog="settings from the environment:\n\n" + table([own, *shared]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for field, info in own.model_fields.items():
        if info.annotation is SecretStr:
            continue  # a secret on a command line is a secret in every process listing
        switch: dict[str, Any] = {"nargs": "?", "const": "true"} if info.annotation is bool else {}
        parser.add_argument(
            f"--{field.replace('_', '-')}",
            metavar=field.upper(),
            default=argparse.SUPPRESS,
            help=f"sets {variable(own, field)}",
            **switch,
        )
    return read(own, vars(parser.parse_args(argv)))


def table(declarations: Sequence[type[Settings]]) -> str:
    """The settings as a Markdown table: variable, default, meaning."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in declared(declarations):
        rows.append(f"| `{name}` | {_default(field)} | {field.description} |")
    return "\n".join(rows)


def _default(field: FieldInfo) -> str:
    default: Any = field.get_default()
    if field.is_required():
        return "required"
    if default is None or default == "" or default == () or isinstance(default, SecretStr):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _refuse_unknown(declaration: type[Settings]) -> None:
    prefix = declaration.model_config.get("env_prefix", "")
    if not prefix:
        return
    known = [name for name, _ in declared([declaration])]
    for name in sorted(os.environ):
        if name.upper().startswith(prefix) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(f"{name} is not a setting of this program{hint}")
