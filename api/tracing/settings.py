"""Whether there are traces. Where they go to is for OpenTelemetry's own variables to say."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from process.settings import Settings


class TraceSettings(Settings):
    """Traces."""

    model_config = SettingsConfigDict(env_prefix="TRACE_")

    enabled: bool = Field(
        False,
        description="Trace requests with OpenTelemetry, whose own variables say where to and how "
        "many: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER` and others.",
    )
