"""Who runs this process."""

import os
import pwd


def user() -> str:
    """The name of the effective user, or its number where it has no name, as in containers."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
