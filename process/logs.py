"""Structured logs on standard error: JSON where a machine reads them, text on a terminal."""

import logging
import logging.config
import sys
import threading
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from pythonjsonlogger.json import JsonFormatter

from process.nonblocking import NonBlockingHandler
from process.settings import Settings

logger = logging.getLogger(__name__)

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
RENAMED = {
    "asctime": "time",
    "levelname": "level",
    "name": "logger",
    "exc_info": "exception",
    "stack_info": "stack",
}


class LogSettings(Settings):
    """How the process logs."""

    model_config = SettingsConfigDict(env_prefix="LOG_")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least severe log line that is written."
    )
    format: Literal["auto", "json", "text"] = Field(
        "auto", description="`json`, `text`, or `auto`: text on a terminal and JSON elsewhere."
    )


class JSONLines(JsonFormatter):
    """One JSON object to a line: time, level, logger, message, what ``extra`` holds, exception."""

    def __init__(self) -> None:
        super().__init__(["asctime", "levelname", "name", "message"], rename_fields=RENAMED)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """The time in ISO 8601, UTC, to the millisecond."""
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def configure(settings: LogSettings) -> None:
    """Send every logger, warnings and uncaught exceptions to standard error in one format."""
    as_text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"text": {"format": TEXT}, "json": {"()": JSONLines}},
            "handlers": {
                "stderr": {
                    "()": NonBlockingHandler,
                    "descriptor": sys.__stderr__.fileno(),  # type: ignore[union-attr]
                    "formatter": "text" if as_text else "json",
                }
            },
            "root": {"level": settings.level, "handlers": ["stderr"]},
        }
    )
    logging.captureWarnings(True)
    sys.excepthook = lambda kind, error, trace: _log_uncaught(error)
    threading.excepthook = lambda uncaught: _log_uncaught(uncaught.exc_value)


def _log_uncaught(error: BaseException | None) -> None:
    if not isinstance(error, SystemExit):  # which ends a thread as `return` does
        logger.critical("uncaught exception: %r", error, exc_info=error)
