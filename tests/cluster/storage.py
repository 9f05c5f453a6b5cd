"""versitygw: an S3 server over a directory."""

from __future__ import annotations

import os
import secrets
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Optional, Tuple, Type

from .binaries import Binaries
from .processes import Daemon, free_port, require_free_port, wait_until


@dataclass(frozen=True)
class Credentials:
    """Access key and secret key of the S3 server's root user."""

    access_key: str
    secret_key: str

    @classmethod
    def random(cls) -> "Credentials":
        """A pair that nobody has seen before."""
        return cls(access_key=f"ARK{secrets.token_hex(8).upper()}", secret_key=secrets.token_urlsafe(30))


class S3Server:
    """versitygw over `data` (each directory in it is a bucket); record and log are kept in `directory`.

        with S3Server(tmp_path / "s3", data=tmp_path / "buckets", binaries=binaries) as s3:
            s3.create_bucket("ark"); ...; s3.stop(); ...; s3.start()

    Without a port it takes a free one and keeps it over stop and start. For pods to reach it, `address` must be the
    host's address on the node's link (Layout.host_address). `read_only` refuses every write. `tls` is a certificate
    and its key; `versions` is where former versions are kept, in buckets that ask for it.
    """

    def __init__(self, directory: Path, *, data: Path, binaries: Binaries, address: str = "127.0.0.1",
                 port: Optional[int] = None, credentials: Optional[Credentials] = None,
                 read_only: bool = False, tls: Optional[Tuple[Path, Path]] = None,
                 versions: Optional[Path] = None) -> None:
        self.data = data
        self.credentials = credentials or Credentials.random()
        self.read_only = read_only
        self._tls, self._versions = tls, versions
        self.daemon = Daemon(directory, "versitygw")
        self._binaries = binaries
        self._address = address
        self._port = port or free_port(address)

    @property
    def url(self) -> str:
        """Endpoint: http://ADDRESS:PORT, https:// with TLS."""
        return f"{'https' if self._tls else 'http'}://{self._address}:{self._port}"

    def create_bucket(self, name: str) -> None:
        """Make an empty bucket: the server takes any directory for one."""
        (self.data / name).mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Start it; returns when it answers. Raises ClusterError."""
        require_free_port(self._address, self._port, "the S3 server")
        self.data.mkdir(parents=True, exist_ok=True)
        self.daemon.start(
            [str(self._binaries.path("versitygw")), "--port", f"{self._address}:{self._port}", "--keep-alive",
             "--health", "/healthz", *(["--readonly"] if self.read_only else []),
             *(["--cert", str(self._tls[0]), "--key", str(self._tls[1])] if self._tls else []),
             "posix", *(["--versioning-dir", str(self._versions)] if self._versions else []), str(self.data)],
            env={"ROOT_ACCESS_KEY": self.credentials.access_key, "ROOT_SECRET_KEY": self.credentials.secret_key})
        wait_until(self.is_ready, what="waiting for the S3 server", timeout_seconds=20, daemon=self.daemon)

    def stop(self) -> None:
        """Stop it; clients meet a refused connection."""
        self.daemon.stop(timeout_seconds=2)

    def is_ready(self) -> bool:
        """Whether it answers."""
        return answers(f"{self.url}/healthz")

    def __enter__(self) -> "S3Server":
        self.start()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.stop()


def answers(url: str) -> bool:
    """Whether anything speaks HTTP there; a refusal (403) is an answer too. An ambient proxy is not asked.

    With TLS, whose certificate it has is not asked.
    """
    anybody = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({}), anybody).open(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def saved_credentials(path: Path) -> Credentials:
    """The credentials in the file, which is made (mode 0600) with random ones when it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = Credentials.random()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{fresh.access_key}\n{fresh.secret_key}\n")
    access_key, secret_key = path.read_text().split()
    return Credentials(access_key, secret_key)
