"""What the judge asks of a canary."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from process.settings import CommaSeparated, Settings


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.port is None or parts.path.strip("/"):
        raise ValueError(f"{url!r} is not of the form http://host:port")
    return url.rstrip("/")


Addresses = CommaSeparated[Annotated[str, AfterValidator(_address)]]


class RolloutSettings(Settings):
    """Where production and the canary answer, and how much worse the canary may be."""

    model_config = SettingsConfigDict(env_prefix="ROLLOUT_")

    production: Addresses = Field(
        ("http://127.0.0.1:8000",),
        min_length=1,
        description="Where production answers, as `http://host:port`; every address of the host "
        "is a pod.",
    )
    canary: Addresses = Field(
        ("http://127.0.0.1:8001",), min_length=1, description="Where the canary answers."
    )
    routes: CommaSeparated[str] = Field(
        ("/", "/predict", "/v2/models/<name>/infer", "/v2/models/<name>/versions/<version>/infer"),
        min_length=1,
        description="The routes whose requests count.",
    )
    window: float = Field(300, gt=0, description="Seconds for which requests are counted.")
    interval: float = Field(5, gt=0, description="Seconds between two readings of a pod's figures.")
    timeout: float = Field(5, gt=0, description="Seconds that a pod has for an answer.")
    min_requests: int = Field(
        500, ge=1, description="Fewer requests than this to either side: hold."
    )
    confidence: float = Field(
        0.95, ge=0.5, le=0.999, description="The two-sided level of every confidence interval."
    )
    error_margin: float = Field(
        0.01,
        gt=0,
        lt=1,
        description="How much larger the canary's share of failed requests (5xx) may be.",
    )
    slow_seconds: float = Field(
        0.5, gt=0, description="A request that takes longer is slow; a bound of the histogram."
    )
    slow_margin: float = Field(
        0.05, gt=0, lt=1, description="How much larger the canary's share of slow requests may be."
    )
    images: str = Field(
        "",
        description="Images that both are asked about, to report how often they agree: `digits`, "
        "or a folder of classes.",
    )
    max_images: int = Field(200, ge=1, description="The most images that both are asked about.")
    report: Path = Field(
        Path("var/rollout/judgement.json"), description="The file for the judgement as JSON."
    )
