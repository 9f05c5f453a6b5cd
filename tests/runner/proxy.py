"""A TCP proxy that stands between the runner and a server and makes the network bad on purpose."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from urllib.parse import urlsplit

BLOCK = 64 * 1024


class Proxy:
    """Forwards connections to ``url``'s host and port, as a context manager.

    delay, answer_delay: seconds that what goes to the server, or comes from it, waits before it goes on.
    hold_after: bytes towards the server after which nothing moves any more, on any connection, until ``release``;
    ``held`` tells that it has come so far.
    """

    def __init__(self, url: str, *, delay: float = 0.0, answer_delay: float = 0.0,
                 hold_after: int | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self._target = (parts.hostname, parts.port)
        self._scheme = parts.scheme
        self._delay, self._answer_delay, self._hold_after = delay, answer_delay, hold_after
        self.held = threading.Event()
        self.sent = 0
        """Bytes that went towards the server."""
        self._go = threading.Event()
        self._go.set()
        self._over = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._over = True
        self.release()
        self._listener.close()
        self.cut()

    def release(self) -> None:
        """Let everything move again, for good."""
        self._hold_after = None
        self._go.set()

    def cut(self) -> None:
        """Close every connection that is open now."""
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._over:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target, timeout=10)
            except OSError:
                if self._over:
                    return
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {client, server}
            for source, sink, up in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._forward, args=(source, sink, up), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(BLOCK):
                time.sleep(self._delay if up else self._answer_delay)
                if up:
                    with self._lock:
                        self.sent += len(data)
                        if self._hold_after is not None and self.sent > self._hold_after:
                            self._go.clear()
                            self.held.set()
                self._go.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source}
        source.close()
