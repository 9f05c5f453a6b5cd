"""The shop of tests/fixtures/shop.yaml: opened, lost, looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.environment import Environment

FILE = Path(__file__).resolve().parents[1] / "fixtures" / "shop.yaml"
NAMESPACE = "shop"
VOLUME = "shop-data-pv"
CLUSTER_OBJECTS = ("clusterrole/shop-reader", "clusterrolebinding/shop-reader",
                   "customresourcedefinition/carts.shop.example.com")
READY = (("jsonpath={.status.readyReplicas}=2", "deployment/web"),
         ("jsonpath={.status.readyReplicas}=1", "statefulset/db"), ("condition=Ready", "pod/lone"),
         ("jsonpath={.status.phase}=Bound", "persistentvolumeclaim/data"))
NO_OBJECTS_OF_THE_USER = {"events", "events.events.k8s.io"}
"""Kinds of which no object is the user's."""

Objects = dict[tuple[str, str], dict[str, Any]]


class Shop:
    """The application in namespace ``shop``."""

    def __init__(self, cluster: Environment) -> None:
        self._cluster = cluster

    def open(self) -> None:
        """Apply it and wait until everything runs. Twice: a Cart can only be made once its CRD is there."""
        self._cluster.run("apply", "-f", str(FILE), check=False)
        self._cluster.run("wait", "--for=condition=Established", "crd/carts.shop.example.com")
        self._cluster.run("apply", "-f", str(FILE))
        self.await_ready()

    def await_ready(self, seconds: int = 90) -> None:
        """Everything is as ready as it gets."""
        for condition, name in READY:
            self._cluster.run("wait", f"--for={condition}", name, "-n", NAMESPACE, f"--timeout={seconds}s")

    def write(self, mark: str) -> None:
        """Write a line into the volume."""
        self._cluster.run("exec", "-n", NAMESPACE, "deployment/web", "--", "sh", "-c", f"echo '{mark}' >> /data/marks")

    def read(self) -> str:
        """What has been written into the volume."""
        return self._cluster.run("exec", "-n", NAMESPACE, "deployment/web", "--", "cat", "/data/marks").stdout

    def lose(self) -> None:
        """Delete the namespace and what belongs to the shop in the cluster; the volume is retained."""
        self._cluster.run("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found")
        # Its programs do not listen to SIGTERM, and nobody wants to wait half a minute for each.
        self._cluster.run("delete", "pods", "--all", "-n", NAMESPACE, "--grace-period=1", "--wait=false", check=False)
        self._cluster.run("delete", *CLUSTER_OBJECTS, "--ignore-not-found")
        self._cluster.run("wait", "--for=delete", f"namespace/{NAMESPACE}", "--timeout=120s")

    def remove(self) -> None:
        """Leave nothing of it."""
        self.lose()
        self._cluster.run("delete", "persistentvolume", VOLUME, "--ignore-not-found")

    def objects(self) -> Objects:
        """Every object of the shop, by resource and name: ("deployments.apps", "web")."""
        listed = self._cluster.run("api-resources", "--namespaced", "--verbs=list,create", "-o", "name").stdout.split()
        kinds = sorted(set(listed) - NO_OBJECTS_OF_THE_USER)
        found = self._cluster.get(",".join(kinds), "-n", NAMESPACE)["items"]
        found += self._cluster.get(f"namespace/{NAMESPACE}", f"persistentvolume/{VOLUME}", *CLUSTER_OBJECTS)["items"]
        return {(f"{each['kind']}.{each['apiVersion'].rpartition('/')[0]}".rstrip("."), each["metadata"]["name"]): each
                for each in found}


def text(item: Any) -> str:
    """For messages: JSON with sorted keys."""
    return json.dumps(item, sort_keys=True, indent=1, ensure_ascii=False)
