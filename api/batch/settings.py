"""What is scored, and where the results go."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from process.settings import Settings

Format = Literal["jsonl", "parquet"]


class BatchSettings(Settings):
    """A batch, and how much of the machine it takes."""

    model_config = SettingsConfigDict(env_prefix="BATCH_")

    source: str = Field(description="The images: a folder, or `gs://bucket/prefix`.")
    output: Path = Field(
        description="The folder for the results, which also says how far a batch has come; one "
        "for each batch."
    )
    format: Format = Field("jsonl", description="How results are written: `jsonl` or `parquet`.")
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Answers with less confidence than this are `other`; if empty, less than the "
        "threshold that training chose for the model.",
    )
    block: int = Field(
        256, ge=1, le=4096, description="Images whose results are written at once; 48 KiB each."
    )
    max_batch: int = Field(32, ge=1, description="The most images in one call of the model.")
    models: int = Field(1, ge=1, description="Processes that hold the model; one uses all cores.")
