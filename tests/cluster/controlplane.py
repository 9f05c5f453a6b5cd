"""etcd and a kube-apiserver: all that is needed to keep objects. As many of them as a test wants."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Optional, Sequence, Type

from .binaries import Binaries
from .certificates import Authority
from .processes import Daemon, free_port, require_free_port, wait_until

ADMIN, KUBELET_CLIENT, SERVER = "admin", "kubelet-client", "apiserver"


class ControlPlane:
    """etcd + API server below `directory`. Without ports it takes free ones, so that it can stand beside others.

        with ControlPlane(tmp_path, binaries=binaries) as second:
            kubectl("--kubeconfig", second.kubeconfig, "get", "namespaces")

    `address` is the one that clients use, `service_subnet` the one that cluster IPs come from. With `advertised` the
    API server publishes itself as the service `kubernetes`, which takes an address that is no loopback.
    """

    def __init__(self, directory: Path, *, binaries: Binaries, address: str = "127.0.0.1",
                 ports: Optional["tuple[int, int, int]"] = None, service_subnet: str = "10.216.0.0/20",
                 certificate_addresses: Sequence[str] = (), advertised: bool = False) -> None:
        self.directory = directory
        self.address = address
        self.etcd = Daemon(directory, "etcd")
        self.api_server = Daemon(directory, "kube-apiserver")
        self.authority = Authority(directory / "pki", log=directory / "logs" / "certificates.log")
        self._binaries = binaries
        self._fixed_ports = ports is not None
        self._port, self._etcd_port, self._peer_port = ports or (
            free_port(address), free_port("127.0.0.1"), free_port("127.0.0.1"))
        self._service_subnet = service_subnet
        self._certificate_addresses = certificate_addresses
        self._advertised = advertised

    @property
    def url(self) -> str:
        """The API server's URL."""
        return f"https://{self.address}:{self._port}"

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of an administrator (group system:masters)."""
        return self.directory / "pki" / f"{ADMIN}.kubeconfig"

    def start(self) -> None:
        """Start both; returns when the API server is ready. Raises ClusterError."""
        if self._fixed_ports:
            require_free_port("127.0.0.1", self._etcd_port, "etcd")
            require_free_port("127.0.0.1", self._peer_port, "etcd")
            require_free_port(self.address, self._port, "the API server")
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.etcd.start(self._etcd_arguments())
        self._create_certificates()
        self.api_server.start(self._api_server_arguments())
        self.wait_until_ready()

    def stop(self) -> None:
        """Stop both, the API server first: without etcd it would wait for it."""
        # An API server that drains takes up to a minute; nobody is to be spared here.
        self.api_server.stop(timeout_seconds=3)
        self.etcd.stop()

    def restart_api_server(self) -> None:
        """Stop the API server and start it with the same arguments; returns when it is ready again."""
        self.api_server.stop(timeout_seconds=3)
        self.api_server.start_again()
        self.wait_until_ready()

    def wait_until_ready(self, timeout_seconds: float = 90) -> None:
        """Returns when /readyz says ok. Raises ClusterError, at once when the API server died."""
        wait_until(self.is_ready, what="waiting for the API server", timeout_seconds=timeout_seconds,
                   daemon=self.api_server)

    def is_ready(self) -> bool:
        """Whether the API server answers /readyz with ok (asked without credentials, as probes may)."""
        try:
            context = ssl.create_default_context(cafile=str(self.authority.certificate))
            # An ambient proxy has no business here.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                                 urllib.request.HTTPSHandler(context=context))
            with opener.open(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def __enter__(self) -> "ControlPlane":
        self.start()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.stop()

    def _create_certificates(self) -> None:
        authority = self.authority
        authority.create()
        authority.issue(SERVER, common_name="kube-apiserver",
                        addresses=sorted({"127.0.0.1", self.address, *self._certificate_addresses}),
                        dns_names=["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"])
        authority.issue(KUBELET_CLIENT, common_name="kube-apiserver", organization="system:masters")
        authority.issue(ADMIN, common_name="admin", organization="system:masters")
        authority.kubeconfig(ADMIN, server=self.url)

    def _etcd_arguments(self) -> "list[str]":
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{self._peer_port}"
        return [str(self._binaries.path("etcd")), "--name=test", f"--data-dir={self.directory / 'etcd'}",
                f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=test={peer}", "--log-level=warn",
                # Test data may be lost with the machine; the benchmarks make some hundred thousand objects.
                "--unsafe-no-fsync", "--quota-backend-bytes=8589934592"]

    def _api_server_arguments(self) -> "list[str]":
        authority = self.authority
        return [
            str(self._binaries.path("kube-apiserver")),
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--bind-address={self.address}", f"--secure-port={self._port}",
            *([f"--advertise-address={self.address}"] if self._advertised else ["--endpoint-reconciler-type=none"]),
            f"--service-cluster-ip-range={self._service_subnet}",
            "--authorization-mode=Node,RBAC", "--allow-privileged=true",
            "--enable-admission-plugins=NodeRestriction",
            f"--client-ca-file={authority.certificate}",
            f"--tls-cert-file={authority.certificate_of(SERVER)}",
            f"--tls-private-key-file={authority.key_of(SERVER)}",
            f"--kubelet-client-certificate={authority.certificate_of(KUBELET_CLIENT)}",
            f"--kubelet-client-key={authority.key_of(KUBELET_CLIENT)}",
            # logs and exec would resolve the node's name otherwise, and nothing here does.
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={authority.key_of('service-account')}",
            f"--service-account-signing-key-file={authority.key_of('service-account')}",
            "--shutdown-delay-duration=0",
        ]
