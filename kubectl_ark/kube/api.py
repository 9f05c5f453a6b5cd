"""Requests to the API server: retried where that is safe, answered with bytes or with one of our errors."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3

from kubectl_ark import errors
from kubectl_ark.kube.connection import Connection
from kubectl_ark.kube.throttle import Throttle

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
"""How long one request is tried again: long enough for an API server to restart."""

CONNECT_SECONDS = 10.0
READ_SECONDS = 120.0
LINE_BYTES = 64 * 1024

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

_RETRIED = frozenset({429, 500, 502, 503, 504})
_BY_STATUS: dict[int, type[errors.ApiError]] = {
    400: errors.Rejected, 403: errors.Forbidden, 404: errors.NotFound, 409: errors.Conflict, 410: errors.Expired,
    422: errors.Rejected,
}


class TooLarge(Exception):
    """The answer has more bytes than the caller wanted to hold; it was dropped."""


class Api:
    """Thread-safe. ``stop`` set makes waiting requests end with Interrupted. throttle: None is as fast as it goes."""

    def __init__(self, connection: Connection, *, stop: threading.Event | None = None,
                 throttle: Throttle | None = None) -> None:
        self._connection = connection
        self._stop = stop or threading.Event()
        self._throttle = throttle
        self._timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)

    @property
    def connection(self) -> Connection:
        """What requests go by; for those that are no plain requests."""
        return self._connection

    def bearing(self, token: str) -> Api:
        """The same server, spoken to as whoever holds ``token``."""
        assert self._connection.bearing is not None, "made by connect()"
        return Api(self._connection.bearing(token), stop=self._stop, throttle=self._throttle)

    def limited(self, *, qps: float | None, parallel: int | None = None) -> Api:
        """The same API server for the work of one run, at most ``qps`` requests a second (None: unlimited).

        parallel: how many requests will go at once; so many connections are kept alive.
        """
        if parallel:
            self._connection.keep(parallel)
        return Api(self._connection, stop=self._stop, throttle=Throttle(qps) if qps else None)

    def raw(
        self, method: str, path: str, *, body: bytes | None = None, params: Mapping[str, str] | None = None,
        content_type: str = JSON, accept: str | None = None, patience: float = PATIENCE_SECONDS,
        at_most: int | None = None,
    ) -> bytes:
        """The answer's bytes. at_most: with more of them it is TooLarge, and no more than those are ever held.

        Raises NotFound, Forbidden, Conflict, Rejected, Expired, Unreachable, ApiError, Interrupted.

        429 (with its Retry-After), 5xx and broken connections are tried again for ``patience`` seconds. A POST whose
        answer was lost may so be sent twice: the second answer is then Conflict, and what stands there is ours.
        """
        url = self._connection.host + path + ("?" + urlencode(params) if params else "")
        deadline = time.monotonic() + patience
        delay = 0.1
        while True:
            if self._throttle is not None:
                self._throttle.wait(self._stop)
            headers = self._connection.headers()
            if body is not None:
                headers["Content-Type"] = content_type
            if accept is not None:
                headers["Accept"] = accept
            retry_after = 0.0
            try:
                answer = self._connection.pool.request(
                    method, url, body=body, headers=headers, timeout=self._timeout, retries=False, redirect=False,
                    preload_content=at_most is None)
                if answer.status < 300:
                    return answer.data if at_most is None else _bounded(answer, at_most)
                text = answer.data
            except urllib3.exceptions.HTTPError as fault:
                failure: errors.ApiError = errors.Unreachable(
                    f"the API server at {self._connection.host} does not answer: {_plain(fault)}")
                failure.__cause__ = fault
            else:
                failure = failure_of(answer.status, text, method=method, path=path)
                # A webhook that is down answers for as long as its pods are: the next object fares no better.
                if answer.status not in _RETRIED or _is_of_webhook(failure):
                    raise failure
                retry_after = _seconds(answer.headers.get("Retry-After"))
            wait = max(retry_after, delay * (0.75 + random.random() / 2))
            if time.monotonic() + wait > deadline:
                raise failure
            logger.debug("%s %s: %s; trying again in %.1f s", method, path, failure, wait)
            if self._stop.wait(wait):
                raise errors.Interrupted("stopped while waiting for the API server")
            delay = min(delay * 2, 5.0)

    def lines(self, path: str, *, params: Mapping[str, str]) -> Iterator[bytes]:
        """The lines of an answer that goes on, such as a watch, as they come. One try; errors as in ``raw``.

        Ends when the server ends it: give it a timeoutSeconds of less than READ_SECONDS.
        """
        if self._throttle is not None:
            self._throttle.wait(self._stop)
        try:
            answer = self._connection.pool.request(
                "GET", f"{self._connection.host}{path}?{urlencode(params)}", headers=self._connection.headers(),
                timeout=self._timeout, retries=False, redirect=False, preload_content=False)
            try:
                if answer.status >= 300:
                    raise failure_of(answer.status, answer.read(), method="GET", path=path)
                rest = b""
                for piece in answer.stream(LINE_BYTES):
                    *whole, rest = (rest + piece).split(b"\n")
                    yield from whole
            finally:
                answer.close()
        except urllib3.exceptions.HTTPError as fault:
            raise errors.Unreachable(f"the API server at {self._connection.host} does not answer: {_plain(fault)}") \
                from fault

    def get(self, path: str, *, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The object at ``path``. Errors as in ``raw``."""
        return _decoded(self.raw("GET", path, params=params))

    def create(self, path: str, body: dict[str, Any], *, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """POST ``body``; the object as the server stored it. Errors as in ``raw``."""
        return _decoded(self.raw("POST", path, body=orjson.dumps(body), params=params))

    def delete(self, path: str, *, uid: str, resource_version: str | None = None) -> bool:
        """DELETE the object with this uid, and in the background what it owns; False if there is no such any more.

        resource_version: only if it has not changed since; raises Conflict where it has.
        """
        conditions = {"uid": uid, **({"resourceVersion": resource_version} if resource_version else {})}
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
                   "preconditions": conditions}
        try:
            self.raw("DELETE", path, body=orjson.dumps(options))
        except errors.NotFound:
            return False
        except errors.Conflict as conflict:
            if "UID" in conflict.message:  # another object has the name
                return False
            raise
        return True

    def patch_json(self, path: str, operations: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
        """JSON patch (RFC 6902). A failed "test" operation raises Rejected."""
        return _decoded(self.raw("PATCH", path, body=orjson.dumps(operations), content_type=JSON_PATCH, **options))

    def patch_merge(self, path: str, body: dict[str, Any], **options: Any) -> dict[str, Any]:
        """JSON merge patch (RFC 7386). Errors as in ``raw``."""
        return _decoded(self.raw("PATCH", path, body=orjson.dumps(body), content_type=MERGE_PATCH, **options))


def _bounded(answer: urllib3.BaseHTTPResponse, at_most: int) -> bytes:
    data = answer.read(at_most + 1)
    if len(data) > at_most:
        answer.close()
        answer.release_conn()
        raise TooLarge
    answer.release_conn()
    return data


def failure_of(status: int, body: bytes, *, method: str, path: str) -> errors.ApiError:
    """Our error for an HTTP answer, in the server's words; what is not a Status object is cut short."""
    try:
        parsed = orjson.loads(body)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict) and parsed.get("kind") == "Status":
        message = str(parsed.get("message") or parsed.get("reason") or f"HTTP {status}")
    else:
        parsed = None
        text = body[:200].decode("utf-8", "replace").strip()
        message = f"{method} {path}: HTTP {status}{': ' + text if text else ''}"
    failure = _BY_STATUS.get(status, errors.ApiError)(message, status=status, body=parsed)
    if isinstance(failure, errors.Expired) and parsed:
        failure.continue_token = (parsed.get("metadata") or {}).get("continue") or None
    return failure


def _decoded(body: bytes) -> dict[str, Any]:
    parsed = orjson.loads(body)
    if not isinstance(parsed, dict):
        raise errors.ApiError("the API server answered with something that is not an object")
    return parsed


def _seconds(text: str | None) -> float:
    try:
        return min(float(text or 0), 30.0)
    except ValueError:
        return 0.0


def _plain(fault: BaseException) -> str:
    """urllib3's message without the pool's repr in front of it."""
    return str(fault).rpartition(">: ")[2] or type(fault).__name__


def _is_of_webhook(failure: errors.ApiError) -> bool:
    return bool(failure.body) and any(words in failure.message for words in (
        "failed calling webhook", "conversion webhook", "admission webhook"))
