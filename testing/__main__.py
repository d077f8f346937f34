"""Judge the candidate in the testing stage, and promote it to production or refuse it.

Exit codes: 0 promoted, passed where GATE_PROMOTE is false, or in production already and intact;
1 refused or failed; 2 called or configured wrong.
"""

import sys
from collections.abc import Sequence

from alerts.open import open_alerts
from alerts.settings import AlertSettings
from process.command import run
from process.logs import LogSettings, configure
from process.settings import Settings, parse, read
from registry.open import open_registry
from registry.settings import RegistrySettings
from testing.settings import GateSettings

SHARED: list[type[Settings]] = [RegistrySettings, AlertSettings, LogSettings]


def main(argv: Sequence[str]) -> int:
    """Run the gate once and print what it came to."""
    settings = parse("testing", __doc__ or "", GateSettings, SHARED, argv)
    configure(read(LogSettings))
    registry = open_registry(read(RegistrySettings), signing=True)
    with open_alerts(read(AlertSettings), "gate") as alerts:
        # TensorFlow takes seconds to import, which --help and wrong settings need not wait for.
        from testing.session import run_gate

        outcome = run_gate(settings, registry, alerts)
    sys.stdout.write(outcome.text)
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(run("testing", main))
