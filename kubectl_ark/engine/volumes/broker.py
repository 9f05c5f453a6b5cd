"""The endpoint that restic speaks to: its REST protocol, in front of the bucket.

Whoever is let in has a token for one repository and so much as its rights allow; the bucket's keys stay in this
process. Bodies go through piece by piece, so that memory does not grow with them.
"""

from __future__ import annotations

import hmac
import json
import logging
import socket
import socketserver
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubectl_ark import errors
from kubectl_ark.engine.volumes import tenants
from kubectl_ark.engine.volumes.tenants import CONFIG, Rights, Target, Tenant
from kubectl_ark.store.bucket import Bucket

logger = logging.getLogger(__name__)

LIST_V2 = "application/vnd.x.restic.rest.v2"
PIECE = 256 * 1024
MAX_REPORT = 64 * 1024
IDLE_SECONDS = 120.0
"""A connection that is silent for so long is closed; restic opens another."""

MOST_CONNECTIONS = 256


class Broker:
    """Serves from ``with`` on, until it is left. port: 0 for any. Thread-safe."""

    def __init__(self, bucket: Bucket, *, host: str = "0.0.0.0", port: int = 0) -> None:
        self.bucket = bucket
        self._tenants: dict[str, Tenant] = {}
        self._locks: dict[str, set[str]] = {}
        self._turn = threading.Lock()
        self._server = _Server((host, port), self)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="broker", daemon=True)

    def __enter__(self) -> Broker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for name in list(self._tenants):
            self.dismiss(name)

    def admit(self, tenant: Tenant) -> None:
        """Let a tenant in. One of that name that is there is replaced."""
        with self._turn:
            self._tenants[tenant.name] = tenant
            self._locks.setdefault(tenant.name, set())

    def dismiss(self, name: str) -> None:
        """Let it in no more, and remove the locks that it has left: whoever held them is gone."""
        with self._turn:
            self._tenants.pop(name, None)
            left = self._locks.pop(name, set())
        for key in left:
            try:
                self.bucket.delete(key)
            except errors.StoreError as failure:  # restic takes it for stale after half an hour
                logger.warning("the lock %s could not be removed: %s", key, failure)

    def known(self, header: str | None) -> Tenant | None:
        """Whose credentials these are; None where they are nobody's."""
        given = tenants.credentials(header)
        if given is None:
            return None
        with self._turn:
            tenant = self._tenants.get(given[0])
        return tenant if tenant is not None and hmac.compare_digest(tenant.token, given[1]) else None

    def locked(self, tenant: Tenant, key: str) -> None:
        """A tenant has added a lock."""
        with self._turn:
            if tenant.name in self._locks:
                self._locks[tenant.name].add(key)

    def unlocked(self, tenant: Tenant, key: str) -> None:
        """A lock is gone."""
        with self._turn:
            self._locks.get(tenant.name, set()).discard(key)

    def is_own_lock(self, tenant: Tenant, key: str) -> bool:
        """Whether this tenant has added that lock."""
        with self._turn:
            return key in self._locks.get(tenant.name, ())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], broker: Broker) -> None:
        self.broker = broker
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._free.acquire()
        self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.discard(request)
            self._free.release()

    def server_close(self) -> None:
        super().server_close()
        for each in list(self._open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("a connection broke", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "kubectl-ark", ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: there are thousands of requests."""

    def do_HEAD(self) -> None:
        self._served(self._head)

    def do_GET(self) -> None:
        self._served(self._get)

    def do_POST(self) -> None:
        self._served(self._post)

    def do_DELETE(self) -> None:
        self._served(self._delete)

    @property
    def _bucket(self) -> Bucket:
        return self.server.broker.bucket

    def _served(self, answer: Any) -> None:
        """Answer who is known; what fails in the store is to be tried again."""
        self._unread = int(self.headers.get("Content-Length") or 0)
        tenant = self.server.broker.known(self.headers.get("Authorization"))
        if tenant is None:
            return self._done(HTTPStatus.UNAUTHORIZED)
        url = urlsplit(self.path)
        if url.path == "/report":
            return self._report(tenant)
        target = tenants.target(url.path, tenant.repository)
        if target is None:
            return self._done(HTTPStatus.FORBIDDEN)
        try:
            answer(tenant, target, url.query)
        except errors.KeyMissing:
            self._done(HTTPStatus.NOT_FOUND)
        except errors.StoreError as failure:
            logger.warning("%s %s: %s", self.command, url.path, failure)
            self._done(HTTPStatus.SERVICE_UNAVAILABLE)

    def _head(self, tenant: Tenant, target: Target, query: str) -> None:
        size = self._bucket.size(target.key(tenant.repository)) if target.type == CONFIG or target.name else None
        if size is None:
            return self._done(HTTPStatus.NOT_FOUND)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def _get(self, tenant: Tenant, target: Target, query: str) -> None:
        key = target.key(tenant.repository)
        if target.type == "":
            return self._done(HTTPStatus.NOT_FOUND)
        if target.type != CONFIG and not target.name:
            return self._listed(key)
        wanted = tenants.byte_range(self.headers.get("Range"))
        size = self._bucket.size(key)
        if size is None:
            return self._done(HTTPStatus.NOT_FOUND)
        offset, length = wanted or (0, None)
        length = min(size - offset if length is None else length, size - offset)
        if offset > size or length < 0:
            return self._done(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        with self._bucket.open_range(key, offset=offset, length=length) as stream:
            self.send_response(HTTPStatus.PARTIAL_CONTENT if wanted else HTTPStatus.OK)
            self.send_header("Content-Type", "binary/octet-stream")
            self.send_header("Content-Length", str(length))
            if wanted:
                self.send_header("Content-Range", f"bytes {offset}-{offset + length - 1}/{size}")
            self.end_headers()
            left = length
            while left > 0:
                piece = stream.read(min(PIECE, left))
                if not piece:
                    self.close_connection = True  # too little was sent: the client must see that
                    return
                self.wfile.write(piece)
                left -= len(piece)

    def _listed(self, directory: str) -> None:
        second = LIST_V2 in (self.headers.get("Accept") or "")
        found = [(key.rpartition("/")[2], size) for key, size in self._bucket.sizes(directory)]
        content = [{"name": name, "size": size} for name, size in found] if second else [name for name, _ in found]
        body = json.dumps(content).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", LIST_V2 if second else "application/vnd.x.restic.rest.v1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _post(self, tenant: Tenant, target: Target, query: str) -> None:
        if target.type == "":
            creates = parse_qs(query).get("create") == ["true"] and tenant.rights is Rights.FULL
            return self._done(HTTPStatus.OK if creates else HTTPStatus.FORBIDDEN)
        if not tenant.may_add(target.type):
            return self._done(HTTPStatus.FORBIDDEN)
        if target.type != CONFIG and not target.name or "Content-Length" not in self.headers:
            return self._done(HTTPStatus.BAD_REQUEST)
        key = target.key(tenant.repository)
        if target.type == "locks":
            self.server.broker.locked(tenant, key)
        if target.type == CONFIG:
            was_put = self._bucket.put(key, self._body(MAX_REPORT), only_if_absent=True)
            return self._done(HTTPStatus.OK if was_put else HTTPStatus.FORBIDDEN)
        # The name is the hash of the content: the store checks it, and what is there already is the same.
        self._bucket.put_stream(key, self, size=self._unread, sha256=target.name, only_if_absent=True)
        self._done(HTTPStatus.OK)

    def _delete(self, tenant: Tenant, target: Target, query: str) -> None:
        key = target.key(tenant.repository)
        own = target.type == "locks" and bool(target.name) and tenant.rights is Rights.APPEND \
            and self.server.broker.is_own_lock(tenant, key)
        if not (own or tenant.rights is Rights.FULL and target.name):
            return self._done(HTTPStatus.FORBIDDEN)
        self._bucket.delete(key)
        self.server.broker.unlocked(tenant, key)
        self._done(HTTPStatus.OK)

    def _report(self, tenant: Tenant) -> None:
        if self.command != "POST" or tenant.report is None:
            return self._done(HTTPStatus.FORBIDDEN)
        try:
            report = json.loads(self._body(MAX_REPORT))
        except ValueError:
            return self._done(HTTPStatus.BAD_REQUEST)
        if not isinstance(report, dict):
            return self._done(HTTPStatus.BAD_REQUEST)
        self._done(HTTPStatus.NO_CONTENT if tenant.report(report) else HTTPStatus.GONE)

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes of the request's body; b"" at its end."""
        piece: bytes = self.rfile.read(min(self._unread, PIECE if size < 0 else min(size, PIECE)))
        self._unread -= len(piece)
        return piece

    def _body(self, limit: int) -> bytes:
        """The whole body. Raises ValueError where it is too large."""
        if self._unread > limit:
            raise ValueError("too large")
        content = b""
        while self._unread and (piece := self.read()):
            content += piece
        return content

    def _done(self, status: HTTPStatus) -> None:
        """An answer without a body. What is left of the request's is read first, so that the next request is found."""
        while self._unread and self.read():
            pass
        self.send_response(status)
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Basic realm="kubectl-ark"')
        if status is not HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", "0")
        self.end_headers()
