"""What is scored, and where the results go."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from api.settings import MaxBatch, Threshold
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
    threshold: Threshold = None
    block: int = Field(
        256, ge=1, le=4096, description="Images whose results are written at once; 48 KiB each."
    )
    max_batch: MaxBatch = 32
    models: int = Field(1, ge=1, description="Processes that hold the model; one uses all cores.")
