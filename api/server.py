"""The production WSGI server: waitress, with deadlines and an orderly end.

``docs/decisions/0001-wsgi-server.md`` says why.
"""

import logging
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from api.channel import Channel, Crowded
from api.errors import CannotListen
from api.lane import Lane
from api.payloads import MAX_BODY
from api.settings import ServeSettings

logger = logging.getLogger(__name__)

MAX_HEADERS = 2**15  # bytes
IN_MEMORY = 2**18  # bytes of a body, beyond which it is in a file: several images, of every client
KEEP_ALIVE = 75  # seconds between two requests; proxies close theirs after 60, and should be first
PATIENCE = 5.0  # seconds for a request to arrive, if there is no room
YIELD = 1.0  # seconds idle after which a connection gives way to another, if there is no room
TICK = 0.5  # seconds after which deadlines are looked at, if nothing else happens
GRACE = 1.0  # seconds that an idle connection has for a request already on its way, at the end


def listen(host: str, port: int) -> socket.socket:
    """Take the address, before anything else is begun.

    Raises:
        CannotListen: the message names the setting to change.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family)
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", "") or str(error)).partition(" (while")[0]
        raise CannotListen(
            f"cannot listen on {host} port {port}: {reason}; change SERVE_HOST or SERVE_PORT"
        ) from None


class Server(TcpWSGIServer):  # type: ignore[misc]
    """Serves a WSGI application on a listening socket, until it is stopped.

    Args:
        application: the application.
        listener: from :func:`listen`.
        settings: the limits.
        quick: methods and paths of what waits for nothing but the model, and needs no thread.
        refused: is told the method, path and status of what the application never gets.

    Attributes:
        refused: as given.
        closed: whether nobody can connect any more.
    """

    channel_class = Channel

    def __init__(
        self,
        application: Callable[..., Any],
        listener: socket.socket,
        settings: ServeSettings,
        quick: Collection[tuple[str, str]] = (),
        refused: Callable[[str, str, int], None] = lambda *_: None,
    ) -> None:
        # It warns of every request that waits for a thread, which under load is every request.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._settings = settings
        self._quick = quick
        self.refused = refused
        self._lane = Lane(self.pull_trigger)
        self._thread: int | None = None  # that of the main loop
        self._stopped_at: float | None = None
        self._cause = ""
        self.closed = False
        super().__init__(
            application,
            dispatcher=ThreadedTaskDispatcher(),
            adj=_adjustments(listener, settings),
            _sock=listener,
            bind_socket=False,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
        )

    @property
    def draining(self) -> bool:
        """Whether :meth:`stop` has been called."""
        return self._stopped_at is not None

    def run(self) -> bool:
        """Serve until :meth:`stop`, then finish what is in flight.

        Returns:
            Whether all of it was finished within the time for it.
        """
        self._thread = threading.get_ident()
        self.task_dispatcher.set_thread_count(self._settings.threads)
        while not self.draining:
            self._turn()
        logger.info("stopping on %s", self._cause)
        self._stop_accepting()
        finished = self._drain()
        self.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)
        self._lane.close()
        return finished

    def stop(self, cause: str = "request") -> None:
        """Make :meth:`run` end; may be called from a signal handler and from any thread.

        Args:
            cause: for the log, which no handler of a signal may write: it could be in the middle of
                another line.
        """
        if not self.draining:
            super().pull_trigger()  # first, as the end of the run closes the trigger
            self._cause = cause
            self._stopped_at = time.monotonic()

    @property
    def in_main_loop(self) -> bool:
        """Whether this is the thread of :meth:`run`."""
        return threading.get_ident() == self._thread

    def pull_trigger(self) -> None:
        """Wake the main loop, unless it is what runs, or has ended."""
        # Its descriptors are closed at the end, and may be a file's by then.
        if self._map and not self.in_main_loop:
            super().pull_trigger()

    def add_task(self, task: Channel) -> None:
        """Answer the request that a channel has received: in the next turn, or in a thread."""
        task.whole_request_received()
        request = task.requests[0]
        quick = (request.command, request.path) in self._quick
        crowded = len(self.task_dispatcher.queue) >= self._settings.max_waiting
        if crowded and not (quick or request.error):
            request.error = Crowded("")
        if quick or request.error:
            self.later(task.service)
        else:
            super().add_task(task)

    def later(self, work: Callable[[], None]) -> None:
        """Do ``work`` in the main loop's next turn; any thread may call it."""
        self._lane.add(work)
        self.pull_trigger()

    def readable(self) -> bool:
        """Whether to accept a connection: there is room, or another one can give way."""
        accepts: bool = super().readable()
        return accepts or (self.accepting and (self._longest_idle() or self._slowest()) is not None)

    def handle_accept(self) -> None:
        """Take all who wait, or make room for one, to be taken in the next turn."""
        # Not in this one, in which there may still be an event for the descriptor that is free now.
        if len(self._map) < self._settings.connection_limit:
            self._accept(self._settings.connection_limit)
        elif (idle := self._longest_idle()) is not None:
            idle.handle_close()
        elif (slow := self._slowest()) is not None:
            slow.time_out()

    def maintenance(self, now: float) -> None:
        """Close connections that are idle for too long, and refuse requests that are late."""
        super().maintenance(now)
        self._lane.expire(time.monotonic())
        for channel in list(self.active_channels.values()):
            channel.enforce(self._settings.request_timeout, time.monotonic())

    def _turn(self) -> None:
        """Wait for something to happen, and act on it."""
        poll = select.poll()
        for descriptor, each in self._map.items():
            if events := _events(each):
                poll.register(descriptor, events)
        for descriptor, events in poll.poll(1000 * TICK if self._lane.empty else 0):
            if (found := self._map.get(descriptor)) is not None:
                if events & select.POLLRDHUP:
                    found.gone = True
                wasyncore.readwrite(found, events)
        self._lane.run()

    def _longest_idle(self) -> Channel | None:
        """The connection that can be closed at once to make room."""
        now = time.time()
        channels = self.active_channels.values()
        idle = {each: each.last_activity for each in channels if each.idle}
        idle |= {each: 0.0 for each in channels if each.lingering_since is not None}
        longest = min(idle, key=lambda each: idle[each], default=None)
        return longest if longest and now - idle[longest] >= YIELD else None

    def _slowest(self) -> Channel | None:
        """The connection whose request has been coming for longest, and for too long."""
        now = time.monotonic()
        begun = {
            each: each.receiving_since
            for each in self.active_channels.values()
            if each.receiving_since is not None
        }
        slowest = min(begun, key=lambda each: begun[each], default=None)
        return slowest if slowest and now - begun[slowest] >= PATIENCE else None

    def _stop_accepting(self) -> None:
        """Accept who has connected already, as closing the listener would reset them."""
        self._accept(sys.maxsize)  # whether or not there is room
        wasyncore.dispatcher.close(self)
        self.closed = True

    def _accept(self, limit: int) -> None:
        before = -1
        while before < len(self._map) < limit:
            before = len(self._map)
            super().handle_accept()

    def _drain(self) -> bool:
        stopped = self._stopped_at or 0.0
        while self.active_channels:
            now = time.monotonic()
            if now - stopped >= self._settings.shutdown_timeout:
                logger.warning("%d connections are cut off", len(self.active_channels))
                return False
            self.maintenance(time.time())
            for channel in list(self.active_channels.values()):
                if channel.idle and now - stopped >= GRACE:
                    channel.handle_close()
            self._turn()
        return True


def _events(watched: wasyncore.dispatcher) -> int:
    """What is to be known of a connection, of the listener, or of the trigger."""
    events = 0
    if watched.readable():
        events |= select.POLLIN  # and never POLLPRI, as nobody reads urgent data
    if watched.writable() and not watched.accepting:
        events |= select.POLLOUT
    if isinstance(watched, Channel) and watched.requests and not watched.gone:
        events |= select.POLLRDHUP
    return events


def _adjustments(listener: socket.socket, settings: ServeSettings) -> Adjustments:
    return Adjustments(
        sockets=[listener],
        threads=settings.threads,
        connection_limit=settings.connection_limit,
        channel_timeout=KEEP_ALIVE,
        cleanup_interval=1,
        max_request_body_size=MAX_BODY + 1,  # waitress refuses what is not below it
        max_request_header_size=MAX_HEADERS,
        inbuf_overflow=IN_MEMORY,
        recv_bytes=2**16,  # one image in one read
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=False,  # nothing but ACCOUNTS_PROXIES has one read
        log_socket_errors=False,  # clients come and go
        ident=None,
    )
