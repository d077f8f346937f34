"""Whether the registry will take the model, asked before hours are spent on one."""

import logging

from registry.errors import Corrupt, Unreachable
from registry.store import Registry
from training.errors import NotPermitted

logger = logging.getLogger(__name__)

# In a bucket nobody can tell in advance: a permission may depend on the object's name.
NEEDED = ("write versions/", "write testing/")


def require(registry: Registry) -> None:
    """Check that a model could be published as far as that can be told now.

    A registry that cannot be reached may be back when there is something to publish.

    Raises:
        NotPermitted: the diagnosis says that publishing is not allowed.
        Forbidden: nobody knows this process, or it may not even read.
    """
    try:
        registry.current("testing")
    except Corrupt:
        pass  # publishing replaces it
    except Unreachable as error:
        logger.warning("%s; training goes on, and publishes when it is done", error)
    diagnosis = registry.doctor()
    if any(diagnosis.permissions.get(each) is False for each in NEEDED):
        others = [problem for problem in diagnosis.problems if "production/" not in problem]
        raise NotPermitted("; ".join(others))
