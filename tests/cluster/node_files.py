"""The configuration files of the node's three programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from .layout import Layout
from .packages import CNI_PLUGINS

PAUSE_IMAGE = "localhost/pause:1"


def network_name(layout: Layout) -> str:
    """Name of the pods' network, as CNI's own records are called."""
    return f"kubectl-{layout.interface}"


def write_containerd(directory: Path, *, socket: Path, snapshotter: str, layout: Layout) -> None:
    """Write containerd.toml and the CNI network into `directory`; all of containerd's state goes there too."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    (directory / "containerd.toml").write_text(f"""version = 2
root = "{directory}/containerd"
state = "{directory}/containerd-state"
# restrict_oom_score_adj is refused otherwise where root lacks CAP_SYS_RESOURCE: each sandbox would die with
# "can't get final child's PID from pipe".
disabled_plugins = ["io.containerd.grpc.v1.tracing", "io.containerd.internal.v1.opt"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{directory}/cni"
""")
    _write(directory / "cni" / "10-test.conflist", {
        "cniVersion": "0.4.0", "name": network_name(layout),
        "plugins": [
            {"type": "bridge", "bridge": "pods0", "isGateway": True, "ipMasq": False, "hairpinMode": True,
             "ipam": {"type": "host-local", "dataDir": f"{directory}/cni-addresses",
                      "ranges": [[{"subnet": layout.pod_subnet}]], "routes": [{"dst": "0.0.0.0/0"}]}},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    })


def write_kubernetes(directory: Path, *, socket: Path, layout: Layout, client_ca: Path,
                     kubeconfigs: Mapping[str, Path]) -> "dict[str, Path]":
    """Write the configurations of `kubelet` and `kube-proxy`; returns their paths by name."""
    endpoint = f"unix://{socket}"
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "address": layout.node_address, "containerRuntimeEndpoint": endpoint, "imageServiceEndpoint": endpoint,
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                           "x509": {"clientCAFile": str(client_ca)}},
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{layout.interface}", "failSwapOn": False, "failCgroupV1": False,
        "podLogsDir": str(directory / "pod-logs"), "volumePluginDir": str(directory / "volume-plugins"),
        "maxPods": 220, "registerNode": True,
        # Tests wait for every one of these.
        "syncFrequency": "5s", "fileCheckFrequency": "20s", "nodeStatusUpdateFrequency": "4s",
        "configMapAndSecretChangeDetectionStrategy": "Watch", "shutdownGracePeriod": "0s",
        "kubeAPIQPS": 200, "kubeAPIBurst": 400, "registryPullQPS": 0, "eventRecordQPS": 0,
        "serializeImagePulls": False,
        # Imported images cannot be pulled again; a full disk or memory is the machine's business, not the tests'.
        "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99, "imageMinimumGCAge": "9999h",
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "nodefs.inodesFree": "1%",
                         "imagefs.available": "1%"},
        "enforceNodeAllocatable": ["pods"], "containerLogMaxSize": "50Mi", "readOnlyPort": 0,
    }
    proxy = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
        "mode": "iptables", "clusterCIDR": layout.pod_subnet,
        "clientConnection": {"kubeconfig": str(kubeconfigs["kube-proxy"])},
        "healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
        # Answers between two pods on one bridge would bypass the address translation otherwise (no br_netfilter).
        "iptables": {"masqueradeAll": True, "syncPeriod": "10s", "minSyncPeriod": "0s"},
        "conntrack": {"maxPerCore": 0, "min": 0},
    }
    return {name: _write(directory / f"{name}.json", content)
            for name, content in (("kubelet", kubelet), ("kube-proxy", proxy))}


def _write(path: Path, content: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path
