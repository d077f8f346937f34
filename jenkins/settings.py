"""What the smoke test asks of a service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from process.settings import Settings


class SmokeSettings(Settings):
    """The service, the images that are posted to it, and what it has to answer."""

    model_config = SettingsConfigDict(env_prefix="SMOKE_")

    url: str = Field("http://127.0.0.1:8000", description="The service that is asked.")
    data: str = Field(
        "digits",
        description="The images: `digits`, or a folder of classes. Only the held-out part is used.",
    )
    version: str = Field(
        "", description="The version that has to answer; if empty, any version may."
    )
    per_class: int = Field(3, ge=1, description="The most images of each class that are posted.")
    min_accuracy: float = Field(
        0.8, gt=0, le=1, description="The least part of the answers that must be right."
    )
    ready_within: float = Field(
        120, ge=0, description="Seconds that the service may take until it is ready."
    )
    timeout: float = Field(10, gt=0, description="Seconds to wait for each answer.")
