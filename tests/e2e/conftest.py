"""One Ark namespace for all end-to-end tests of a worker, with a prefix of its own in the bucket."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.csi import reason_against
from tests.cluster.layout import Layout
from tests.e2e.ark import NAMESPACE, Ark, Doomed, eventually
from tests.e2e.bucket import Bucket
from tests.e2e.csi import Csi
from tests.e2e.many import COUNT, NAMESPACE as MANY, noisy_config_maps
from tests.e2e.proxy import Proxy
from tests.environment import Environment
from tests.plugin import installed_plugin

LAST = ("tests/test_readme.py", "tests/e2e/test_uninstall.py")
"""What takes the CRDs away, and with them every other test's objects, runs after everything else, in this order.

Their tests are marked ``alone``, so that it is so where tests run in parallel workers too.
"""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that take away what the others need at the end."""
    items.sort(key=lambda item: LAST.index(place) + 1 if (place := item.nodeid.partition("::")[0]) in LAST else 0)


@pytest.fixture(scope="session")
def ark(cluster: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ark]:
    """The plugin, unpacked from its archive, and installed in a namespace of its own."""
    directory = tmp_path_factory.mktemp("plugin")
    secret_file = directory / "credentials"
    secret_file.write_text(cluster.credentials_file)
    secret_file.with_name("repo-password").write_text("the password of the tests' repositories\n")
    variables = installed_plugin(cluster, directory / "krew")
    with Proxy(cluster) as api:
        ark = Ark(cluster, variables, api, namespace=NAMESPACE, prefix=f"e2e-{secrets.token_hex(4)}",
                  secret_file=secret_file)
        ark(*ark.install_arguments())
        yield ark
        Bucket(cluster, ark.prefix).remove()
        ark("uninstall", "--yes", timeout=320)


@pytest.fixture(scope="session")
def bucket(ark: Ark) -> Bucket:
    """What ``ark`` has stored."""
    return Bucket(ark.cluster, ark.prefix)


@pytest.fixture(scope="session")
def csi(cluster: Environment) -> Csi:
    """Volumes with snapshots. They are there for every worker, and stay until the cluster is taken down."""
    layout = Layout.from_environ(os.environ)
    reason = reason_against(layout, os.environ)
    if reason:
        pytest.skip(f"no volumes with snapshots: {reason}")
    own_cluster = Cluster.running(layout)
    own_cluster.start_csi()
    return Csi(cluster, own_cluster.csi.directory)


@pytest.fixture(scope="session")
def many(cluster: Environment) -> Iterator[dict[str, str]]:
    """Names and texts of the ConfigMaps in a namespace whose backup takes more than one part of an upload."""
    texts = noisy_config_maps(COUNT)
    cluster.run("delete", "namespace", MANY, "--ignore-not-found")
    cluster.run("create", "namespace", MANY)
    # Not by apply, which would keep a copy of each in an annotation.
    cluster.run("create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": MANY}, "data": {"text": text}}
        for name, text in texts.items()]}))
    yield texts
    cluster.run("delete", "namespace", MANY, "--ignore-not-found", "--wait=false")


@pytest.fixture(scope="session")
def out_of_memory(ark: Ark) -> Doomed:
    """Two backups that will be killed for their memory three times. Others run while the Job waits between tries."""
    doomed = Doomed()
    flags = ("--include-namespaces", "kube-public")

    def set_up(limit: str, request: str) -> None:
        # The flag does not let one ask for so little.
        ark.cluster.run("patch", "configmap", "ark-settings", "-n", ark.namespace, "--type=merge", "-p",
                        json.dumps({"data": {"memoryLimit": limit, "memoryRequest": request}}))

    before = ark.cluster.get("configmap", "ark-settings", "-n", ark.namespace)["data"]
    set_up(doomed.limit, doomed.limit)
    ark("backup", doomed.alone, *flags)
    doomed.waiting = ark.start("backup", doomed.watched, *flags, "--wait")
    eventually(lambda: ark.exists("backups.ark.heptio.com", doomed.watched)
               and ark.of_run("jobs", "backup", doomed.watched), "its Job is there")
    set_up(before["memoryLimit"], before["memoryRequest"])
    return doomed


@pytest.fixture
def name() -> str:
    """A name that nobody has used."""
    return f"e{secrets.token_hex(4)}"
