"""A kind cluster in place of our own, where docker and kind are and ARK_TEST_CLUSTER=kind asks for it.

NB: not exercised where there is no docker engine; kept small for that reason.
"""

from __future__ import annotations

import json
import shutil
import subprocess

from . import environment, numbers
from .binaries import PARTS, Binaries
from .errors import ClusterError
from .images import content_hash
from .layout import PROJECT, Layout
from .locking import locked
from .processes import Daemon, run
from .storage import S3Server, saved_credentials


def is_up(layout: Layout) -> bool:
    """Whether the cluster of this name is one of kind's."""
    return (layout.state / "kind").exists()


def up(layout: Layout) -> None:
    """Bring up a kind cluster with the runner image, and the S3 server on the host."""
    for tool in ("docker", "kind", "kubectl"):
        if not shutil.which(tool):
            raise ClusterError(f"ARK_TEST_CLUSTER=kind needs {tool} in PATH")
    log = layout.cache / "logs" / "kind.log"
    image = f"localhost/kubectl-ark:{content_hash(PROJECT)}"
    kubeconfig = layout.state / "kubeconfig"
    run(["docker", "build", "-f", "Containerfile", "-t", image, "."], cwd=PROJECT, log=log, what="building the image")
    if not is_up(layout):
        with locked(layout.cache):
            layout = numbers.chosen(layout)
            layout.state.mkdir(parents=True, mode=0o700)
            numbers.record(layout)
        (layout.state / "kind").touch()
        run(["kind", "create", "cluster", "--name", layout.name, "--kubeconfig", str(kubeconfig)], log=log,
            what="creating the kind cluster")
        for command in (["docker", "pull", "busybox:1"], ["docker", "tag", "busybox:1", "localhost/busybox:1"],
                        ["kind", "load", "docker-image", "localhost/busybox:1", "--name", layout.name]):
            run(command, log=log, what="loading busybox")
        binaries = Binaries(layout.cache)
        for part in PARTS:
            if part.name == "versitygw":
                binaries.build(part, log=log)
        storage = S3Server(layout.state, data=layout.state / "s3", binaries=binaries, address=_gateway(),
                           port=layout.port(3), credentials=saved_credentials(layout.state / "s3-credentials"))
        storage.create_bucket(environment.BUCKET)
        storage.start()
    run(["kind", "load", "docker-image", image, "--name", layout.name], log=log, what="loading the image")
    layout = numbers.held(layout)
    credentials = saved_credentials(layout.state / "s3-credentials")
    environment.write(layout, {
        "ARK_TEST_KUBECONFIG": str(kubeconfig), "ARK_TEST_KUBECTL": shutil.which("kubectl") or "kubectl",
        "ARK_TEST_S3_URL": f"http://{_gateway()}:{layout.port(3)}", "ARK_TEST_IMAGE": image,
        "ARK_TEST_S3_ACCESS_KEY": credentials.access_key, "ARK_TEST_S3_SECRET_KEY": credentials.secret_key,
        "ARK_TEST_S3_DIR": str(layout.state / "s3"), "ARK_TEST_NODE": "1", "ARK_TEST_STATE": str(layout.state)})


def down(layout: Layout) -> None:
    """Delete the kind cluster, the S3 server and the state."""
    run(["kind", "delete", "cluster", "--name", layout.name], log=layout.cache / "logs" / "kind.log",
        what="deleting the kind cluster")
    Daemon(layout.state, "versitygw").stop()
    shutil.rmtree(layout.state)


def _gateway() -> str:
    """The host as the containers on docker's network `kind` see it."""
    answer = subprocess.run(["docker", "network", "inspect", "kind"], capture_output=True, text=True, check=False)
    for item in json.loads(answer.stdout or "[]"):
        for subnet in item["IPAM"]["Config"]:
            if "." in subnet.get("Gateway", ""):
                return str(subnet["Gateway"])
    raise ClusterError("docker has no network `kind` with an IPv4 gateway")
