"""Where the registry is, and whose signatures count there."""

from pathlib import Path

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
    signing_key: Path = Field(
        Path("var/keys/signing.pem"),
        description="The private key, for the gate and for promoting and rolling back by hand.",
    )
    public_key: Path = Field(
        Path("var/keys/public.pem"),
        description="The public keys, one after another, of which any may have signed what is in "
        "production.",
    )
    name: str = Field(
        "",
        description="The name of the registry, which is signed with the rest; if empty, the "
        "bucket's URL, or `file:` and the name of the folder.",
    )
