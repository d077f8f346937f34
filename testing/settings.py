"""What the gate requires of a candidate."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from process.settings import Settings


class GateSettings(Settings):
    """The images that the gate judges by, and its thresholds."""

    model_config = SettingsConfigDict(env_prefix="GATE_")

    data: str = Field(
        "digits",
        description="The images: `digits`, or a folder of classes. Only the held-out part is used.",
    )
    min_accuracy: float = Field(
        0.95, ge=0, le=1, description="The least accuracy on held-out images."
    )
    min_recall: float = Field(
        0.5,
        ge=0,
        le=1,
        description="The least recall of every class: one that lies below with confidence, among "
        "as many as there are, is refused.",
    )
    margin: float = Field(
        0.02,
        gt=0,
        lt=1,
        description="How much accuracy a candidate may lose to production; the whole confidence "
        "interval of the difference must lie above minus this.",
    )
    confidence: float = Field(
        0.95, ge=0.5, le=0.99, description="The two-sided level of every confidence interval."
    )
    max_ece: float = Field(
        0.02,
        ge=0,
        le=1,
        description="By how much the calibration error of answers surer than right may exceed "
        "what chance explains on so few images.",
    )
    min_robustness: float = Field(
        0.4,
        ge=0,
        le=1,
        description="The least mean accuracy on damaged images: refused where the whole "
        "confidence interval lies below.",
    )
    robustness_images: int = Field(
        100, ge=0, description="How many held-out images are damaged in each way; 0: none."
    )
    slices: str = Field(
        "",
        description="A CSV file with the header `path,slice` that names groups of images, by "
        "their paths below the folder; an image may be in several.",
    )
    min_slice_accuracy: float = Field(
        0.5,
        ge=0,
        le=1,
        description="The least accuracy of every slice: one that lies below with confidence, among "
        "as many as there are, is refused.",
    )
    min_per_class: int = Field(
        1, ge=1, description="The fewest held-out images of a class to judge by."
    )
    max_latency: float = Field(
        200, gt=0, description="The most milliseconds for one image, as the median of several."
    )
    variants: bool = Field(
        True,
        description="Make variants of a candidate that passed for ONNX Runtime, in float32 and "
        "int8; the service runs the fastest that passes.",
    )
    min_agreement: float = Field(
        0.995,
        ge=0,
        le=1,
        description="The least share of held-out images that a variant answers with the same "
        "class as the model.",
    )
    max_size: float = Field(
        100, gt=0, description="The most MiB of a model file, and of a variant."
    )
    drop_classes: bool = Field(
        False, description="Let in a candidate that lacks classes which production knows."
    )
    replace_broken: bool = Field(
        False,
        description="Let in a candidate although production cannot be trusted or loaded to "
        "compare.",
    )
    promote: bool = Field(
        True,
        description="Put a candidate that passed into production; with `false` it is only judged, "
        "and `python -m registry promote` does that later.",
    )
    reports: str = Field(
        "var/gate", description="The folder where the latest report is left for reading."
    )
