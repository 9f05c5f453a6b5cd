"""A backup is verified whole before anything is made of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from kubectl_ark import errors
from kubectl_ark.engine.restore import manifest
from kubectl_ark.engine.restore.archive import DROP, RELATED, WANTED, Archive, read_items
from kubectl_ark.model import layout
from tests.engine.restore.stored import (
    VELERO_BACKUP, MemoryBucket, Object, backup_of, config_map, files_of, velero_backup, velero_bucket,
)


def fill(bucket: MemoryBucket, backup: Object, directory: Path) -> Archive:
    checksums = manifest.fetch(bucket, backup, directory)
    key = layout.contents(backup["metadata"]["name"])
    archive = Archive(directory / "items")
    with bucket.open(key) as stream:
        archive.fill(read_items(stream, subject="the archive", key=key, manifest=checksums, checkpoint=lambda: None),
                     lambda path, item: {"events": DROP, "namespaces": RELATED}.get(path.group_resource, WANTED))
    return archive


def test_velero_s_backup_is_indexed_by_kind(tmp_path: Path) -> None:
    archive = fill(velero_bucket(), velero_backup(), tmp_path)
    pods = archive.of_kind("pods")[0]
    assert sorted(pods.names) == ["db-0", "lone", "migrate-8snvs", "web-5877b656f-dh9bk", "web-5877b656f-z2sjv"]
    assert pods.type.kind == "Pod" and set(pods.namespaces) == {"shop"}
    for group in archive.groups.values():
        for position in range(len(group)):
            item = archive.load(group, position)
            assert (item["metadata"]["name"], item["kind"]) == (group.names[position], group.type.kind)
    assert archive.of_kind("events") == []
    found = archive.find("namespaces", "", "shop")
    assert found is not None and found[0].states[found[1]] == RELATED
    assert archive.find("namespaces", "", "other") is None
    archive.close()
    assert not (tmp_path / "items").exists()


def test_a_backup_of_ours_passes_its_own_checksums(tmp_path: Path) -> None:
    files = files_of({"configmaps": [config_map("a", "x", k="v"), config_map("b", "system:y")]})
    archive = fill(*backup_of(files), tmp_path)
    assert archive.count() == 2


def test_a_changed_tar_is_refused(tmp_path: Path) -> None:
    bucket, backup = backup_of(files_of({"configmaps": [config_map("a", "x", k="v")]}))
    other, _ = backup_of(files_of({"configmaps": [config_map("a", "x", k="w")]}))
    bucket.objects[layout.contents("b")] = other.objects[layout.contents("b")]
    with pytest.raises(errors.Damaged, match="a/x.json is not what the backup wrote"):
        fill(bucket, backup, tmp_path)


def test_bytes_that_only_the_tar_s_own_checksum_sees_are_refused(tmp_path: Path) -> None:
    bucket, backup = backup_of(files_of({"configmaps": [config_map("a", "x")]}))
    bucket.objects[layout.contents("b")] += gzip.compress(b"")
    with pytest.raises(errors.Damaged, match="b.tar.gz is not what the backup wrote"):
        fill(bucket, backup, tmp_path)


def test_an_item_too_many_or_too_few_is_refused(tmp_path: Path) -> None:
    both = files_of({"configmaps": [config_map("a", "x"), config_map("a", "y")]})
    one = files_of({"configmaps": [config_map("a", "x")]})
    with pytest.raises(errors.Damaged, match="a/y.json, which its manifest does not list"):
        fill(*backup_of(both, listed=one), tmp_path)
    with pytest.raises(errors.Damaged, match="lacks .*a/y.json, which its manifest lists"):
        fill(*backup_of(one, listed=both), tmp_path)


def test_a_manifest_that_is_gone_or_changed_is_refused(tmp_path: Path) -> None:
    bucket, backup = backup_of(files_of({"configmaps": [config_map("a", "x")]}))
    bucket.objects[layout.manifest("b")] += b"x"
    with pytest.raises(errors.Damaged, match="manifest.json.gz is not what the backup wrote"):
        fill(bucket, backup, tmp_path)
    del bucket.objects[layout.manifest("b")]
    with pytest.raises(errors.Damaged, match="manifest.json.gz is gone"):
        fill(bucket, backup, tmp_path)


@pytest.mark.parametrize(("content", "words"), [
    (b'{"kind":', "is not JSON"), (b"[]", "is not a Kubernetes object"), (b"{}", "is not a Kubernetes object"),
    (b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"other","namespace":"n"}}', "is called n/other"),
    (b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"kube-system"}}', "kube-system/p"),
])
def test_an_item_that_is_not_what_its_name_says_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(errors.Damaged, match=words):
        fill(*backup_of({"resources/pods/namespaces/n/p.json": content}), tmp_path)


def test_a_newer_format_is_refused_and_none_at_all_is_heptio_ark_s(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidInput, match="has format b'2.0.0"):
        fill(*backup_of({"metadata/version": b"2.0.0\n"}), tmp_path)
    files = files_of({"configmaps": [config_map("a", "x")]})
    del files["metadata/version"]
    assert fill(*backup_of(files), tmp_path).count() == 1


def test_velero_s_tar_cut_anywhere_is_refused(tmp_path: Path) -> None:
    bucket, key = velero_bucket(), layout.contents(VELERO_BACKUP)
    whole = bucket.objects[key]
    for length in range(0, len(whole), 997):
        bucket.objects[key] = whole[:length]
        with pytest.raises(errors.Damaged):
            fill(bucket, velero_backup(), tmp_path)


def test_velero_s_tar_with_a_flipped_bit_is_refused_or_reads_the_same(tmp_path: Path) -> None:
    bucket, key = velero_bucket(), layout.contents(VELERO_BACKUP)
    whole = bucket.objects[key]
    expected = dump(fill(bucket, velero_backup(), tmp_path))
    refused = 0
    for position in range(0, len(whole), 499):
        changed = bytearray(whole)
        changed[position] ^= 16
        bucket.objects[key] = bytes(changed)
        try:
            assert dump(fill(bucket, velero_backup(), tmp_path)) == expected
        except errors.Damaged:
            refused += 1
    assert refused > len(whole) // 499 - 5  # bits of gzip's own header may carry nothing


def dump(archive: Archive) -> list[str]:
    items = [json.dumps(archive.load(group, position)) for group in archive.groups.values()
             for position in range(len(group))]
    archive.close()
    return items
