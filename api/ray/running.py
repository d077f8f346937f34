"""What a configuration file asks for, run by Ray Serve on the cluster that this process drives.

Ray Serve deploys in the background, and would go on for ever with an application that it could not
deploy: so what becomes of each is watched, and logged where it changes.
"""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml
from pydantic import ValidationError
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import ApplicationStatus, ApplicationStatusOverview, ServeDeploySchema
from ray.serve.scripts import cli

from api.ray.errors import BadConfiguration, RayFailed

logger = logging.getLogger(__name__)

POLL = 1.0  # seconds
LINES = 3  # of a message that has no traceback


def serve_until_interrupted(path: Path) -> None:
    """Run what a file asks for until SIGTERM or SIGINT, then let replicas finish their work.

    Raises:
        BadConfiguration: the file cannot be what is run.
        RayFailed: Ray Serve does not start, or gives an application up.
    """
    check(path)
    try:
        _deploy(path)
        _watch()
    except KeyboardInterrupt:
        serve.shutdown()


def check(path: Path) -> None:
    """Check a configuration before anything runs.

    Raises:
        BadConfiguration: it cannot be read, or has a field that is unknown or cannot be so.
    """
    try:
        document = yaml.safe_load(path.read_text())
        known = ServeDeploySchema.model_validate(document).model_dump(exclude_unset=True)
        _check_autoscaling(known)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadConfiguration(f"{path} cannot be read: {reason}") from None
    except ValidationError as error:
        raise BadConfiguration(f"{path}: {_fault(error)}") from None
    for name in _unknown(document, known):
        raise BadConfiguration(f"{path}: {name} is no field of Ray Serve's")


def _check_autoscaling(known: dict[str, Any]) -> None:
    """Put what Ray makes of each ``autoscaling_config`` in its place, which it only does later."""
    for application in known["applications"]:
        for deployment in application.get("deployments", []):
            if scaling := deployment.get("autoscaling_config"):
                made = AutoscalingConfig.model_validate(scaling).model_dump(exclude_unset=True)
                deployment["autoscaling_config"] = made


def _unknown(document: Any, known: Any, place: str = "") -> Iterator[str]:
    """The places of what a document has and Ray has made nothing of."""
    if isinstance(document, dict) and isinstance(known, dict):
        for name, value in document.items():
            if name in known:
                yield from _unknown(value, known[name], f"{place}{name}.")
            else:
                yield f"{place}{name}"
    elif isinstance(document, list) and isinstance(known, list):
        for index, (value, made) in enumerate(zip(document, known, strict=False)):
            yield from _unknown(value, made, f"{place}{index}.")


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    said = str(first.get("ctx", {}).get("error", first["msg"]))
    return f"{place}: {said}" if place else said


def _deploy(path: Path) -> None:
    try:
        cli(["run", "--non-blocking", str(path)], standalone_mode=False)
    except SystemExit as ended:  # as it does with whatever it has caught
        if isinstance(ended.__context__, KeyboardInterrupt):
            raise ended.__context__ from None
        raise RayFailed(f"Ray Serve does not start: {_short(ended.__context__)}") from ended
    except Exception as error:  # whatever Ray makes of a port
        raise RayFailed(f"Ray Serve does not start: {_short(error)}") from error


def _watch() -> NoReturn:
    """Log what becomes of the applications, until one of them cannot be deployed."""
    told: dict[str, str] = {}
    while True:
        for name, application in _applications().items():
            now = _told(application)
            if application.status == ApplicationStatus.DEPLOY_FAILED:
                raise RayFailed(f"Ray Serve has given {name} up: {now}")
            if told.get(name) != now:
                logger.info("application %s is %s", name, now)
                told[name] = now
        time.sleep(POLL)


def _applications() -> dict[str, ApplicationStatusOverview]:
    """How each application is; none while Ray Serve itself is being restarted."""
    try:
        found: dict[str, ApplicationStatusOverview] = serve.status().applications
    except RayError as error:
        logger.warning("Ray Serve does not say how it is: %s", error)
        return {}
    return found


def _told(application: ApplicationStatusOverview) -> str:
    parts = [application.status.value]
    for name, deployment in application.deployments.items():
        states = ", ".join(f"{count} {state}" for state, count in deployment.replica_states.items())
        parts.append(f"{name} is {deployment.status.value} ({states or 'no replica'})")
        parts.append(_short(deployment.message))
    parts.append(_short(application.message))
    return "; ".join(filter(None, parts))


def _short(said: object) -> str:
    """A message in a line; of one that has a traceback in it, what that comes to."""
    lines = str(said).strip().splitlines()
    return lines[-1] if "Traceback" in str(said) or len(lines) > LINES else " ".join(lines)
