"""The CRDs agree with model.kinds and with the API conventions. That they are structural is tested on a server."""

from collections.abc import Iterator
from typing import Any

import pytest

from kubectl_ark.model import kinds, phases
from kubectl_ark.render.jobspecs import render

CRDS = {crd["spec"]["names"]["kind"]: crd for crd in [*render("crds", {}), *render("restik-crd", {})]}


def schema(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = CRDS[kind]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def fields(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in (node.get("properties") or {}).items():
        yield f"{path}.{name}", child
        yield from fields(child, f"{path}.{name}")
    if "items" in node:
        yield from fields(node["items"], f"{path}[]")


def test_the_table_of_kinds_and_the_crds_are_the_same() -> None:
    assert set(CRDS) == {kind.kind for kind in kinds.EVERY}
    for kind in kinds.EVERY:
        names = CRDS[kind.kind]["spec"]["names"]
        assert (names["plural"], names["singular"]) == (kind.plural, kind.singular)
        assert tuple(names.get("shortNames", ())) == kind.short_names
        assert names["categories"] == ["ark"] and CRDS[kind.kind]["metadata"]["name"] == kind.full_name


@pytest.mark.parametrize("kind", sorted(CRDS))
def test_every_field_is_described(kind: str) -> None:
    assert schema(kind)["description"]
    assert [path for path, node in fields(schema(kind)) if not node.get("description") and path != ".metadata"] == []


@pytest.mark.parametrize("kind", sorted(CRDS))
def test_status_is_a_subresource_and_a_spec_takes_no_unknown_fields(kind: str) -> None:
    version = CRDS[kind]["spec"]["versions"][0]
    assert version["subresources"] == {"status": {}}
    unknown = [path for path, node in fields(schema(kind)) if node.get("x-kubernetes-preserve-unknown-fields")
               and not path.startswith(".status")]
    assert unknown in ([], [".spec.hooks.resources[].postHooks[].init.initContainers[]"])


@pytest.mark.parametrize("kind", sorted(CRDS))
def test_age_is_the_last_column_and_no_title_holds_a_space(kind: str) -> None:
    columns = CRDS[kind]["spec"]["versions"][0]["additionalPrinterColumns"]
    assert columns[-1]["name"] == "Age" and columns[-1]["type"] == "date"
    assert not any(" " in column["name"] for column in columns)


@pytest.mark.parametrize("kind", ["PodVolumeBackup", "PodVolumeRestore"])
def test_of_a_volumes_data_get_shows_how_far_it_is_and_the_status_stays_bounded(kind: str) -> None:
    columns = {each["name"]: each["jsonPath"] for each in CRDS[kind]["spec"]["versions"][0]["additionalPrinterColumns"]}
    assert columns["Bytes-Done"] == ".status.progress.bytesDone"
    assert columns["Total-Bytes"] == ".status.progress.totalBytes"
    status = schema(kind)["properties"]["status"]["properties"]
    assert {"filesTotal", "durationSeconds", "resticVersion", "job", "failures"} <= set(status)
    assert [path for path, node in fields({"properties": status}) if node.get("type") == "array"
            and "maxItems" not in node] == []


@pytest.mark.parametrize("kind", ["Backup", "Restore"])
def test_a_run_begins_as_new_and_every_phase_is_admitted(kind: str) -> None:
    status = schema(kind)["properties"]["status"]
    assert status["default"] == {"phase": "New"}
    assert {phase.value for phase in phases.Phase} <= set(status["properties"]["phase"]["enum"])


OURS = {"Backup": {"qps", "parallel", "includeUnmountedClaims"}, "Restore": {
    "qps", "parallel", "items", "allowPartiallyFailed", "anyCluster", "resourcePriorities", "existingVolumes",
    "stopWorkloads"}}
"""Fields that Velero does not have."""


@pytest.mark.parametrize(("kind", "expected"), [
    ("Backup", "includedNamespaces excludedNamespaces includedResources excludedResources "
     "includedClusterScopedResources excludedClusterScopedResources includedNamespaceScopedResources "
     "excludedNamespaceScopedResources labelSelector orLabelSelectors snapshotVolumes ttl volumeGroupSnapshotLabelKey "
     "includeClusterResources hooks storageLocation volumeSnapshotLocations defaultVolumesToRestic "
     "defaultVolumesToFsBackup orderedResources csiSnapshotTimeout itemOperationTimeout resourcePolicy "
     "snapshotMoveData datamover uploaderConfig metadata"),
    ("Restore", "backupName scheduleName includedNamespaces excludedNamespaces includedResources excludedResources "
     "namespaceMapping labelSelector orLabelSelectors restorePVs restoreStatus preserveNodePorts "
     "includeClusterResources hooks existingResourcePolicy itemOperationTimeout resourceModifier uploaderConfig"),
])
def test_every_field_of_velero_is_there_and_ours_beside_them(kind: str, expected: str) -> None:
    assert set(schema(kind)["properties"]["spec"]["properties"]) == set(expected.split()) | OURS[kind]
