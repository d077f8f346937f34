"""The outbox, without a mail server."""

import threading
import time
from email.message import EmailMessage

from alerts.outbox import Outbox, Pending
from process.backoff import Backoff

AT_ONCE = Backoff(first=0, longest=0)


def numbered(number: int) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = str(number)
    return message


def numbers(pending: list[Pending]) -> list[int]:
    return [int(one.message["Subject"]) for one in pending]


def taken(outbox: Outbox) -> Pending:
    pending = outbox.take()
    assert pending is not None
    return pending


def test_emails_come_out_in_the_order_they_went_in() -> None:
    outbox = Outbox(AT_ONCE)
    for number in range(5):
        outbox.put(numbered(number))
    assert len(outbox) == 5
    out = []
    for _ in range(5):
        out.append(taken(outbox))
        assert outbox.settle(out[-1])
    assert numbers(out) == list(range(5))
    assert len(outbox) == 0


def test_one_that_failed_lets_the_others_go_first() -> None:
    outbox = Outbox(Backoff(first=3600, longest=3600))
    outbox.put(numbered(0))
    outbox.put(numbered(1))
    delay = outbox.put_back(taken(outbox), "busy")
    assert delay is not None
    assert 1800 <= delay <= 3600
    assert numbers([taken(outbox)]) == [1]


def test_taking_waits_for_an_email() -> None:
    outbox = Outbox(AT_ONCE)
    out: list[Pending | None] = []
    thread = threading.Thread(target=lambda: out.append(outbox.take()))
    thread.start()
    outbox.put(numbered(0))
    thread.join()
    assert out[0] is not None


def test_closing_ends_the_wait() -> None:
    outbox = Outbox(AT_ONCE)
    out: list[Pending | None] = []
    thread = threading.Thread(target=lambda: out.append(outbox.take()))
    thread.start()
    outbox.close(time.monotonic())
    thread.join()
    assert out == [None]


def test_closing_makes_everything_due() -> None:
    outbox = Outbox(Backoff(first=3600, longest=3600))
    for number in range(3):
        outbox.put(numbered(number))
        outbox.put_back(taken(outbox), "busy")
    outbox.close(time.monotonic() + 3600)
    out = []
    for _ in range(3):
        out.append(taken(outbox))
        outbox.settle(out[-1])
    assert numbers(out) == [0, 1, 2]
    assert outbox.take() is None


def test_nothing_is_taken_past_the_deadline() -> None:
    outbox = Outbox(AT_ONCE)
    outbox.put(numbered(0))
    outbox.close(time.monotonic())
    assert outbox.take() is None
    assert numbers(outbox.drain()) == [0]


def test_one_that_is_too_old_is_not_put_back() -> None:
    outbox = Outbox(Backoff(first=10, longest=10, give_up_after=1))
    outbox.put(numbered(0))
    pending = taken(outbox)
    assert outbox.put_back(pending, "busy") is None
    assert outbox.settle(pending)


def test_draining_takes_the_one_under_way_out_of_its_hands() -> None:
    outbox = Outbox(AT_ONCE)
    for number in range(3):
        outbox.put(numbered(number))
    pending = taken(outbox)
    assert numbers(outbox.drain()) == [0, 1, 2]
    assert outbox.put_back(pending, "busy") is None
    assert not outbox.settle(pending)
    assert len(outbox) == 0
