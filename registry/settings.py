"""Where the registry is."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from process.settings import Settings


class RegistrySettings(Settings):
    """The settings every stage needs to reach the registry."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_")

    url: str = Field(
        "file:var/registry",
        description="The model registry: `gs://bucket/prefix`, or `file:folder` on this machine.",
    )
    timeout: float = Field(
        60, gt=0, description="Seconds that one call to the registry, retries included, may take."
    )
    actor: str = Field(
        "", description="Who is recorded as the author of changes; if empty, `user@host`."
    )
