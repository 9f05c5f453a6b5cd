"""What a backup stores of itself is an object that Velero can sync: its own CRDs take it (ark-format.md §15.15)."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from kubectl_ark import errors
from kubectl_ark.model import layout
from tests import specs
from tests.cluster.binaries import VELERO, Binaries
from tests.harness import Ark, Object, config_map, eventually, path_of
from tests.render.test_crds import schema

pytestmark = pytest.mark.api

SOURCE, VELERO_NAMESPACE = "ark-t-velero-data", "velero"

OURS = {"spec.qps", "spec.parallel", "spec.includeUnmountedClaims", "status.conditions", "status.observedGeneration",
        "status.runner", "status.storageLocation"}
"""What we store beside Velero's fields; its reader drops them, as JSON decoders do with what they do not know."""


@pytest.fixture(scope="module")
def velero(spare_ark: Ark, binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ark]:
    """A cluster with the CRDs of Velero's release, and its namespace."""
    sources = binaries.sources(VELERO, log=tmp_path_factory.mktemp("velero") / "download.log")
    crds = [yaml.safe_load((sources / f"config/crd/v1/bases/velero.io_{plural}.yaml").read_text())
            for plural in ("backups", "podvolumebackups")]
    for crd in crds:
        spare_ark.put(crd)
    spare_ark.make_namespace(VELERO_NAMESPACE)
    eventually(lambda: all(is_served(spare_ark, crd["spec"]["names"]["plural"]) for crd in crds), "the CRDs are served")
    yield spare_ark
    for crd in crds:
        spare_ark.remove(crd)


def is_served(ark: Ark, plural: str) -> bool:
    try:
        ark.api.raw("GET", f"/apis/velero.io/v1/namespaces/{VELERO_NAMESPACE}/{plural}", patience=0)
    except errors.ApiError:
        return False
    return True


@pytest.fixture(scope="module", autouse=True)
def source(spare_ark: Ark) -> None:
    """Something to save, and what the specs name."""
    spare_ark.make_namespace(SOURCE)
    item = config_map(SOURCE, "saved", text="x")
    spare_ark.make({**item, "metadata": {**item["metadata"], "labels": {"app": "web"}}})
    spare_ark.put(config_map(spare_ark.namespace, "policies", policy="version: v1\n"))
    spare_ark.put(spare_ark.cr("VolumeSnapshotLocation", "aws-default", provider="csi"))


def synced(stored: bytes) -> Object:
    """What Velero's sync makes of a stored object before it creates it (ark-format.md §13)."""
    item: Object = json.loads(stored)
    item["metadata"]["namespace"] = VELERO_NAMESPACE
    item["metadata"].pop("resourceVersion", None)
    return item


def create(ark: Ark, item: Object, *, validation: str) -> Object:
    """POST it. validation: Strict refuses unknown fields, Ignore drops them."""
    made: Object = json.loads(ark.api.raw("POST", path_of(item).rpartition("/")[0], body=json.dumps(item).encode(),
                                          params={"fieldValidation": validation}))
    return made


def strict_complaints(ark: Ark, item: Object) -> set[str]:
    """The unknown fields that the API server names; anything else that it has against the object fails the test."""
    try:
        create(ark, {**item, "metadata": {**item["metadata"], "name": "strict"}}, validation="Strict")
    except errors.ApiError as error:
        complaint = str(error)
        unknown = set(re.findall(r'unknown field "([^"]+)"', complaint))
        assert unknown, complaint
        return unknown
    return set()


def lacks(kept: Any, stored: Any, path: str = "") -> Iterator[str]:
    """Paths of what was stored and is not kept."""
    if isinstance(stored, dict) and isinstance(kept, dict):
        for key, value in stored.items():
            yield from lacks(kept.get(key), value, f"{path}.{key}".lstrip("."))
    elif kept != stored:
        yield path


@pytest.mark.parametrize("spec", [specs.WITH_OLD_FILTERS, specs.WITH_SCOPED_FILTERS], ids=["old", "scoped"])
def test_a_stored_backup_with_every_field_is_created_under_veleros_crd(
        velero: Ark, name: str, spec: dict[str, Any]) -> None:
    velero.backup(name, **specs.accepted(spec, namespace=SOURCE))
    runner = velero.start("backup", name)
    assert runner.wait() == 0, runner.text
    assert velero.status("Backup", name)["phase"] == "Completed", runner.text

    item = synced(velero.read(layout.metadata(name)))
    assert strict_complaints(velero, item) <= OURS
    kept = create(velero, item, validation="Ignore")
    velero.adopt(kept)
    assert kept["status"]["phase"] == "Completed"
    for part in ("spec", "status"):
        assert {path.split("[")[0] for path in lacks(kept[part], item[part], part)} <= OURS

    for volume in json.loads(gzip.decompress(velero.read(layout.pod_volume_backups(name)))) or []:
        create(velero, {"apiVersion": "velero.io/v1", "kind": "PodVolumeBackup", **synced(json.dumps(volume).encode())},
               validation="Strict")


def test_the_specs_say_something_in_every_field_of_the_crd() -> None:
    fields = set(schema("Backup")["properties"]["spec"]["properties"])
    assert fields <= {"includedNamespaces", *specs.WITH_OLD_FILTERS, *specs.WITH_SCOPED_FILTERS}
