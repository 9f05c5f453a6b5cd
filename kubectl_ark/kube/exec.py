"""A command in a container of a pod, as ``kubectl exec`` runs it: over a websocket, without input.

Only the end of what the command says is kept. Nothing here can end a command that is too slow: the API has no way to.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from kubectl_ark import errors
from kubectl_ark.kube.api import CONNECT_SECONDS, Api, failure_of

TAIL_BYTES = 4096
"""What is kept of each stream."""

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDOUT, STDERR, STATUS = 1, 2, 3
"""The streams of these protocols: the first byte of each frame."""

LOOK_SECONDS = 0.5
"""How often the caller is asked whether to go on waiting."""

PING_SECONDS = 10.0
"""Silence that load balancers take for a lost connection is longer."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a command left. stdout, stderr: at most their last TAIL_BYTES, as text."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Its last words on one line: of stderr, else of stdout; "" if there were none."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return lines[-1].strip() if lines else ""


def run(
    api: Api, namespace: str, pod: str, *, container: str, command: Sequence[str], timeout: float,
    checkpoint: Callable[[], None] | None = None,
) -> Outcome:
    """Run ``command`` in ``container`` and wait for its end.

    timeout: seconds. checkpoint: called twice a second; what it raises ends the waiting. A command that ends with
    another exit code than 0 is an Outcome too. Raises TimedOut (the command is then left running), NotFound,
    Forbidden, Rejected, ApiError in the server's words, and Unreachable where the connection fails or breaks.
    """
    deadline = time.monotonic() + timeout
    title = f"{command[0] if command else 'a command'} in pod {namespace}/{pod}, container {container}"
    socket = _opened(api, namespace, pod, container=container, command=command, timeout=min(timeout, CONNECT_SECONDS))
    try:
        return _Session(socket, title).followed(deadline, timeout, checkpoint or (lambda: None))
    finally:
        socket.shutdown()


class _Session:
    """One open websocket. title: names the command in messages."""

    def __init__(self, socket: Any, title: str) -> None:
        self._socket, self._title = socket, title
        self._tails = {STDOUT: b"", STDERR: b"", STATUS: b""}

    def followed(self, deadline: float, timeout: float, checkpoint: Callable[[], None]) -> Outcome:
        """Read until the status is there. deadline: by the monotonic clock."""
        import websocket

        pinged = time.monotonic()
        while (left := deadline - time.monotonic()) > 0:
            checkpoint()
            self._socket.settimeout(min(left, LOOK_SECONDS))
            try:
                opcode, frame = self._socket.recv_data_frame()
                if opcode == websocket.ABNF.OPCODE_CLOSE:
                    break
                self._take(frame.data)
                if self._tails[STATUS]:
                    return self._outcome()
                if time.monotonic() - pinged > PING_SECONDS:
                    self._socket.ping()
                    pinged = time.monotonic()
            except websocket.WebSocketTimeoutException:
                continue
            except (websocket.WebSocketException, OSError) as fault:
                raise errors.Unreachable(f"{self._title}: the connection broke: {fault}") from fault
        else:
            raise errors.TimedOut(f"{self._title}: it did not end within {timeout:g} s and is left running")
        raise errors.Unreachable(f"{self._title}: the connection ended before the command did")

    def _take(self, frame: bytes) -> None:
        channel = frame[0] if frame else 0
        if channel in self._tails:
            self._tails[channel] = (self._tails[channel] + frame[1:])[-TAIL_BYTES:]

    def _outcome(self) -> Outcome:
        """From the Status object that ends the session. Raises ApiError where the command could not be run."""
        try:
            status = orjson.loads(self._tails[STATUS])
        except ValueError:
            status = {"message": self._tails[STATUS].decode(errors="replace")}
        exit_code = 0 if status.get("status") == "Success" else None
        if status.get("reason") == "NonZeroExitCode":
            causes = (status.get("details") or {}).get("causes") or []
            exit_code = next((int(each["message"]) for each in causes if each.get("reason") == "ExitCode"), 1)
        if exit_code is None:
            raise errors.ApiError(f"{self._title}: {status.get('message') or 'it could not be run'}", body=status)
        return Outcome(exit_code, *(self._tails[each].decode(errors="replace") for each in (STDOUT, STDERR)))


def _opened(
    api: Api, namespace: str, pod: str, *, container: str, command: Sequence[str], timeout: float,
) -> Any:
    """The websocket, once the API server has agreed."""
    import websocket

    connection = api.connection
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/exec"
    query = urlencode([("container", container), ("stdout", "true"), ("stderr", "true"),
                       *(("command", word) for word in command)])
    options: dict[str, Any] = {}
    if (tls := connection.tls) is not None:
        # The library would set these two anew, on the context that the pool uses too.
        options["sslopt"] = {"context": tls, "cert_reqs": tls.verify_mode, "check_hostname": tls.check_hostname}
    headers = {key: value for key, value in connection.headers().items() if key != "Accept"}
    try:
        return websocket.create_connection(
            f"ws{connection.host.removeprefix('http')}{path}?{query}", timeout=timeout, header=headers,
            subprotocols=list(PROTOCOLS), **options)
    except websocket.WebSocketBadStatusException as answer:
        raise failure_of(answer.status_code, bytes(answer.resp_body or b""), method="GET", path=path) from answer
    except (websocket.WebSocketException, OSError) as fault:
        raise errors.Unreachable(f"pod {namespace}/{pod}: no command can be run in it: {fault}") from fault
