"""An API server that goes away, is too busy, forgets its pages, serves half or forbids: the run goes on and says so."""

from __future__ import annotations

import gzip
import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_ark.model import layout
from tests.cluster.binaries import Binaries
from tests.engine.restore import stored
from tests.harness import Ark, config_map, eventually, kubeconfig_through, namespace
from tests.runner.conftest import Plane, Spare
from tests.runner.proxy import Proxy

pytestmark = pytest.mark.api

SOURCE = "ark-t-api-data"
OBJECTS = 1200


@pytest.fixture(scope="module", autouse=True)
def source(spare_ark: Ark) -> None:
    """A namespace whose ConfigMaps take three pages."""
    spare_ark.make_namespace(SOURCE)
    spare_ark.make_all([config_map(SOURCE, f"c-{number}", text="x" * 300) for number in range(OBJECTS)])


@pytest.fixture
def slowly(spare_ark: Ark) -> Iterator[Path]:
    """A kubeconfig that goes a slow way."""
    with Proxy(spare_ark.api._connection.host, delay=0.1) as proxy:
        yield kubeconfig_through(spare_ark.kubeconfig, proxy.url, spare_ark.directory)


@pytest.fixture(scope="module")
def strict(binaries: Binaries, spare: Spare, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Plane, Ark]]:
    """A control plane that takes two requests at a time, and whose pages expire with etcd's compaction."""
    directory = tmp_path_factory.mktemp("strict")
    plane = Plane(directory / "plane", binaries=binaries)
    plane.further = ("--enable-priority-and-fairness=false", "--max-requests-inflight=2",
                     "--max-mutating-requests-inflight=2", "--watch-cache=false")
    with plane:
        ark = Ark(kubeconfig=plane.kubeconfig, namespace="ark-t-strict", store=spare.store, directory=directory)
        ark.set_up()
        yield plane, ark
        ark.tear_down()


def log_of(ark: Ark, name: str) -> str:
    """The stored log of a backup."""
    return gzip.decompress(ark.read(layout.backup_log(name))).decode()


def results_of(ark: Ark, name: str) -> dict[str, Any]:
    """The stored warnings and errors of a backup."""
    return dict(json.loads(gzip.decompress(ark.read(layout.backup_results(name)))))


def saved(ark: Ark, name: str) -> int:
    """How many of the source's objects are in a backup."""
    return len([path for path in ark.items(name) if path.startswith(f"configmaps/namespaces/{SOURCE}/c-")])


def test_an_api_server_that_restarts_in_the_middle_of_a_backup_costs_nothing(
        spare_ark: Ark, spare: Spare, slowly: Path, name: str) -> None:
    ark = spare_ark
    ark.backup(name, includedNamespaces=[SOURCE])
    runner = ark.start("backup", name, kubeconfig=slowly)
    eventually(lambda: f"backups/{name}/ark-claim.json" in ark.keys("backups/"), "the backup has begun")
    spare.plane.restart_api_server()
    assert runner.wait(90) == 0, runner.text
    assert ark.status("Backup", name)["phase"] == "Completed", runner.text
    assert saved(ark, name) == OBJECTS and ark.uploads() == 0


def test_an_api_server_that_restarts_in_the_middle_of_a_restore_costs_nothing(
        spare_ark: Ark, spare: Spare, name: str) -> None:
    ark = spare_ark
    maps = [stored.config_map(name, f"c-{number}", text="x" * 300) for number in range(400)]
    bucket, backup = stored.backup_of(stored.files_of({"namespaces": [namespace(name)], "configmaps": maps}), name=name)
    ark.store_backup(backup, bucket.objects)
    ark.restore(name, name)
    with Proxy(ark.api._connection.host, hold_after=150_000) as proxy:
        runner = ark.start("restore", name,
                           kubeconfig=kubeconfig_through(ark.kubeconfig, proxy.url, ark.directory))
        assert proxy.held.wait(60), runner.text
        stopping = threading.Thread(target=spare.plane.restart_api_server)
        stopping.start()
        proxy.cut()
        proxy.release()
        stopping.join()
        assert runner.wait(90) == 0, runner.text
    status = ark.status("Restore", name)
    assert status["phase"] == "Completed", runner.text
    found = ark.api.get(f"/api/v1/namespaces/{name}/configmaps")["items"]
    assert len(found) == 400 and status["progress"]["itemsRestored"] == 401


def test_an_api_server_that_is_too_busy_is_waited_for(
        strict: tuple[Plane, Ark], name: str, tmp_path: Path) -> None:
    ark = strict[1]
    # An administrator by the group system:masters is never told to wait.
    account = kubeconfig_of_account(ark, name, tmp_path, role="cluster-admin")
    maps = [stored.config_map(name, f"c-{number}", text="x") for number in range(300)]
    bucket, backup = stored.backup_of(stored.files_of({"namespaces": [namespace(name)], "configmaps": maps}), name=name)
    ark.store_backup(backup, bucket.objects)
    ark.restore(name, name)
    restore = ark.start("restore", name, kubeconfig=account)
    assert restore.wait(90) == 0, restore.text
    assert ark.status("Restore", name)["phase"] == "Completed", restore.text
    assert 'code="429"' in ark.api.raw("GET", "/metrics").decode(), "the server was not busy enough for this test"
    again = f"{name}-again"
    ark.backup(again, includedNamespaces=[name])
    assert ark.run("backup", again, kubeconfig=account) == 0
    assert len([path for path in ark.items(again) if "/c-" in path]) == 300


def test_a_page_that_has_expired_is_gone_on_from_with_a_newer_one_and_the_log_says_so(
        strict: tuple[Plane, Ark], name: str) -> None:
    plane, ark = strict
    ark.make_namespace(SOURCE)
    ark.make_all([config_map(SOURCE, f"c-{number}", text="x" * 300) for number in range(OBJECTS)])
    ark.backup(name, includedNamespaces=[SOURCE], includedResources=["configmaps"])
    with Proxy(ark.api._connection.host, delay=0.3) as proxy:
        runner = ark.start("backup", name, kubeconfig=kubeconfig_through(ark.kubeconfig, proxy.url, ark.directory))
        while runner.process.poll() is None:
            compact(plane, ark)
    assert runner.wait() == 0, runner.text
    status = ark.status("Backup", name)
    assert status["phase"] == "Completed" and status["warnings"] > 0, runner.text
    assert "took longer than the server keeps" in log_of(ark, name)
    assert saved(ark, name) == OBJECTS


def compact(plane: Plane, ark: Ark) -> None:
    """Make etcd forget what was before now."""
    made = ark.api.create("/api/v1/namespaces/default/configmaps", {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "compaction-"}})
    request = urllib.request.Request(f"http://127.0.0.1:{plane._etcd_port}/v3/kv/compaction",
                                     data=json.dumps({"revision": made["metadata"]["resourceVersion"]}).encode())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        answer.read()


def test_an_aggregated_api_that_does_not_answer_is_a_warning_and_the_rest_is_saved(spare_ark: Ark, name: str) -> None:
    ark = spare_ark
    broken = ark.make({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                       "metadata": {"name": "v1.broken.example.com"},
                       "spec": {"group": "broken.example.com", "version": "v1", "groupPriorityMinimum": 100,
                                "versionPriority": 100, "insecureSkipTLSVerify": True,
                                "service": {"name": "nowhere", "namespace": "default"}}})
    ark.backup(name, includedNamespaces=[SOURCE])
    try:
        runner = ark.start("backup", name)
        assert runner.wait() == 0, runner.text
    finally:
        ark.remove(broken)
    status = ark.status("Backup", name)
    assert (status["phase"], status["warnings"]) == ("Completed", 1), runner.text
    assert "broken.example.com/v1" in str(results_of(ark, name)["warnings"])
    assert saved(ark, name) == OBJECTS


def test_a_crd_that_is_removed_during_the_run_does_not_sink_it(spare_ark: Ark, slowly: Path, name: str) -> None:
    ark = spare_ark
    definition = ark.make({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.shop.example.com"},
        "spec": {"group": "shop.example.com", "scope": "Namespaced",
                 "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
                 "versions": [{"name": "v1", "served": True, "storage": True,
                               "schema": {"openAPIV3Schema": {"type": "object"}}}]}})
    eventually(lambda: "shop.example.com" in ark.api.raw("GET", "/apis").decode(), "the CRD is served")
    ark.backup(name, includedNamespaces=[SOURCE])
    runner = ark.start("backup", name, kubeconfig=slowly)
    eventually(lambda: f"backups/{name}/ark-claim.json" in ark.keys("backups/"), "the backup has begun")
    eventually(lambda: "configmaps" in runner.text, "kinds are known and listed")
    ark.remove(definition)
    assert runner.wait(60) == 0, runner.text
    status = ark.status("Backup", name)
    assert (status["phase"], status["warnings"]) == ("Completed", 1), runner.text
    assert "widgets.shop.example.com is not served any more" in runner.text
    assert saved(ark, name) == OBJECTS


def test_a_kind_that_may_not_be_listed_is_an_error_of_its_own(spare_ark: Ark, name: str, tmp_path: Path) -> None:
    ark = spare_ark
    ark.backup(name, includedNamespaces=[SOURCE])
    runner = ark.start("backup", name, kubeconfig=limited(ark, name, tmp_path))
    assert runner.wait() == 0, runner.text
    assert ark.status("Backup", name)["phase"] == "PartiallyFailed"
    problems = str(results_of(ark, name)["errors"])
    assert "listing secrets" in problems and "forbidden" in problems and "configmaps" not in problems
    assert saved(ark, name) == OBJECTS


def limited(ark: Ark, name: str, directory: Path) -> Path:
    """A kubeconfig of a service account that may do all that a backup needs, but list no Secrets."""
    read = ["get", "list"]
    ark.make({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
              "rules": [
        {"apiGroups": [""], "resources": ["configmaps", "namespaces"], "verbs": read},
        {"apiGroups": ["apps"], "resources": ["*"], "verbs": read},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["cloud-credentials"], "verbs": ["get"]},
        {"apiGroups": ["ark.heptio.com"], "resources": ["*"], "verbs": ["*"]}]})
    return kubeconfig_of_account(ark, name, directory, role=name)


def kubeconfig_of_account(ark: Ark, name: str, directory: Path, *, role: str) -> Path:
    """A kubeconfig with the token of a new service account that is bound to a ClusterRole."""
    ark.make({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": ark.namespace}})
    ark.make({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
              "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
              "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": ark.namespace}]})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    answer = ark.api.create(f"/api/v1/namespaces/{ark.namespace}/serviceaccounts/{name}/token", request)
    content = yaml.safe_load(ark.kubeconfig.read_text())
    content["users"][0]["user"] = {"token": answer["status"]["token"]}
    path = directory / "account.kubeconfig"
    path.write_text(json.dumps(content))
    return path
