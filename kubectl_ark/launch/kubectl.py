"""The only place that runs kubectl.

Requests go through ``kubectl get|create|delete --raw`` where that will do: no discovery, no download of schemas, and
the answer is the server's own JSON. Server errors keep kubectl's words.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubectl_ark import errors
from kubectl_ark.launch.watches import Watch

CHUNK = 1 << 16

_FROM_SERVER = re.compile(r"^Error from server(?: \((?P<reason>\w+)\))?: (?P<message>.*)", re.S)
_INVALID = re.compile(r"^The \S+ .* is invalid: ?(?P<message>.*)", re.S)
_UNREACHABLE = re.compile(
    r"connection refused|was refused|no such host|i/o timeout|TLS handshake|unexpected EOF|connection reset|"
    r"Service ?Unavailable|server is currently unable|Timeout|TooManyRequests|InternalError|etcdserver|"
    r"http2: |network is unreachable|apiserver not ready|shutting down|Unable to connect", re.I)


class KubectlError(errors.KubectlFailed):
    """kubectl failed. ``status_reason``: the server's word for it such as "NotFound", "" if it gave none."""

    def __init__(self, message: str, *, status_reason: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status_reason = status_reason

    @property
    def is_passing(self) -> bool:
        """True if the server could not be reached or was busy: the same request may do later."""
        return self.status_reason not in ("NotFound", "Forbidden", "AlreadyExists", "Conflict", "Invalid") \
            and _UNREACHABLE.search(f"{self.status_reason} {self.message}") is not None


def program(environ: Mapping[str, str] = os.environ) -> str:
    """The kubectl to run: KUBECTL_ARK_KUBECTL, else the one on PATH."""
    return environ.get("KUBECTL_ARK_KUBECTL") or "kubectl"


class Kubectl:
    """kubectl with the user's own connection flags, such as ["--context", "x", "--as=y"]."""

    def __init__(self, flags: Sequence[str] = ()) -> None:
        self._flags = list(flags)

    def hurried(self, seconds: int) -> Kubectl:
        """The same, but a request may take no longer than this."""
        return Kubectl([*self._flags, f"--request-timeout={seconds}s"])

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        return [program(), *self._flags, *arguments]

    def start(self, *arguments: str, stdin: int | None = subprocess.DEVNULL, own_group: bool = False,
              ) -> subprocess.Popen[bytes]:
        """A running kubectl whose stdout and stderr are pipes.

        own_group: Ctrl-C on the terminal does not reach it; for what runs on in the background. The others stay with
        us, so that a login that asks for a password still has its terminal.
        """
        try:
            return subprocess.Popen(self.command(*arguments), stdin=stdin, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, start_new_session=own_group)
        except FileNotFoundError as error:
            raise errors.KubectlFailed(f"{program()} was not found",
                                       hint="install kubectl or set KUBECTL_ARK_KUBECTL") from error
        except OSError as error:
            raise errors.KubectlFailed(f"{program()} cannot be run: {error.strerror}") from error

    def run(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        """What kubectl printed. Raises KubectlError with what it had to say."""
        process = self.start(*arguments, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
        try:
            output, complaint = process.communicate(stdin)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if process.returncode != 0:
            raise explain(complaint.decode(errors="replace"))
        return output

    def stream(self, *arguments: str) -> Iterator[bytes]:
        """What kubectl prints, in pieces as they come. Raises KubectlError; left early, the child is ended."""
        process = self.start(*arguments)
        assert process.stdout is not None and process.stderr is not None
        try:
            while piece := process.stdout.read1(CHUNK):  # type: ignore[attr-defined]
                yield piece
            complaint = process.stderr.read().decode(errors="replace")
            if process.wait() != 0:
                raise explain(complaint)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
            process.stdout.close()
            process.stderr.close()

    def get(self, path: str) -> dict[str, Any]:
        """The object or list at an API path."""
        return _parsed(self.run("get", "--raw", path))

    def create(self, path: str, obj: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """POST to a collection's path, refusing unknown fields; what the server made of it."""
        query = "?fieldManager=kubectl-ark&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        return _parsed(self.run("create", "--raw", path + query, "-f", "-", stdin=json.dumps(obj).encode()))

    def delete(self, path: str) -> None:
        """DELETE with what it owns; one that is gone already is fine."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        try:
            self.run("delete", "--raw", path, "-f", "-", stdin=json.dumps(options).encode())
        except KubectlError as error:
            if error.status_reason != "NotFound":
                raise

    def patch(self, resource: str, name: str, namespace: str,
              patch: Sequence[Mapping[str, Any]] | Mapping[str, Any], *, status: bool = False) -> dict[str, Any]:
        """A JSON patch (a list) or merge patch (a mapping) of one object or its status."""
        kind = "json" if isinstance(patch, Sequence) else "merge"
        arguments = ["patch", resource, name, "-n", namespace, f"--type={kind}", "-p", json.dumps(patch), "-o", "json"]
        return _parsed(self.run(*arguments, *(["--subresource=status"] if status else [])))

    def watch(self, path: str) -> Watch:
        """Changes at a collection's path (with its query), from now or the resourceVersion in it."""
        return Watch(self.start("get", "--raw", path, own_group=True), explain)


def explain(complaint: str) -> KubectlError:
    """What kubectl wrote to stderr, as an error of one line."""
    lines = [line for line in complaint.strip().splitlines() if line.strip() and not line.startswith("Warning:")]
    # Errors of client-go's own log ("E0102 …") come before the sentence that is meant for people.
    spoken = [line for line in lines if not re.match(r"[EWI]\d{4} ", line)] or lines
    spoken = spoken or ["kubectl failed without a word"]
    text = " ".join(" ".join(spoken).split())
    if found := _FROM_SERVER.match(text):
        return KubectlError(text, status_reason=found["reason"] or "")
    if _INVALID.match(text):
        return KubectlError(text, status_reason="Invalid")
    return KubectlError(text.removeprefix("error: "))


def _parsed(output: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(output)
    except ValueError as error:
        raise errors.KubectlFailed(f"kubectl's answer is not JSON: {output[:80]!r}") from error
    return dict(answer)
