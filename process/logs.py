"""Structured logs on standard error: JSON where a machine reads them, text on a terminal."""

import logging
import logging.config
import sys
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from process.settings import Settings

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class LogSettings(Settings):
    """How the process logs."""

    model_config = SettingsConfigDict(env_prefix="LOG_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least severe log line that is written."
    )
    format: Literal["auto", "json", "text"] = Field(
        "auto", description="`json`, `text`, or `auto`: text on a terminal and JSON elsewhere."
    )


def configure(settings: LogSettings) -> None:
    """Send every logger of the process to standard error in the format asked for."""
    as_text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "text": {"format": TEXT},
                "json": {
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
                    "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
                },
            },
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "stream": "ext://sys.stderr",
                    "formatter": "text" if as_text else "json",
                }
            },
            "root": {"level": settings.level, "handlers": ["stderr"]},
        }
    )
    logging.captureWarnings(True)
