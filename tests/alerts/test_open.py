"""From the environment to an e-mail in a mailbox."""

from collections.abc import Callable

import pytest

from alerts.alert import Alert
from alerts.open import open_alerts
from alerts.settings import AlertSettings
from process.settings import read
from tests.alerts.smtp_process import SMTPServer


def test_an_alert_arrives(
    smtp_server: Callable[..., SMTPServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = smtp_server()
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    with open_alerts(read(AlertSettings), "training") as alerts:
        alerts.send(Alert("run", "the run succeeded", "Accuracy 99 %"))
    [message] = server.wait_for_messages()
    assert message["Subject"] == "[training] the run succeeded"
    assert message.get_content().startswith("Accuracy 99 %\n\nService: training\nHost: ")
