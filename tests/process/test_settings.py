"""What a person sets, how it is read, and what a person is told when it cannot be."""

from pathlib import Path
from typing import Self

import pytest
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from process.settings import (
    CommaSeparated,
    Settings,
    SettingsError,
    declared,
    parse,
    read,
    table,
    variable,
)


class Fruit(Settings):
    model_config = SettingsConfigDict(env_prefix="FRUIT_")

    count: int = Field(3, gt=0, description="How many.")
    ripe: bool = Field(False, description="Whether to wait; 100 % ripe.")
    kinds: CommaSeparated[str] = Field(("apple", "pear"), description="Which ones.")
    weights: CommaSeparated[int] = Field((), description="Grams of each.")
    best_before: str = Field("", description="A date.")
    key: SecretStr = Field(SecretStr(""), description="Opens the store.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.ripe and not self.best_before:
            raise ValueError("FRUIT_BEST_BEFORE must be set with FRUIT_RIPE")
        return self


class Basket(Settings):
    model_config = SettingsConfigDict(env_prefix="BASKET_")

    size: float = Field(description="Litres.")


def test_without_variables_the_defaults_hold() -> None:
    assert (read(Fruit).count, read(Fruit).kinds) == (3, ("apple", "pear"))


def test_variables_are_read_as_their_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRUIT_COUNT", "7")
    monkeypatch.setenv("FRUIT_RIPE", "true")
    monkeypatch.setenv("FRUIT_BEST_BEFORE", "2026-12-24")
    fruit = read(Fruit)
    assert (fruit.count, fruit.ripe, fruit.best_before) == (7, True, "2026-12-24")


def test_a_flag_goes_before_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRUIT_COUNT", "7")
    assert read(Fruit, {"count": "8"}).count == 8
    assert parse("eat", "Eats.", Fruit, [], ["--count", "9"]).count == 9
    assert parse("eat", "Eats.", Fruit, [], []).count == 7


def test_one_field_can_be_given_without_a_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    given = parse("eat", "Eats.", Fruit, [], ["today", "--count", "9"], positional="best_before")
    assert (given.best_before, given.count) == ("today", 9)
    monkeypatch.setenv("FRUIT_BEST_BEFORE", "tomorrow")
    assert parse("eat", "", Fruit, [], [], positional="best_before").best_before == "tomorrow"


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRUIT_COUNT", "")
    assert read(Fruit).count == 3


@pytest.mark.parametrize(
    ("text", "kinds"),
    [("kiwi", ("kiwi",)), (" kiwi , fig,", ("kiwi", "fig")), ('["kiwi"]', ('["kiwi"]',))],
)
def test_several_values_stand_between_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, kinds: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FRUIT_KINDS", text)
    assert read(Fruit).kinds == kinds


def test_each_of_several_values_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRUIT_WEIGHTS", "100,200")
    assert read(Fruit).weights == (100, 200)
    monkeypatch.setenv("FRUIT_WEIGHTS", "100,heavy")
    with pytest.raises(SettingsError, match=r"^FRUIT_WEIGHTS: .*valid integer"):
        read(Fruit)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read(Fruit).count = 4


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("FRUIT_COUMT", "did you mean FRUIT_COUNT?"),
        ("FRUIT_KEY_FIEL", "did you mean FRUIT_KEY_FILE?"),
        ("fruit_count", "did you mean FRUIT_COUNT?"),
        ("FRUIT_COUNT_FILE", "is not a setting"),
        ("FRUIT_XYZ", "FRUIT_XYZ is not a setting of this program"),
    ],
)
def test_an_unknown_variable_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, hint: str
) -> None:
    monkeypatch.setenv(name, "7")
    with pytest.raises(SettingsError) as caught:
        read(Fruit)
    assert name in str(caught.value)
    assert hint in str(caught.value)


def test_variables_of_others_are_no_business_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRUITS", "7")
    monkeypatch.setenv("BASKET_COLOUR", "green")
    assert read(Fruit).count == 3


def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRUIT_COUNT", "0")
    monkeypatch.setenv("FRUIT_RIPE", "perhaps")
    with pytest.raises(SettingsError) as caught:
        read(Fruit)
    assert "FRUIT_COUNT: Input should be greater than 0" in str(caught.value)
    assert "FRUIT_RIPE: Input should be a valid boolean" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_fault_in_a_flag_names_the_flag() -> None:
    with pytest.raises(SettingsError, match=r"^--count \(FRUIT_COUNT\): Input should be greater"):
        parse("eat", "Eats.", Fruit, [], ["--count", "0"])


@pytest.mark.parametrize("size", ["inf", "nan"])
def test_numbers_are_finite(monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    monkeypatch.setenv("BASKET_SIZE", size)
    with pytest.raises(SettingsError, match=r"^BASKET_SIZE: Input should be a finite number$"):
        read(Basket)


def test_a_missing_required_setting_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^BASKET_SIZE: Field required$"):
        read(Basket)


def test_settings_that_do_not_fit_together_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRUIT_RIPE", "1")
    with pytest.raises(SettingsError, match=r"^FRUIT_BEST_BEFORE must be set with FRUIT_RIPE$"):
        read(Fruit)


def test_a_secret_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRUIT_KEY", "sesame")
    assert read(Fruit).key.get_secret_value() == "sesame"
    assert "sesame" not in repr(read(Fruit)) + str(read(Fruit))
    monkeypatch.setenv("FRUIT_RIPE", "1")
    with pytest.raises(SettingsError) as caught:
        read(Fruit)
    assert "sesame" not in repr(caught.value)


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_secret_can_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / "key"
    path.write_text(f" open sesame {ending}", newline="")
    monkeypatch.setenv("FRUIT_KEY_FILE", str(path))
    assert read(Fruit).key.get_secret_value() == " open sesame "


def test_a_secret_stands_in_one_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FRUIT_KEY", "sesame")
    monkeypatch.setenv("FRUIT_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(SettingsError, match=r"^FRUIT_KEY and FRUIT_KEY_FILE are both set"):
        read(Fruit)


def test_a_file_of_a_secret_must_be_readable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    monkeypatch.setenv("FRUIT_KEY_FILE", str(path))
    with pytest.raises(SettingsError, match=f"^FRUIT_KEY_FILE: {path} cannot be read: No such"):
        read(Fruit)
    path.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(SettingsError, match="cannot be read: it is not text"):
        read(Fruit)


def test_a_secret_has_no_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse("eat", "Eats.", Fruit, [], ["--key", "sesame"])
    assert caught.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_a_boolean_is_a_switch() -> None:
    argv = ["--best-before", "now"]
    assert parse("eat", "Eats.", Fruit, [], [*argv, "--ripe"]).ripe
    assert not parse("eat", "Eats.", Fruit, [], [*argv, "--ripe", "false"]).ripe


def test_help_lists_every_setting_within_100_columns(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse("eat", "Eats.", Fruit, [Basket], ["--help"])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name, _ in declared([Fruit, Basket]))
    assert "BASKET_SIZE (required)" in printed
    assert "Whether to wait; 100 % ripe." in printed
    assert max(map(len, printed.splitlines())) <= 100


def test_a_table_is_made_of_the_declarations() -> None:
    assert table([Fruit, Basket]).splitlines() == [
        "| variable | default | meaning |",
        "| --- | --- | --- |",
        "| `FRUIT_COUNT` | `3` | How many. |",
        "| `FRUIT_RIPE` | `false` | Whether to wait; 100 % ripe. |",
        "| `FRUIT_KINDS` | `apple,pear` | Which ones. |",
        "| `FRUIT_WEIGHTS` | none | Grams of each. |",
        "| `FRUIT_BEST_BEFORE` | none | A date. |",
        "| `FRUIT_KEY` | none | Opens the store. "
        "`FRUIT_KEY_FILE` names a file to read it from instead. |",
        "| `BASKET_SIZE` | required | Litres. |",
    ]


def test_a_field_has_one_variable() -> None:
    assert variable(Fruit, "best_before") == "FRUIT_BEST_BEFORE"
