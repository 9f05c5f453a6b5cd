"""How requests to the API server fail, are tried again and are kept small."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3

from kubectl_ark import errors
from kubectl_ark.kube import pages
from kubectl_ark.kube.api import Api, TooLarge, failure_of
from kubectl_ark.kube.connection import Connection
from kubectl_ark.kube.throttle import Throttle
from kubectl_ark.model.resources import Resource

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", True)
Answer = Callable[[int, str], "tuple[int, dict[str, str], bytes]"]
"""From the request's number and path to status, headers and body."""


class Server:
    """A server that answers as a function says. ``paths``: what was asked."""

    def __init__(self, answer: Answer) -> None:
        self.paths: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.paths.append(self.path)
                status, headers, body = answer(len(server.paths), self.path)
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.stop = threading.Event()
        self.api = Api(Connection(f"http://127.0.0.1:{self._http.server_port}", urllib3.PoolManager(), dict),
                       stop=self.stop)

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Server]]:
    """Makes servers that end with the test."""
    made: list[Server] = []

    def make(answer: Answer) -> Server:
        made.append(Server(answer))
        return made[-1]
    yield make
    for each in made:
        each.close()


Serve = Callable[[Answer], Server]


@pytest.mark.parametrize("status, kind", [
    (400, errors.Rejected), (403, errors.Forbidden), (404, errors.NotFound), (409, errors.Conflict),
    (410, errors.Expired), (422, errors.Rejected), (500, errors.ApiError), (418, errors.ApiError)])
def test_each_status_is_an_error_of_its_own_in_the_servers_words(status: int, kind: type[errors.ApiError]) -> None:
    body = json.dumps({"kind": "Status", "message": "no pods for you"}).encode()
    failure = failure_of(status, body, method="GET", path="/api/v1/pods")
    assert type(failure) is kind
    assert (failure.message, failure.status) == ("no pods for you", status)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff" * 5000, b"null"])
def test_an_answer_that_is_no_status_object_is_cut_short(body: bytes) -> None:
    failure = failure_of(502, body, method="GET", path="/x")
    assert failure.message.startswith("GET /x: HTTP 502") and len(failure.message) < 300


def test_an_expired_page_names_the_token_to_go_on_with() -> None:
    body = json.dumps({"kind": "Status", "message": "too old", "metadata": {"continue": "later"}}).encode()
    failure = failure_of(410, body, method="GET", path="/x")
    assert isinstance(failure, errors.Expired) and failure.continue_token == "later"


def test_a_busy_server_is_asked_again_after_the_time_that_it_names(serve: Serve) -> None:
    server = serve(lambda number, path: (429, {"Retry-After": "1"}, b"") if number == 1 else (200, {}, b"done"))
    began = time.monotonic()
    assert server.api.raw("GET", "/x") == b"done"
    assert 0.9 < time.monotonic() - began < 3 and len(server.paths) == 2


def test_a_refusal_is_not_asked_for_again(serve: Serve) -> None:
    server = serve(lambda number, path: (403, {}, b""))
    with pytest.raises(errors.Forbidden):
        server.api.raw("GET", "/x")
    assert len(server.paths) == 1


def test_patience_ends_and_the_last_failure_is_told(serve: Serve) -> None:
    server = serve(lambda number, path: (503, {}, b"no leader"))
    with pytest.raises(errors.ApiError, match="HTTP 503: no leader"):
        server.api.raw("GET", "/x", patience=0.5)
    assert len(server.paths) > 1


def test_a_server_that_is_not_there_is_unreachable_in_plain_words(serve: Serve) -> None:
    server = serve(lambda number, path: (200, {}, b""))
    server.close()
    with pytest.raises(errors.Unreachable, match="does not answer: .*[Rr]efused") as caught:
        server.api.raw("GET", "/x", patience=0)
    assert "object at" not in str(caught.value)


def test_a_stopped_runner_does_not_wait_for_the_server(serve: Serve) -> None:
    server = serve(lambda number, path: (503, {}, b""))
    server.stop.set()
    with pytest.raises(errors.Interrupted):
        server.api.raw("GET", "/x")


def test_an_answer_that_is_too_large_is_dropped_and_the_connection_still_serves(serve: Serve) -> None:
    server = serve(lambda number, path: (200, {}, b"x" * (5_000_000 if path == "/large" else 10)))
    with pytest.raises(TooLarge):
        server.api.raw("GET", "/large", at_most=1000)
    assert server.api.raw("GET", "/small", at_most=10) == b"x" * 10
    assert server.api.raw("GET", "/large") == b"x" * 5_000_000


def test_pages_of_large_objects_hold_fewer_of_them_and_none_is_lost(
        serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_BYTES", 10_000)
    sizes = [3_000] * 20 + [50] * 300 + [20_000] + [50] * 10

    def answer(number: int, path: str) -> tuple[int, dict[str, str], bytes]:
        asked = dict(each.split("=") for each in path.partition("?")[2].split("&"))
        start, limit = int(asked.get("continue", 0)), int(asked["limit"])
        found = [{"metadata": {"name": str(index)}, "x": "y" * sizes[index]}
                 for index in range(start, min(start + limit, len(sizes)))]
        rest = str(start + limit) if start + limit < len(sizes) else ""
        return 200, {}, json.dumps({"metadata": {"continue": rest}, "items": found}).encode()

    server = serve(answer)
    found = list(pages.pages(server.api, CONFIG_MAPS))
    names = [item["metadata"]["name"] for page in found for item in page["items"]]
    assert names == [str(index) for index in range(len(sizes))]
    assert all(len(json.dumps(page)) <= 10_000 for page in found if len(page["items"]) > 1)
    assert max(len(page["items"]) for page in found) > 20, "small objects come in large pages again"


def test_a_throttled_run_asks_no_faster_than_it_may_however_many_threads_ask() -> None:
    throttle, stop = Throttle(100, burst=5), threading.Event()
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: throttle.wait(stop), range(25)))
    assert 0.19 < time.monotonic() - began < 1


def test_a_pause_saves_up_no_more_than_the_burst() -> None:
    throttle, stop = Throttle(50, burst=2), threading.Event()
    time.sleep(0.2)
    began = time.monotonic()
    for _ in range(6):
        throttle.wait(stop)
    assert time.monotonic() - began > 0.07


def test_waiting_for_a_turn_ends_when_the_run_is_stopped() -> None:
    throttle, stop = Throttle(0.01), threading.Event()
    throttle.wait(stop)
    stop.set()
    with pytest.raises(errors.Interrupted):
        throttle.wait(stop)


def test_only_the_work_is_throttled_not_the_runs_own_status(serve: Callable[[Answer], Server]) -> None:
    server = serve(lambda number, path: (200, {}, b"{}"))
    slow = server.api.limited(qps=10, parallel=100)
    began = time.monotonic()
    for _ in range(20):
        server.api.get("/status")
    assert time.monotonic() - began < 1
    for _ in range(15):
        slow.get("/work")
    assert time.monotonic() - began > 0.45
