"""Backups made by hand: tars, manifests and a bucket that is a dict."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kubectl_ark import errors
from kubectl_ark.model import labels, layout
from kubectl_ark.store.bucket import Bucket
from kubectl_ark.store.parts import Readable

FIXTURES = Path(__file__).parents[2] / "fixtures"
VELERO = FIXTURES / "velero-1.18.1"
VELERO_BACKUP = "shop-velero-2"
Object = dict[str, Any]


class MemoryBucket(Bucket):
    """A bucket whose objects are given; it can only be read."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[Readable]:
        """The stored bytes."""
        if key not in self.objects:
            raise errors.KeyMissing(f"{key} is not there")
        yield io.BytesIO(self.objects[key])


def velero_bucket() -> MemoryBucket:
    """The bucket that Velero 1.18.1 wrote."""
    return MemoryBucket({str(path.relative_to(VELERO)): path.read_bytes()
                         for path in VELERO.rglob("*") if path.is_file()})


def velero_backup() -> Object:
    """Its velero-backup.json."""
    found: Object = json.loads((VELERO / layout.metadata(VELERO_BACKUP)).read_bytes())
    return found


def velero_item(path: str) -> Object:
    """One item of that backup: "pods/namespaces/shop/lone"."""
    with tarfile.open(VELERO / layout.contents(VELERO_BACKUP)) as tar:
        file = tar.extractfile(f"resources/{path}.json")
        assert file is not None
        item: Object = json.load(file)
        return item


def item_path(group_resource: str, item: Object) -> str:
    """Where an item lies in a tar."""
    metadata = item["metadata"]
    place = f"namespaces/{metadata['namespace']}" if metadata.get("namespace") else "cluster"
    return f"resources/{group_resource}/{place}/{metadata['name']}.json"


def tar_of(files: dict[str, bytes], *, format: int = tarfile.PAX_FORMAT) -> bytes:
    """An uncompressed tar of these regular files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def tar_with(info: tarfile.TarInfo) -> bytes:
    """A tar of one entry that has no content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(info)
    return out.getvalue()


def files_of(items: dict[str, list[Object]]) -> dict[str, bytes]:
    """The tar's files for items by group-resource, as a backup of ours has them."""
    files = {"metadata/version": b"1.1.0\n"}
    for group_resource, objects in items.items():
        for item in objects:
            path = item_path(group_resource, item)
            content = json.dumps(item).encode()
            files[path] = content
            files[path.replace(f"/{group_resource}/", f"/{group_resource}/v1-preferredversion/")] = content
    return files


def backup_of(
    files: dict[str, bytes], *, name: str = "b", listed: dict[str, bytes] | None = None, volume_info: Any = None,
    pod_volumes: Any = None,
) -> tuple[MemoryBucket, Object]:
    """A stored backup with a manifest, and its velero-backup.json. listed: what the manifest lists, by default all."""
    objects = {layout.contents(name): gzip.compress(tar_of(files)),
               layout.volume_info(name): gzip.compress(json.dumps(volume_info or []).encode())}
    if pod_volumes is not None:
        objects[layout.pod_volume_backups(name)] = gzip.compress(json.dumps(pod_volumes).encode())
    lines = [{"format": 1, "backup": name,
              "keys": {key: {"sha256": sha256(content), "size": len(content)} for key, content in objects.items()}}]
    lines += [{"path": path, "sha256": sha256(content), "size": len(content)}
              for path, content in (files if listed is None else listed).items()
              if path.startswith("resources/") and "preferredversion" not in path]
    manifest = gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())
    objects[layout.manifest(name)] = manifest
    backup = {"apiVersion": "velero.io/v1", "kind": "Backup", "status": {"phase": "Completed"},
              "metadata": {"name": name, "annotations": {labels.MANIFEST_SHA256: sha256(manifest)}}}
    return MemoryBucket(objects), backup


def sha256(content: bytes) -> str:
    """In hex."""
    return hashlib.sha256(content).hexdigest()


def config_map(namespace: str, name: str, **data: str) -> Object:
    """As it lies in a backup, with what the server had assigned."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": data, "metadata": {
        "namespace": namespace, "name": name, "uid": "u-1", "resourceVersion": "7",
        "creationTimestamp": "2024-05-01T10:00:00Z",
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u-2"}],
        "managedFields": [{"manager": "m", "operation": "Update"}]}}
