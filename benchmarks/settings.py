"""What is measured, and for how long."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from process.settings import CommaSeparated, Settings

QUICK: dict[str, object] = {"rounds": 1, "minutes": 5.0}


class BenchSettings(Settings):
    """The extent of a benchmark."""

    model_config = SettingsConfigDict(env_prefix="BENCH_")

    quick: bool = Field(
        False,
        description="One round, in 5 minutes: for a look, without spread.",
    )
    minutes: float = Field(
        35,
        gt=0,
        description="The time for all measuring, after models and peers are prepared; no server "
        "is started that would not be through by then.",
    )
    rounds: int = Field(5, ge=1, description="How many times each server is started and measured.")
    seconds: int = Field(
        1, ge=1, description="How long each load lasts; up to 10 where answers are slow."
    )
    connections: CommaSeparated[int] = Field(
        (1, 8, 64, 256), description="Connections that send one request after another, per load."
    )
    models: CommaSeparated[str] = Field(
        ("default", "resnet50"), description="The models that are served, one after the other."
    )
    servers: CommaSeparated[str] = Field(
        (), description="The servers that are measured, by name; if empty, all."
    )
    batches: CommaSeparated[int] = Field(
        (1, 8, 32), description="Images per call in which the bare forward pass is measured."
    )
    port: int = Field(
        8600, ge=1, le=65533, description="Where every server listens; the next two are its too."
    )
    work: Path = Field(
        Path("var/benchmarks"), description="The folder for models and environments; kept."
    )
    results: Path = Field(
        Path("benchmarks/results"), description="The folder for a folder of results per run."
    )


def quickened(settings: BenchSettings) -> BenchSettings:
    """The settings with those of a quick run in the place of all that nobody has set."""
    if not settings.quick:
        return settings
    unset = {name: value for name, value in QUICK.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=unset)


class GrowthSettings(Settings):
    """How long growth is measured."""

    model_config = SettingsConfigDict(env_prefix="GROWTH_")

    models: CommaSeparated[str] = Field(
        ("default", "resnet50"), description="The models that are served, one after the other."
    )
    rounds: int = Field(3, ge=1, description="How many times each layout is measured.")
    seconds: int = Field(2, ge=1, description="How long each load lasts.")
    connections: int = Field(64, ge=1, description="Connections of all processes together.")
    port: int = Field(
        8600, ge=1, le=65000, description="Where the first process listens; others above it."
    )
    page: Path | None = Field(
        None, description="A page whose tables are replaced by those of the run: `docs/sizing.md`."
    )
    work: Path = Field(
        Path("var/benchmarks"), description="The folder for models, shared with the benchmark."
    )
    results: Path = Field(
        Path("benchmarks/results"), description="The folder for a folder of results per run."
    )


class StartSettings(Settings):
    """Which starts are measured."""

    model_config = SettingsConfigDict(env_prefix="START_")

    models: CommaSeparated[str] = Field(
        ("default", "resnet50"), description="The models that are served, one after the other."
    )
    rounds: int = Field(5, ge=1, description="How many times the service is started, of each kind.")
    cold: bool = Field(
        True,
        description="Whether it also starts from the disk: for that, root empties the page cache "
        "of the whole machine.",
    )
    port: int = Field(8600, ge=1, le=65535, description="Where it listens.")
    work: Path = Field(
        Path("var/benchmarks"), description="The folder for models, shared with the benchmark."
    )
