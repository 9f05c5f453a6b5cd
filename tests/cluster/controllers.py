"""kube-controller-manager and kube-scheduler: what makes Deployments and Jobs into pods on a node."""

from __future__ import annotations

from pathlib import Path

from .binaries import Binaries
from .controlplane import ControlPlane
from .processes import Daemon


class Controllers:
    """Both controllers of one control plane, listening on 127.0.0.1 only."""

    def __init__(self, directory: Path, *, binaries: Binaries, manager_port: int, scheduler_port: int) -> None:
        self.manager = Daemon(directory, "kube-controller-manager")
        self.scheduler = Daemon(directory, "kube-scheduler")
        self._binaries = binaries
        self._manager_port = manager_port
        self._scheduler_port = scheduler_port

    def start(self, control_plane: ControlPlane) -> None:
        """Start both against a control plane that is ready."""
        authority = control_plane.authority
        for name in ("kube-controller-manager", "kube-scheduler"):
            authority.issue(name, common_name=f"system:{name}")
            authority.kubeconfig(name, server=control_plane.url)
        kubeconfigs = control_plane.directory / "pki"
        self.manager.start([
            str(self._binaries.path("kube-controller-manager")),
            f"--kubeconfig={kubeconfigs / 'kube-controller-manager.kubeconfig'}",
            "--bind-address=127.0.0.1", f"--secure-port={self._manager_port}",
            f"--cert-dir={control_plane.directory / 'pki' / 'manager'}",
            "--leader-elect=false", "--use-service-account-credentials",
            f"--root-ca-file={authority.certificate}",
            f"--cluster-signing-cert-file={authority.certificate}",
            f"--cluster-signing-key-file={authority.key_of('ca')}",
            f"--service-account-private-key-file={authority.key_of('service-account')}",
            # At the default of 20 a few thousand Deployments keep new pods waiting for minutes.
            "--kube-api-qps=500", "--kube-api-burst=1000",
            "--pvclaimbinder-sync-period=2s", "--node-monitor-period=2s", "--node-monitor-grace-period=20s",
            "--controllers=*,-node-route-controller,-service-lb-controller",
        ])
        self.scheduler.start([
            str(self._binaries.path("kube-scheduler")),
            f"--kubeconfig={kubeconfigs / 'kube-scheduler.kubeconfig'}",
            "--bind-address=127.0.0.1", f"--secure-port={self._scheduler_port}",
            f"--cert-dir={control_plane.directory / 'pki' / 'scheduler'}",
            "--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000",
        ])

    def stop(self) -> None:
        """Stop both."""
        self.scheduler.stop(timeout_seconds=3)
        self.manager.stop(timeout_seconds=3)
