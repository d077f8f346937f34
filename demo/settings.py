"""What the demo can be asked for."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from process.settings import Settings


class DemoSettings(Settings):
    """The demo's own settings; those of the stages apply as well."""

    model_config = SettingsConfigDict(env_prefix="DEMO_")

    data: str = Field(
        "digits", description="The images for training and gate: `digits`, or a folder of classes."
    )
    shown: int = Field(20, ge=1, description="How many held-out images are printed.")
    folder: str = Field(
        "var/demo", description="Where one held-out image of each class is left as raw bytes."
    )
    serve: bool = Field(
        False, description="Leave the service running, and train only if production is empty."
    )
