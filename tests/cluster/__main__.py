"""python3 -m tests.cluster up|csi|down|status|env|exec|image

up      bring the cluster up (nothing to do when it is), or check the one that ARK_TEST_KUBECONFIG names
csi     give the cluster that is up dynamic volumes with snapshots (storage class ark-csi), where it is one of ours
down    take it down and remove everything of it but what is cached
status  say what runs
env     print ARK_TEST_... as KEY=VALUE lines
exec    run the command that follows with these variables set and without an ambient KUBECONFIG
image   build the runner image and print the archive's path; with --all for every architecture that can be built here

ARK_TEST_CLUSTER       `api`: no node even where containers can run; `kind`: a kind cluster
ARK_TEST_CLUSTER_NAME  name of the cluster, so that up to 16 can stand at once (default: ark)
KUBECTL_ARK_CACHE      where binaries, images and the cluster's state are kept (default: ~/.cache/kubectl-ark)
"""

from __future__ import annotations

import os
import sys
from typing import Mapping, Sequence

from . import csi, environment, kind, multiarch, packages, probe
from .cluster import Cluster
from .errors import ClusterError, last_lines
from .layout import Layout


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command; returns the exit code: 0, 1 when it failed, 2 for wrong usage, 3 when status finds none up."""
    commands = {"up": _up, "csi": _csi, "down": _down, "status": _status, "env": _env, "exec": _exec, "image": _image}
    if not arguments or arguments[0] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return commands[arguments[0]](Layout.from_environ(environ), environ, list(arguments[1:]))
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.log is not None:
            print(f"{last_lines(error.log)}\nlog: {error.log}", file=sys.stderr)
        return 1


def _up(layout: Layout, environ: Mapping[str, str], _: "list[str]") -> int:
    if environment.is_given(environ):
        environment.given(environ)
        return 0
    if environ.get("ARK_TEST_CLUSTER") == "kind":
        if not kind.is_up(layout):
            Cluster(layout).down()
        kind.up(layout)
        return 0
    if kind.is_up(layout):
        kind.down(layout)
    reason = _reason_against_node(environ)
    if reason:
        print(f"no node: {reason}", file=sys.stderr)
    Cluster(layout, without_node=reason).up()
    print(f"cluster {layout.name} is up: {environment.file_of(layout)}", file=sys.stderr)
    return 0


def _reason_against_node(environ: Mapping[str, str]) -> "str | None":
    wanted = environ.get("ARK_TEST_CLUSTER", "")
    if wanted == "api":
        return "ARK_TEST_CLUSTER=api asks for none"
    if wanted:
        raise ClusterError(f"ARK_TEST_CLUSTER={wanted}: api and kind are known")
    return probe.reason_against_containers(packages.missing_packages(node=True))


def _csi(layout: Layout, environ: Mapping[str, str], _: "list[str]") -> int:
    values = environment.given(environ) if environment.is_given(environ) else environment.load(layout)
    reason = csi.reason_against(layout, values)
    if reason:
        print(f"no volumes with snapshots: {reason}", file=sys.stderr)
    else:
        Cluster.running(layout).start_csi()
    return 0


def _down(layout: Layout, environ: Mapping[str, str], _: "list[str]") -> int:
    if environment.is_given(environ):
        return 0
    if kind.is_up(layout):
        kind.down(layout)
        return 0
    Cluster(layout).down()
    return 0


def _status(layout: Layout, environ: Mapping[str, str], _: "list[str]") -> int:
    if environment.is_given(environ):
        print(f"given by ARK_TEST_KUBECONFIG: {environment.given(environ)['ARK_TEST_KUBECONFIG']}")
        return 0
    if not environment.file_of(layout).exists():
        print(f"{layout.name}: down")
        return 3
    if kind.is_up(layout):
        print(f"{layout.name}: one of kind's")
        return 0
    cluster = Cluster.running(layout)
    for daemon in cluster.daemons() + cluster.csi.started():
        print(f"{daemon.name:<24} {daemon.pid or 'not running':<12} {daemon.log}")
    up = cluster.is_up()
    print(f"{layout.name}: {'up' if up else 'broken, up mends it'}")
    return 0 if up else 3


def _env(layout: Layout, environ: Mapping[str, str], _: "list[str]") -> int:
    values = environment.given(environ) if environment.is_given(environ) else environment.load(layout)
    print(environment.text(values), end="")
    return 0


def _exec(layout: Layout, environ: Mapping[str, str], arguments: "list[str]") -> int:
    if not arguments:
        raise ClusterError("exec: name the command to run")
    values = environment.given(environ) if environment.is_given(environ) else environment.load(layout)
    ambient = {key: value for key, value in environ.items() if key != "KUBECONFIG"}
    os.execvpe(arguments[0], arguments, {**ambient, **values})


def _image(layout: Layout, _: Mapping[str, str], arguments: "list[str]") -> int:
    for archive in multiarch.build(Cluster(layout), every_architecture="--all" in arguments):
        print(archive)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
