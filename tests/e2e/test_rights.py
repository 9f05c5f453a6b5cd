"""A user who may do nothing but write kubectl-ark's own objects: what is left to the next pass is done by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kubectl_ark.model import labels
from tests.e2e.ark import Answer, Ark, eventually
from tests.e2e.bucket import Bucket

pytestmark = pytest.mark.node

USER = "ark-user"
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture
def role(ark: Ark) -> Iterator[None]:
    """The Role and its binding."""
    metadata: dict[str, Any] = {"name": USER, "namespace": ark.namespace}
    ark.cluster.apply(
        {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": [
            {"apiGroups": ["ark.heptio.com"], "resources": ["*"],
             "verbs": ["create", "get", "list", "watch", "patch"]}]},
        {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": metadata,
         "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": USER},
         "subjects": [{"apiGroup": RBAC, "kind": "User", "name": USER}]})
    yield
    ark.cluster.run("delete", "role,rolebinding", USER, "-n", ark.namespace)


def test_who_may_only_write_our_objects_leaves_the_rest_to_the_next_pass(
        ark: Ark, bucket: Bucket, role: None, name: str) -> None:
    def user(*arguments: str, code: int = 0) -> Answer:
        return ark(*arguments, "--as", USER, code=code)

    started = user("backup", name, "--include-namespaces", "kube-public")
    assert started.out == f"backup.ark.heptio.com/{name} created\n"
    assert "no Job was started" in started.err and "the next pass starts it" in started.err
    scheduled = user("schedule", "create", name, "--schedule", "@yearly")
    assert "takes effect with the next pass" in scheduled.err
    assert "you may not see its Job and pod" in user("logs", "backup", name, code=1).err
    # For its first seconds a CR of the plugin's is left to the plugin.
    eventually(lambda: ark("reconcile", "--wait", code=None) and ark.of_run("jobs", "backup", name), "a pass starts it")
    assert ark.await_end("backup", name)["phase"] == "Completed"
    assert ark.get("schedule", name)["status"]["cronJob"]
    assert "Completed" in user("get", "backup", name).out and "Completed" in user("describe", "backup", name).out
    assert ark.get("backup", name)["metadata"]["annotations"][labels.REQUESTER] == USER
    refused = user("logs", "backup", name, code=1).err
    assert "you may not fetch BackupLog" in refused and "spec.presign" in refused
    deleted = user("delete", "backup", name, "--yes")
    assert deleted.out == "" and "the next pass of kubectl-ark deletes what was asked for" in deleted.err
    assert bucket.keys(f"backups/{name}/")
    ark("reconcile", "--wait", code=None)
    assert not ark.exists("backups.ark.heptio.com", name) and not bucket.keys(f"backups/{name}/")
    ark("delete", "schedule", name, "--yes")
