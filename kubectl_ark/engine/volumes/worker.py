"""One volume, in the Job that has it mounted: restic saves it or brings it back, and the run is told."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from kubectl_ark import errors
from kubectl_ark.engine.volumes import restic
from kubectl_ark.engine.volumes.reports import Reports
from kubectl_ark.engine.volumes.restic import Message, Repository
from kubectl_ark.model.volume_work import COMPLETED, FAILED, HOST, MAX_FAILURES, PROGRESS, RESULT, VolumeWork

REPORT_SECONDS = 1.0
LOCK_WAIT = "15m"
"""How long restic waits for whoever tidies the repository."""

EMPTY = "snapshot is empty"
"""restic's words for a directory in which there is nothing to save."""

UNREADABLE = "permission denied"
"""The system's words, in restic's."""

RESULT_TRIES = 5

NOT_OURS = ("lost+found",)
"""What file systems put at the root of a volume, for root alone."""

OLD_MARKS = (".velero", ".ark")
"""What restores of Velero and Ark left at the root of a volume."""

Result = dict[str, Any]


class Worker:
    """scratch: for restic's cache. stop: set when the pod is being stopped."""

    def __init__(self, work: VolumeWork, *, token: str, password_file: Path, scratch: Path,
                 stop: threading.Event) -> None:
        self._work, self._scratch, self._stop = work, scratch, stop
        self._reports = Reports(work.address, user=work.user, token=token)
        self._repository = Repository(f"{work.address}/{work.repository}", work.user, token, password_file)
        self._told = 0.0
        self._began = time.monotonic()
        self._failures: list[str] = []
        self._failed = 0
        self._summary: Message = {}

    def do(self) -> Result:
        """Save the volume or bring it back; what came of it, of which the run has been told.

        Raises Interrupted, Cancelled, StoreError for what another try may mend, StoreUnusable for what it may not.
        """
        self._reports.reach(self._stop)
        result = self._brought_back() if self._work.snapshot else self._saved()
        result = {"kind": RESULT, **result, "failureCount": self._failed, "failures": self._failures,
                  "durationSeconds": round(time.monotonic() - self._began, 1), "resticVersion": version()}
        self._reports.send(result, tries=RESULT_TRIES)
        return result

    def _saved(self) -> Result:
        work = self._work
        arguments = ["backup", ".", "--host", HOST, "--one-file-system", "--retry-lock", LOCK_WAIT]
        arguments += [word for tag in work.tags for word in ("--tag", tag)]
        arguments += [word for name in NOT_OURS for word in ("--exclude", f"{work.path}/{name}")]
        if work.parallel:
            arguments += ["--read-concurrency", str(work.parallel)]
        ended = self._run(arguments)
        summary = self._summary
        counts = {"filesNew": summary.get("files_new", 0), "filesChanged": summary.get("files_changed", 0),
                  "filesTotal": summary.get("total_files_processed", 0),
                  "bytesTotal": summary.get("total_bytes_processed", 0),
                  "bytesAdded": summary.get("data_added_packed", summary.get("data_added", 0))}
        if ended.code == restic.INCOMPLETE or ended.code == restic.DONE and self._failed:
            return {**counts, "phase": FAILED, "snapshotID": summary.get("snapshot_id", ""),
                    "message": f"{_entries(self._failed)} could not be read: {self._failures[0]}"
                    if self._failures else "some files could not be read"}
        if ended.code == restic.DONE and summary.get("snapshot_id"):
            return {**counts, "phase": COMPLETED, "snapshotID": summary["snapshot_id"]}
        if EMPTY in ended.said:
            if self._failed:
                return {**counts, "phase": FAILED, "message": f"nothing could be read: {self._failures[0]}"}
            return {**counts, "phase": COMPLETED, "message": "the volume is empty: there is no snapshot of it"}
        if UNREADABLE in ended.said:  # the volume's own directory, which no other try will find open
            return {**counts, "phase": FAILED, "message": f"nothing could be read: {ended.said}"}
        raise restic.failure(ended, f"saving {work.title}")

    def _brought_back(self) -> Result:
        work = self._work
        arguments = ["restore", work.snapshot, "--target", ".", "--no-lock"]
        arguments += [word for name in (*NOT_OURS, *OLD_MARKS) for word in ("--exclude", f"/{name}")]
        arguments += ["--sparse"] if work.sparse else []
        arguments += ["-o", f"rest.connections={work.parallel}"] if work.parallel else []
        arguments += ["--delete"] if work.clean else []
        ended = self._run(arguments)
        summary = self._summary
        counts = {"filesTotal": summary.get("total_files", 0), "bytesTotal": summary.get("total_bytes", 0)}
        if self._failed:
            return {**counts, "phase": FAILED, "message":
                    f"{_entries(self._failed)} could not be brought back: {self._failures[0]}"}
        if ended.code != restic.DONE:
            raise restic.failure(ended, f"bringing back {work.title}")
        lost = self._owners_lost()
        if lost:
            return {**counts, "phase": FAILED, "ownersLost": lost, "message":
                    f"{_entries(lost)} belong{'s' * (lost == 1)} to user {os.geteuid()}, group {os.getegid()} now: "
                    "this Job may not give files to their former owners and groups"}
        return {**counts, "phase": COMPLETED}

    def _owners_lost(self) -> int:
        """How many entries of the snapshot had another owner than those that this user can make; restic is silent
        about them. Root with CAP_CHOWN loses none."""
        if os.geteuid() == 0:
            return 0
        users, groups, lost = {os.geteuid()}, {os.getegid(), *os.getgroups()}, 0

        def look(message: Message) -> None:
            nonlocal lost
            if message.get("struct_type") == "node" or message.get("message_type") == "node":
                lost += message.get("uid", 0) not in users or message.get("gid", 0) not in groups

        ended = restic.run(self._repository, ["ls", self._work.snapshot, "--no-lock"], scratch=self._scratch,
                           heed=look, stop=self._stop)
        if ended.code != restic.DONE:
            raise restic.failure(ended, f"bringing back {self._work.title}")
        return lost

    def _run(self, arguments: list[str]) -> restic.Ended:
        try:
            ended = restic.run(self._repository, arguments, directory=Path(self._work.path), scratch=self._scratch,
                               heed=self._heed, stop=self._stop)
        except PermissionError as refused:
            self._heed({"message_type": "error", "item": "", "error": {"message": str(refused.strerror).lower()}})
            return restic.Ended(restic.FAILED, EMPTY)
        if self._stop.is_set():
            raise errors.Interrupted("the pod is being stopped")
        return ended

    def _heed(self, message: Message) -> None:
        kind = message.get("message_type")
        if kind == "summary":
            self._summary = message
        elif kind == "error":
            if message.get("during") == "scan":
                return  # it is met again when its content is to be read
            self._failed += 1
            if len(self._failures) < MAX_FAILURES:
                self._failures.append(_sentence(message, self._work.path))
        elif kind == "status" and time.monotonic() - self._told > REPORT_SECONDS:
            self._told = time.monotonic()
            done = message.get("bytes_done", message.get("bytes_restored", 0))
            if not self._reports.send({"kind": PROGRESS, "bytesDone": done,
                                       "totalBytes": max(message.get("total_bytes", 0), done)}):
                raise errors.Cancelled("the run wants no more of this volume")


def _entries(count: int) -> str:
    return "1 file or directory" if count == 1 else f"{count} files or directories"


def version() -> str:
    """restic's version, "0.18.0"; "" where it does not say."""
    said = subprocess.run([restic.BINARY, "version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"restic (\S+)", said)
    return found[1] if found else ""


def _sentence(message: Message, root: str) -> str:
    """What went wrong with one file: "etc/shadow: open etc/shadow: permission denied"."""
    error = message.get("error") or {}
    item = str(message.get("item") or "").removeprefix(root).lstrip("/") or "."
    words = str(error.get("message") or error.get("Err") or "unknown error").replace(f"{root}/", "")
    text = words if words.startswith(f"{item}: ") else f"{item}: {words}"
    return " ".join(text.split())[:200]
