"""How many processor cores a runtime may keep busy."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cores(cgroup: Path = CGROUP) -> int:
    """The cores that this process may use: those of its affinity, or its container's quota of them.

    A pod with a limit of two CPUs sees every core of its node, and threads for all of them would
    spend their common quota at once and then wait for the next period.
    """
    affinity = len(os.sched_getaffinity(0))
    return max(1, math.ceil(min(affinity, _quota(cgroup))))


def _quota(cgroup: Path) -> float:
    """CPU time per time, as cgroups limit it, version 2 or 1; infinite if they do not.

    Source: the kernel's Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst.
    """
    try:
        if (limit := cgroup / "cpu.max").exists():
            quota, period = limit.read_text().split()
        else:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text()
        return float(quota) / float(period) if float(quota) > 0 else math.inf
    except (OSError, ValueError):  # no limit, or none that this process may read
        return math.inf
