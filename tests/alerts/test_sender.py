"""The sender in front of a real mail server: one that works, fails, is away, or says nothing."""

import logging
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alerts import sender
from alerts.alert import Alert
from alerts.limiter import Limiter
from alerts.mailer import Mailer
from alerts.sender import AlertSender
from alerts.settings import AlertSettings
from process.backoff import Backoff
from tests.alerts.smtp_process import PATIENCE, SMTPServer

Start = Callable[..., SMTPServer]
SettingsFor = Callable[..., AlertSettings]

SOON = Backoff(first=0.01, longest=0.05)


def alert(key: str = "failed") -> Alert:
    return Alert(key, f"{key}!", f"What is known of {key}.")


def make(settings: AlertSettings, backoff: Backoff = SOON, max_per_hour: int = 1000) -> AlertSender:
    return AlertSender("api", Mailer(settings), Limiter(3600, max_per_hour), backoff)


class Log(logging.Handler):
    """Log records that a test can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._records: queue.Queue[logging.LogRecord] = queue.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self._records.put(record)

    def wait_for(self, text: str) -> logging.LogRecord:
        """The next record whose message has the text in it; those before it are dropped."""
        while text not in (record := self._records.get(timeout=PATIENCE)).getMessage():
            pass
        return record

    def rest(self) -> str:
        """The messages that have come since, and what they carry."""
        return "\n".join(str(vars(self._records.get())) for _ in range(self._records.qsize()))


@pytest.fixture
def log() -> Iterator[Log]:
    logger = logging.getLogger("alerts")
    handler = Log()
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == "alerts":
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_an_alert_is_mailed_and_logged(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    server = smtp_server()
    with make(settings_for(server)) as alerts:
        alerts.send(alert())
    [message] = server.messages()
    assert message["Subject"] == "[api] failed!"
    assert message.get_content().startswith("What is known of failed.\n\nService: api\nHost: ")
    record = log.wait_for("alert: failed!\n    What is known of failed.")
    assert record.levelno == logging.WARNING
    carried = vars(record)
    assert carried["alert_key"] == "failed"
    assert carried["alert_subject"] == "failed!"
    assert carried["alert_email"] == "send"


def test_a_repetition_is_logged_and_counted_in_the_next_email(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    server = smtp_server()
    with make(settings_for(server)) as alerts:
        for key in ("failed", "failed", "failed", "slow"):
            alerts.send(alert(key))
    assert [vars(log.wait_for("alert: "))["alert_email"] for _ in range(4)] == [
        "send",
        "repeated",
        "repeated",
        "send",
    ]
    first, second = server.messages()
    assert "Held back" not in first.get_content()
    assert "Held back since the last e-mail:\n- 2 more of failed\n" in second.get_content()


def test_too_many_alerts_end_in_one_notice(smtp_server: Start, settings_for: SettingsFor) -> None:
    server = smtp_server()
    with make(settings_for(server), max_per_hour=2) as alerts:
        for number in range(10):
            alerts.send(alert(f"failure {number}"))
    *_, notice = messages = server.messages()
    assert len(messages) == 3
    assert notice["Subject"].startswith("[api] too many alerts")
    assert "held back: failure 2!\n\nWhat is known of failure 2." in notice.get_content()


def test_a_server_that_comes_back_gets_everything(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    server = smtp_server()
    server.stop()
    with make(settings_for(server)) as alerts:
        for key in ("one", "two", "three"):
            alerts.send(alert(key))
        for _ in range(4):
            log.wait_for("not delivered yet: [Errno 111] Connection refused; next try in")
        back = smtp_server(port=server.port)
        arrived = back.wait_for_messages(3)
    assert {message["Subject"] for message in arrived} == {
        "[api] one!",
        "[api] two!",
        "[api] three!",
    }
    assert len({message["Message-ID"] for message in arrived}) == 3
    assert "ERROR" not in log.rest()


def test_a_busy_server_gets_it_later(smtp_server: Start, settings_for: SettingsFor) -> None:
    server = smtp_server(busy=3)
    with make(settings_for(server)) as alerts:
        alerts.send(alert())
        assert len(server.wait_for_messages()) == 1
    server.wait_for("connected", 4)


def test_an_email_that_is_too_old_ends_in_the_log(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    server = smtp_server()
    server.stop()
    with make(settings_for(server), Backoff(0.01, 0.01, give_up_after=0.1)) as alerts:
        alerts.send(alert())
        record = log.wait_for("alert not delivered, [Errno 111] Connection refused")
    assert record.levelno == logging.ERROR
    assert "[api] failed!\n    What is known of failed.\n" in record.getMessage()
    assert "ERROR" not in log.rest()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"refuse": "ops@example.com"}, "550 no such mailbox"),
        ({"user": "u", "password": "p"}, "530"),
    ],
)
def test_what_is_refused_for_good_is_not_tried_again(
    smtp_server: Start,
    settings_for: SettingsFor,
    log: Log,
    options: dict[str, str],
    reason: str,
) -> None:
    server = smtp_server(**options)
    with make(settings_for(server)) as alerts:
        alerts.send(alert("one"))
        assert log.wait_for(f"alert not delivered, {reason}").levelno == logging.ERROR
        alerts.send(alert("two"))
        log.wait_for(f"alert not delivered, {reason}")
    assert "not delivered" not in log.rest()
    server.wait_for("connected", 2)


def test_an_untrusted_server_gets_nothing_and_no_password_is_logged(
    smtp_server: Start,
    settings_for: SettingsFor,
    certificate: Callable[[str], str],
    log: Log,
) -> None:
    server = smtp_server(tls="starttls", certificate=certificate("127.0.0.1"))
    login = {"smtp_tls": "starttls", "smtp_user": "u", "smtp_password": "open sesame"}
    with make(settings_for(server, **login)) as alerts:
        alerts.send(alert())
        assert "sesame" not in str(vars(log.wait_for("certificate verify failed")))
    assert server.messages() == []
    assert "sesame" not in log.rest()


def test_a_refused_recipient_is_logged_and_the_others_get_it(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    server = smtp_server(refuse="gone@example.com")
    settings = settings_for(server, recipients=("gone@example.com", "ops@example.com"))
    with make(settings) as alerts:
        alerts.send(alert())
        log.wait_for("refuses alerts for gone@example.com: 550 no such mailbox")
    assert len(server.messages()) == 1


def test_a_silent_server_holds_up_nobody(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    server = smtp_server(silent=True)
    alerts = make(settings_for(server, timeout=600))
    alerts.start()
    alerts.send(alert("one"))
    server.wait_for("connected")
    alerts.send(alert("two"))
    alerts.close(timeout=0.1)
    # Both calls have come back, although the server has not said a word to this day.
    [thread] = [thread for thread in threading.enumerate() if thread.name == "alerts"]
    assert thread.is_alive()
    log.wait_for(
        "alert not delivered, the mail server has not answered in time: [api] one!\n    What is"
    )
    log.wait_for("alert not delivered, there was no time for a try: [api] two!\n    What is")
    server.stop()
    thread.join(PATIENCE)
    assert "not delivered" not in log.rest()


def test_a_full_outbox_ends_in_the_log(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    server = smtp_server(silent=True)
    alerts = make(settings_for(server, timeout=600))
    alerts.start()
    for number in range(sender.CAPACITY + 1):
        alerts.send(alert(str(number)))
    record = log.wait_for(f"alert: {sender.CAPACITY}!\n    What is known of {sender.CAPACITY}.")
    assert (record.levelno, vars(record)["alert_email"]) == (logging.ERROR, "no room")
    alerts.close(timeout=0)
    for number in range(sender.CAPACITY):
        log.wait_for(f"[api] {number}!")
    server.stop()


def test_closing_delivers_what_waits_for_a_retry(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    server = smtp_server(busy=1)
    alerts = make(settings_for(server), Backoff(first=3600, longest=3600))
    alerts.start()
    alerts.send(alert())
    log.wait_for("not delivered yet: 451 try again later")
    alerts.close(timeout=PATIENCE)
    assert len(server.messages()) == 1


def test_closing_does_not_wait_for_a_retry_that_comes_too_late(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    server = smtp_server(busy=1000)
    alerts = make(settings_for(server), Backoff(first=7200, longest=7200))
    alerts.start()
    alerts.send(alert())
    alerts.close(timeout=600)
    log.wait_for("alert not delivered, 451 try again later: [api] failed!")


def test_closing_twice_is_closing_once(smtp_server: Start, settings_for: SettingsFor) -> None:
    server = smtp_server()
    with make(settings_for(server)) as alerts:
        alerts.send(alert())
        alerts.close(PATIENCE)
    assert len(server.messages()) == 1


def test_an_alert_after_closing_ends_in_the_log(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    with make(settings_for(smtp_server())) as alerts:
        pass
    alerts.send(alert())
    record = log.wait_for("alert: failed!")
    assert (record.levelno, vars(record)["alert_email"]) == (logging.ERROR, "closed")


def test_there_is_a_thread_only_between_start_and_close(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    server = smtp_server()
    before = threading.active_count()
    alerts = make(settings_for(server))
    alerts.send(alert())
    assert threading.active_count() == before
    alerts.start()
    alerts.start()
    assert threading.active_count() == before + 1
    alerts.close(PATIENCE)
    assert threading.active_count() == before
    assert len(server.messages()) == 1


def test_what_was_never_started_ends_in_the_log(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    alerts = make(settings_for(smtp_server()))
    alerts.send(alert())
    alerts.close(PATIENCE)
    log.wait_for("alert not delivered, there was no time for a try: [api] failed!")


@pytest.mark.parametrize("odd", [Alert(["a list"], "s", "b"), Alert("k", "s", None)])  # type: ignore[arg-type]
def test_sending_never_raises(
    smtp_server: Start, settings_for: SettingsFor, log: Log, odd: Alert
) -> None:
    with make(settings_for(smtp_server())) as alerts:
        alerts.send(odd)
    assert log.wait_for(f"{odd!r} could not be sent").levelno == logging.ERROR


def test_a_host_that_cannot_be_is_logged(
    smtp_server: Start, settings_for: SettingsFor, log: Log
) -> None:
    with make(settings_for(smtp_server(), smtp_host="mail..example.com")) as alerts:
        alerts.send(alert())
        log.wait_for("alert not delivered, encoding with 'idna' codec failed")


def test_without_a_server_alerts_are_logged(log: Log) -> None:
    with AlertSender("api", None, Limiter(3600, 20)) as alerts:
        alerts.send(alert())
        alerts.send(alert())
    for _ in range(2):
        record = log.wait_for("alert: failed!\n    What is known of failed.")
        assert (record.levelno, vars(record)["alert_email"]) == (logging.WARNING, "none")


def test_good_news_is_no_warning_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "alerts")
    with AlertSender("training", None, Limiter(3600, 10)) as alerts:
        alerts.send(Alert("published", "published!", "All is well.", logging.INFO))
    assert [record.levelno for record in caplog.records] == [logging.INFO]


def test_many_threads_lose_nothing(smtp_server: Start, settings_for: SettingsFor) -> None:
    server = smtp_server()
    with make(settings_for(server)) as alerts:
        threads = [
            threading.Thread(target=lambda n=n: [alerts.send(alert(f"{n}-{i}")) for i in range(5)])
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        arrived = server.wait_for_messages(40)
    subjects = {message["Subject"] for message in arrived}
    assert subjects == {f"[api] {n}-{i}!" for n in range(8) for i in range(5)}
    assert len(server.messages()) == 40


PROGRAM = """
import sys
from alerts.alert import Alert
from alerts.open import open_alerts
from alerts.settings import AlertSettings
from process.settings import read

alerts = open_alerts(read(AlertSettings), "training")
alerts.start()
alerts.send(Alert("run", "the run failed", "It never learned."))
alerts.close(float(sys.argv[1]))
"""


@pytest.mark.parametrize("silent", [False, True])
def test_a_process_that_ends_has_mailed_or_logged(
    smtp_server: Start, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = smtp_server(**({"silent": True} if silent else {}))
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "0.5" if silent else str(PATIENCE)],
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
    )
    assert done.returncode == 0
    assert ("alert not delivered" in done.stderr) == silent
    assert len(server.messages()) == (not silent)
