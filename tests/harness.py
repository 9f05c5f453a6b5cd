"""The runner as an ordinary process, against a real API server and a real S3 server.

``Ark`` is one Ark namespace with a storage location whose prefix in the bucket is its own. What a Job's pod is told by
the downward API is told here by environment variables, which is all that the runner knows of its pod.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import os
import tarfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from minio import Minio

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.connection import connect
from kubectl_ark.model import layout
from kubectl_ark.model.settings import CONFIG_MAP, Settings
from kubectl_ark.render import jobspecs
from tests.environment import credentials_file
from tests.runner.process import Runner
from tests.waiting import eventually as eventually

Object = dict[str, Any]
_INSTALLED: set[str] = set()


@dataclasses.dataclass(frozen=True)
class Store:
    """An S3 server and how to speak to it."""

    url: str
    access_key: str
    secret_key: str = dataclasses.field(repr=False)
    bucket: str = "ark"

    @property
    def credentials_file(self) -> str:
        """The text of an AWS credentials file."""
        return credentials_file(self.access_key, self.secret_key)

    @property
    def client(self) -> Minio:
        """A client of the tests' own."""
        return Minio(endpoint=self.url.partition("//")[2], access_key=self.access_key, secret_key=self.secret_key,
                     secure=False, region="us-east-1")


class Ark:
    """One Ark namespace and its prefix in a bucket. directory: for the runners' output."""

    def __init__(self, *, kubeconfig: Path, namespace: str, store: Store, directory: Path,
                 prefix: str | None = None) -> None:
        self.kubeconfig, self.namespace, self.store, self.directory = kubeconfig, namespace, store, directory
        self.prefix = prefix or f"{namespace}-{uuid.uuid4().hex[:8]}"
        self.api = Api(connect(kubeconfig=str(kubeconfig)))
        self._made: list[str] = []
        self._count = 0

    # The cluster

    def set_up(self) -> None:
        """CRDs, the namespace, Secret and location."""
        if str(self.kubeconfig) not in _INSTALLED:
            for definition in [*jobspecs.render("crds", {}), *jobspecs.render("restik-crd", {})]:
                self.put(definition, manager="kubectl-ark")  # as install does, which may come after it
            eventually(lambda: self._served(), "the CRDs are served")
            _INSTALLED.add(str(self.kubeconfig))
        self.make_namespace(self.namespace)
        self.secret(self.store.credentials_file)
        self.location()

    def tear_down(self) -> None:
        """Remove what was made, in the cluster and in the bucket."""
        for path in reversed(self._made):
            try:
                self.api.raw("DELETE", path, patience=5)
            except errors.ArkError:
                continue
        client = self.store.client
        for found in client.list_objects(self.store.bucket, prefix=self.prefix + "/", recursive=True):
            client.remove_object(self.store.bucket, str(found.object_name))

    def put(self, item: Object, *, manager: str = "tests") -> Object:
        """Create an object, or write it anew (server-side apply)."""
        return dict(json.loads(self.api.raw(
            "PATCH", path_of(item), body=json.dumps(item).encode(), content_type="application/apply-patch+yaml",
            params={"fieldManager": manager, "force": "true"})))

    def make(self, item: Object) -> Object:
        """Create an object that goes away with ``tear_down``."""
        path = path_of(item)
        try:
            made = self.api.create(path.rpartition("/")[0], item)
        except errors.Conflict:
            made = self.put(item)
        self._made.append(path)
        return made

    def adopt(self, item: Object) -> None:
        """An object that the runner makes goes away with ``tear_down`` too."""
        self._made.append(path_of(item))

    def make_all(self, items: list[Object]) -> None:
        """Create many objects at once; their namespace is expected to go away."""
        with ThreadPoolExecutor(8) as pool:
            for _ in pool.map(lambda item: self.api.create(path_of(item).rpartition("/")[0], item), items):
                pass

    def make_namespace(self, name: str, **labels: str) -> None:
        """A namespace, made anew if it is only being deleted still."""
        item = namespace(name, **labels)
        eventually(lambda: self.get(item) is None or "deletionTimestamp" not in self.got(item)["metadata"],
                   f"namespace {name} can be made")
        self.make(item)

    def get(self, item: Object) -> Object | None:
        """What the API server has of this object; None if it has none."""
        try:
            return self.api.get(path_of(item))
        except errors.NotFound:
            return None

    def got(self, item: Object) -> Object:
        """What the API server has of this object."""
        return self.api.get(path_of(item))

    def remove(self, item: Object) -> None:
        """Delete an object."""
        self.api.raw("DELETE", path_of(item))

    def secret(self, text: str, name: str = "cloud-credentials") -> None:
        """Credentials for locations."""
        self.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": self.namespace},
                  "data": {"cloud": base64.b64encode(text.encode()).decode()}})

    def accounts(self, *namespaces: str) -> None:
        """Ark's service accounts with their rights; the runner itself goes by the tests' kubeconfig.

        namespaces: as after ``install --namespaces``; everywhere if there are none.
        """
        values: Object = {"namespace": self.namespace, "namespaces": namespaces, "labels": {}, "annotations": {}}
        for item in jobspecs.render("accounts", values):
            if item["kind"] != "Namespace":
                self.put(item)

    def location(self, name: str = "default", *, url: str = "", bucket: str = "", **spec: Any) -> Object:
        """A BackupStorageLocation on this Ark's prefix; by default a sound one."""
        return self.put(self.cr("BackupStorageLocation", name, **{
            "provider": "aws", "objectStorage": {"bucket": bucket or self.store.bucket, "prefix": self.prefix},
            "config": {"region": "us-east-1", "s3Url": url or self.store.url, "s3ForcePathStyle": "true"}, **spec}))

    def settings(self, settings: Settings = Settings()) -> Object:
        """The ConfigMap that install leaves."""
        return self.put({"apiVersion": "v1", "kind": "ConfigMap", "data": settings.to_data(),
                         "metadata": {"name": CONFIG_MAP, "namespace": self.namespace}})

    def cr(self, kind: str, name: str, **spec: Any) -> Object:
        """One of Ark's own objects."""
        return {"apiVersion": "ark.heptio.com/v1", "kind": kind, "spec": spec,
                "metadata": {"name": name, "namespace": self.namespace}}

    def backup(self, name: str, **spec: Any) -> Object:
        """Create a Backup CR."""
        return self.make(self.cr("Backup", name, **spec))

    def restore(self, name: str, backup: str, **spec: Any) -> Object:
        """Create a Restore CR."""
        return self.make(self.cr("Restore", name, backupName=backup, **spec))

    def status(self, kind: str, name: str) -> Object:
        """The CR's status."""
        return dict(self.got(self.cr(kind, name)).get("status") or {})

    # The runner

    def start(self, *arguments: str, kubeconfig: Path | None = None, **environment: str) -> Runner:
        """Start a runner: ``start("backup", "b", ARK_JOB_UID="j")``."""
        self._count += 1
        output = self.directory / f"{'-'.join(arguments[:2]).replace('/', '_')}-{self._count}.txt"
        rest = () if arguments[0] == "fetch" else ("-n", self.namespace, "--kubeconfig",
                                                   str(kubeconfig or self.kubeconfig))
        return Runner([*arguments, *rest], environment=environment, output=output)

    def run(self, *arguments: str, timeout: float = 90, **options: Any) -> int:
        """Start a runner and wait; its exit code."""
        return self.start(*arguments, **options).wait(timeout)

    # The bucket

    def keys(self, directory: str = "") -> list[str]:
        """Keys in the bucket, relative to the prefix."""
        root = self.prefix + "/"
        found = self.store.client.list_objects(self.store.bucket, prefix=root + directory, recursive=True)
        return sorted(str(each.object_name)[len(root):] for each in found)

    def read(self, key: str) -> bytes:
        """A stored object."""
        answer = self.store.client.get_object(self.store.bucket, f"{self.prefix}/{key}")
        try:
            return bytes(answer.read())
        finally:
            answer.close()
            answer.release_conn()

    def write(self, key: str, content: bytes) -> None:
        """Store an object."""
        self.store.client.put_object(self.store.bucket, f"{self.prefix}/{key}", io.BytesIO(content), len(content))

    def store_backup(self, backup: Object, objects: dict[str, bytes]) -> None:
        """Lay a backup made by hand into the bucket: its velero-backup.json and the objects under their keys."""
        for key, content in objects.items():
            self.write(key, content)
        self.write(layout.metadata(backup["metadata"]["name"]), json.dumps(backup).encode())

    def uploads(self, directory: str = "") -> int:
        """How many multipart uploads are open under a directory."""
        found = self.store.client._list_multipart_uploads(self.store.bucket, prefix=f"{self.prefix}/{directory}")
        return len(found.uploads)

    def items(self, backup: str) -> list[str]:
        """Paths of the items in a stored backup, read to its end: "configmaps/namespaces/n/c"."""
        with tarfile.open(fileobj=io.BytesIO(self.read(f"backups/{backup}/{backup}.tar.gz"))) as tar:
            names = [member.name for member in tar]
        return sorted(name.removeprefix("resources/").removesuffix(".json") for name in names
                      if name.startswith("resources/") and "-preferredversion/" not in name)

    def _served(self) -> bool:
        try:
            self.api.raw("GET", f"/apis/ark.heptio.com/v1/namespaces/{self.namespace}/restores", patience=0)
            self.api.raw("GET", f"/apis/ark.heptio.com/v1/namespaces/{self.namespace}/backupstoragelocations",
                         patience=0)
            return True
        except errors.ApiError:
            return False


def path_of(item: Object) -> str:
    """The URL path of an object, by the API's own way of making plurals."""
    version, kind, metadata = str(item["apiVersion"]), str(item["kind"]).lower(), item["metadata"]
    plural = kind[:-1] + "ies" if kind.endswith("y") else kind + ("es" if kind.endswith("s") else "s")
    place = f"namespaces/{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"/{'apis' if '/' in version else 'api'}/{version}/{place}{plural}/{metadata['name']}"


def namespace(name: str, **labels: str) -> Object:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def config_map(namespace: str, name: str, *, size: int = 0, **data: str) -> Object:
    """A ConfigMap; with ``size`` that many bytes that cannot be compressed to less than three quarters."""
    text = {**data, "random": base64.b64encode(os.urandom(size * 3 // 4)).decode()} if size else data
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace, "name": name}, "data": text}


def kubeconfig_through(kubeconfig: Path, url: str, directory: Path) -> Path:
    """A copy of a kubeconfig that goes by another address."""
    content = yaml.safe_load(kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = url
    path = directory / f"through-{url.rpartition(':')[2]}.kubeconfig"
    path.write_text(json.dumps(content))
    return path


def is_clear(sentence: str, *words: str) -> bool:
    """Asserts that one clear sentence tells all this: on one line, no traceback, nothing secret."""
    assert sentence, "nothing is said"
    for word in words:
        assert word in sentence, f"{word!r} is not in {sentence!r}"
    for unwanted in ("\n", "Traceback", "object at 0x", "secret_access_key ="):
        assert unwanted not in sentence, f"{unwanted!r} is in {sentence!r}"
    assert len(sentence) < 1000, sentence
    return True
