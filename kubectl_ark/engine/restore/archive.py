"""The items of one backup on local disk: one file, and a compact index by kind.

A gzip gives no random access and a restore needs its own order, so the tar is read once, checked whole, and the
plain items go into one file. Nothing is created in the cluster before that is done. In memory an item costs its name
and 13 bytes more.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from kubectl_ark import errors
from kubectl_ark.engine.restore.manifest import ItemCheck, Manifest
from kubectl_ark.engine.restore.paths import ItemPath, parse
from kubectl_ark.engine.restore.tarball import entries
from kubectl_ark.engine.restore.unpack import Gunzip, Readable

Object = dict[str, Any]

DROP, RELATED, WANTED = 0, 1, 2
"""What becomes of an item: not kept; kept because a wanted one may need it; to be restored."""

MAX_PLAIN_BYTES = 64 * 1024 * 1024 * 1024
MAX_SPOOLED_BYTES = 8 * 1024 * 1024 * 1024
"""The backup's size before compression, and what is kept of it. The work directory is an emptyDir with a limit of its
own; these stop a compression bomb first."""

FORMAT_MAJOR = "1"
"""metadata/version is "1" or "1.1.0"; Heptio Ark 0.10 and older wrote none."""


class Type(NamedTuple):
    """One kind as the items spell it: ("deployments.apps", "apps/v1", "Deployment")."""

    group_resource: str
    api_version: str
    kind: str

    @property
    def version(self) -> str:
        """ "v1" of "apps/v1"."""
        return self.api_version.rpartition("/")[2]


class Group:
    """The items of one type, in the tar's order; a position is an index into these columns."""

    def __init__(self, type: Type) -> None:
        self.type = type
        self.names: list[str] = []
        self.namespaces: list[str] = []
        """Where the items come back; ``load`` gives them as they were backed up."""
        self.offsets = array("Q")
        self.sizes = array("I")
        self.states = bytearray()

    def __len__(self) -> int:
        return len(self.names)

    def wanted(self) -> list[int]:
        """Positions of the items to restore."""
        return [position for position, state in enumerate(self.states) if state == WANTED]

    def title(self, position: int) -> str:
        """ "shop/web", or "web" for a cluster-scoped item."""
        namespace = self.namespaces[position]
        return f"{namespace}/{self.names[position]}" if namespace else self.names[position]


class Archive:
    """Thread-safe once it is filled. ``groups`` in the tar's order of first appearance."""

    def __init__(self, path: Path) -> None:
        self.groups: dict[Type, Group] = {}
        self._path = path
        self._found: dict[str, dict[tuple[str, str], tuple[Group, int]]] = {}
        self._descriptor = -1

    def load(self, group: Group, position: int) -> Object:
        """The item, decoded anew: the caller may change it."""
        item: Object = orjson.loads(self.content(group, position))
        return item

    def content(self, group: Group, position: int) -> bytes:
        """The item's JSON as it was backed up."""
        return os.pread(self._descriptor, group.sizes[position], group.offsets[position])

    def of_kind(self, group_resource: str) -> list[Group]:
        """The groups of one kind; more than one where items differ in version."""
        return [group for type, group in self.groups.items() if type.group_resource == group_resource]

    def find(self, group_resource: str, namespace: str, name: str) -> tuple[Group, int] | None:
        """Where an item is, wanted or not. For kinds that few items ask about: the table is made at the first call."""
        table = self._found.get(group_resource)
        if table is None:
            table = {(group.namespaces[position], group.names[position]): (group, position)
                     for group in self.of_kind(group_resource) for position in range(len(group))}
            self._found[group_resource] = table
        return table.get((namespace, name))

    def count(self) -> int:
        """How many items are to be restored."""
        return sum(group.states.count(WANTED) for group in self.groups.values())

    def close(self) -> None:
        """Remove the spool."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._path.unlink(missing_ok=True)

    def fill(
        self, items: Iterator[tuple[ItemPath, bytes, Object]], take: Callable[[ItemPath, Object], int],
        *, target: Callable[[ItemPath], ItemPath] | None = None,
    ) -> None:
        """Spool the items that ``take`` does not DROP. target: where an item comes back, if not where it was."""
        offset = 0
        try:
            with self._path.open("wb", buffering=1 << 20) as file:
                for path, content, item in items:
                    state = take(path, item)
                    if state == DROP:
                        continue
                    if offset + len(content) > MAX_SPOOLED_BYTES:
                        raise errors.Damaged(f"the backup holds more than {MAX_SPOOLED_BYTES} bytes to restore",
                                             hint="restore it in parts, by namespaces or kinds")
                    self._add(target(path) if target else path, item, offset, len(content), state)
                    offset += file.write(content)
        except OSError as fault:
            raise errors.ArkError(
                f"the backup's items do not fit into {self._path.parent}: {fault.strerror or fault}",
                hint="give the run more ephemeral storage, or restore in parts, by namespaces or kinds") from fault
        self._descriptor = os.open(self._path, os.O_RDONLY)

    def _add(self, path: ItemPath, item: Object, offset: int, size: int, state: int) -> None:
        type = Type(path.group_resource, item["apiVersion"], item["kind"])
        group = self.groups.get(type)
        if group is None:
            group = self.groups[type] = Group(type)
        group.names.append(path.name)
        group.namespaces.append(sys.intern(path.namespace))
        group.offsets.append(offset)
        group.sizes.append(size)
        group.states.append(state)


def read_items(
    stream: Readable, *, subject: str, key: str, manifest: Manifest | None, checkpoint: Callable[[], None],
) -> Iterator[tuple[ItemPath, bytes, Object]]:
    """The unversioned items of a stored tar, each decoded once to see that it is an object of that name.

    The stream is read to its end and everything that can be checked has been when the iterator ends: gzip's CRCs,
    names, sizes, JSON, and with a manifest the sha256 of the tar and of each item. Raises Damaged, StoreError.
    """
    plain = Gunzip(stream, subject=subject, limit=MAX_PLAIN_BYTES)
    check = ItemCheck(manifest, subject) if manifest else None
    for count, (name, content) in enumerate(entries(plain)):
        if count % 256 == 0:
            checkpoint()
        path = parse(name)
        if check:
            check.saw(name, content, is_item=path is not None)
        if path is not None:
            yield path, content, _decoded(path, name, content, subject)
        elif name == "metadata/version" and content.strip()[:1].decode("latin-1") != FORMAT_MAJOR:
            raise errors.InvalidInput(f"{subject} has format {content[:20]!r}, this version reads {FORMAT_MAJOR}",
                                      hint="restore with a newer kubectl-ark")
    digest = plain.finish()
    if check and manifest:
        manifest.check(key, digest)
        check.finish()


def _decoded(path: ItemPath, name: str, content: bytes, subject: str) -> Object:
    try:
        item = orjson.loads(content)
    except ValueError as fault:
        raise errors.Damaged(f"{subject}: {name} is not JSON: {fault}") from fault
    if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("apiVersion", "kind")) \
            or not isinstance(item.get("metadata"), dict):
        raise errors.Damaged(f"{subject}: {name} is not a Kubernetes object")
    metadata = item["metadata"]
    if metadata.get("name") != path.name or (metadata.get("namespace") or "") != path.namespace:
        raise errors.Damaged(f'{subject}: {name} holds an object that is called '
                             f'{metadata.get("namespace") or ""}/{metadata.get("name")}')
    return item
