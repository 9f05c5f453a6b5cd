"""What lies under one prefix of the bucket, by an S3 client of the tests' own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from minio import Minio

from tests.environment import BUCKET, Environment


class Bucket:
    """One prefix; keys are relative to it."""

    def __init__(self, cluster: Environment, prefix: str) -> None:
        scheme, _, host = cluster.s3_url.partition("://")
        self._client = Minio(endpoint=host, access_key=cluster.s3_access_key, secret_key=cluster.s3_secret_key,
                             secure=scheme == "https", region="us-east-1")
        self._root = prefix + "/"

    def keys(self, directory: str = "") -> list[str]:
        """All keys, in order."""
        found = self._client.list_objects(BUCKET, prefix=self._root + directory, recursive=True)
        return sorted(str(each.object_name)[len(self._root):] for each in found)

    def json(self, key: str) -> Any:
        """A stored JSON document."""
        return json.loads(self.read(key))

    def read(self, key: str) -> bytes:
        """A stored object."""
        answer = self._client.get_object(BUCKET, self._root + key)
        try:
            return bytes(answer.read())
        finally:
            answer.close()
            answer.release_conn()

    def delete(self, key: str) -> None:
        """Remove a stored object."""
        self._client.remove_object(BUCKET, self._root + key)

    def uploads(self) -> int:
        """How many multipart uploads are open."""
        return len(self._client._list_multipart_uploads(BUCKET, prefix=self._root).uploads)

    def put_tree(self, directory: Path) -> None:
        """Store every file of a directory under its path."""
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                self._client.put_object(BUCKET, self._root + str(path.relative_to(directory)), io.BytesIO(content),
                                        len(content))

    def remove(self) -> None:
        """Delete it all."""
        for key in self.keys():
            self._client.remove_object(BUCKET, self._root + key)
