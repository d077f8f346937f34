"""What a training run can be asked for."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from process.settings import Settings


class TrainSettings(Settings):
    """The data, the network, the way it is trained, and what is required of it.

    The threshold is chosen by default, since nobody knows a confidence that suits a network before
    it is trained. It stays 0 wherever it would not help: for a network that is accurate enough
    without, and where no threshold is shown to make it so. The accuracy asked for is by default
    what the gate asks of all answers.
    """

    model_config = SettingsConfigDict(env_prefix="TRAIN_")

    data: str = Field(
        "digits",
        description="The images: `digits`, or a folder with one sub-folder of images per class.",
    )
    epochs: int = Field(30, ge=1, description="The most epochs in one attempt.")
    batch_size: int = Field(32, ge=1, description="Images per step.")
    learning_rate: float = Field(
        0.002, gt=0, le=1, description="The highest learning rate; it warms up to it and decays."
    )
    patience: int = Field(
        10, ge=1, description="Epochs without a lower validation loss after which an attempt ends."
    )
    seed: int = Field(
        0, ge=0, lt=2**31, description="The seed of weights, order of images and augmentation."
    )
    blocks: int = Field(3, ge=1, le=5, description="Convolution blocks in the first attempt.")
    max_blocks: int = Field(
        5, ge=1, le=5, description="Convolution blocks in the last attempt, each adding one."
    )
    min_accuracy: float = Field(
        0.95,
        ge=0,
        le=1,
        description="The validation accuracy under which the network grows, and in the end fails: "
        "what the gate asks for by default.",
    )
    shift: float = Field(
        0.08, ge=0, le=0.5, description="Images are moved by up to this part of their size."
    )
    zoom: float = Field(
        0.1, ge=0, le=0.5, description="Images are enlarged or shrunk by up to this part."
    )
    rotation: float = Field(
        10, ge=0, le=180, description="Images are turned by up to this many degrees."
    )
    brightness: float = Field(
        0.2, ge=0, lt=1, description="Images are made lighter or darker by up to this part."
    )
    threshold: Literal["auto"] | Annotated[float, Field(ge=0, le=1)] = Field(
        "auto",
        description="The service answers `other` below this confidence; 0: never; `auto`: the "
        "lowest with which the rest reach `TRAIN_TARGET_ACCURACY`, or 0 if none is shown to.",
    )
    target_accuracy: float = Field(
        0.95, gt=0, lt=1, description="The accuracy for which `auto` chooses the threshold."
    )
    warm_start: bool = Field(
        False, description="Go on from the model in production instead of from random weights."
    )
    work: str = Field(
        "var/training", description="Where an interrupted run leaves what it resumes from."
    )
    code_revision: str = Field(
        "", description="The code's revision for the card; if empty, git's, or `unknown`."
    )

    @model_validator(mode="after")
    def _can_grow(self) -> Self:
        if self.max_blocks < self.blocks:
            raise ValueError(
                f"TRAIN_MAX_BLOCKS ({self.max_blocks}) must not be under "
                f"TRAIN_BLOCKS ({self.blocks})"
            )
        return self
