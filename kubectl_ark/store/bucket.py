"""One bucket: put, get, list, delete, stream. With ``parts`` the only import of ``minio``.

Every byte stored goes through ``put`` or ``upload`` and every byte read through ``get`` or ``open``: what is to
happen between our bytes and stored bytes (encryption) belongs there and nowhere else.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import io
import logging
import ssl
from collections.abc import Iterator
from typing import Any

import urllib3
from minio import Minio
from minio.credentials import (
    AWSConfigProvider, ChainedProvider, EnvAWSProvider, IamAwsProvider, Provider, StaticProvider,
)
from minio.error import InvalidResponseError, MinioException, S3Error
from minio.versioningconfig import ENABLED, SUSPENDED

from kubectl_ark import errors
from kubectl_ark.model import layout, times
from kubectl_ark.store import checksums, parts
from kubectl_ark.store.location import Location
from kubectl_ark.store.parts import Readable
from kubectl_ark.store.streams import Body, StreamingMinio

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
RETRIES = 4
CONNECTIONS = 32
"""Kept alive."""

PIECE = 256 * 1024
"""Bytes of a stream that are held at a time."""

_UNUSABLE = {
    "NoSuchBucket": "the bucket does not exist",
    "InvalidAccessKeyId": "the store does not know the access key",
    "XAdminUserNotFound": "the store does not know the access key",  # versitygw's word for it
    "SignatureDoesNotMatch": "the secret key is wrong",
    "AccessDenied": "the credentials may not do this",
    "KeyTooLongError": "the name makes a key that is too long for the store",
    "KeyTooLong": "the name makes a key that is too long for the store",
    "InvalidBucketName": "the bucket's name is not valid",
    "AuthorizationHeaderMalformed": "the region is wrong",
    "MethodNotAllowed": "the store does not allow this here; is it read-only?",
}
_HINTS = {"NoSuchBucket": "create it, or correct the location's bucket and region"}
_MISSING = frozenset({"NoSuchKey", "NoSuchObject", "ResourceNotFound"})
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_WORM = ("WORM", "object lock", "Object Lock", "retention", "legal hold")
"""What stores say of an object that is locked; they have no code of its own for it."""

MAX_URL_SECONDS = 7 * 24 * 3600
"""S3's bound."""


@dataclasses.dataclass(frozen=True)
class Upload:
    """An unfinished multipart upload."""

    key: str
    id: str
    began: datetime.datetime | None
    """None where the store does not say."""


class Bucket:
    """Thread-safe. Keys are relative to the location's prefix. Methods raise StoreUnusable or StoreError."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._client = _client(location, location.config.url)
        self._flat = False

    def flattened(self) -> Bucket:
        """The same as Ark 0.9 laid it out, for reading: what is under ``backups/`` is at the prefix's root."""
        other = copy.copy(self)
        other._flat = True
        return other

    def put(self, key: str, data: bytes, *, only_if_absent: bool = False) -> bool:
        """Store ``data``. With only_if_absent, False if the key was there already (and it is left as it was)."""
        config = self.location.config
        headers: dict[str, Any] = {"Content-Type": "application/octet-stream", **config.write_headers,
                                   **checksums.headers(config.checksum, data)}
        if only_if_absent:
            headers["If-None-Match"] = "*"
        try:
            with self._translated("writing", key):
                self._client._execute(  # the public put_object cannot send If-None-Match
                    "PUT", self.location.bucket, self._key(key), body=data, headers=headers, no_body_trace=True)
        except _AlreadyThere:
            return False
        return True

    def put_stream(self, key: str, stream: Readable, *, size: int, sha256: str, only_if_absent: bool = False) -> bool:
        """Store a stream of known size and sha256 (hex), which the store verifies, without holding it. As ``put``.

        It is not tried again: the stream can be read once. Where the location wants checksums, it is held after all.
        """
        config = self.location.config
        if config.checksum or not size:
            return self.put(key, _whole(stream, size), only_if_absent=only_if_absent)
        headers: dict[str, Any] = {"Content-Type": "application/octet-stream", **config.write_headers}
        if only_if_absent:
            headers["If-None-Match"] = "*"
        body: Any = Body(stream, size=size, sha256=sha256)
        try:
            with self._translated("writing", key):
                self._client._execute("PUT", self.location.bucket, self._key(key), body=body, headers=headers,
                                      no_body_trace=True)
        except _AlreadyThere:
            return False
        return True

    def upload(self, key: str, stream: Readable) -> None:
        """Store a stream of unknown length in parts; if it or the store fails, the upload is aborted."""
        with self._translated("uploading", key):
            parts.upload(self._client, self.location.bucket, self._key(key), stream, self.location.config)

    def uploads(self, directory: str) -> Iterator[Upload]:
        """The multipart uploads that are open under a directory."""
        with self._translated("looking for unfinished uploads in", directory):
            marks: dict[str, Any] = {}
            while True:
                found = self._client._list_multipart_uploads(  # NB: no public call lists them
                    self.location.bucket, prefix=self._key(directory), **marks)
                for each in found.uploads:
                    yield Upload(each.object_name[len(self.location.root):], str(each.upload_id), each.initiated_time)
                if not found.is_truncated:
                    return
                marks = {"key_marker": found.next_key_marker, "upload_id_marker": found.next_upload_id_marker}

    def abort(self, upload: Upload) -> None:
        """End an upload; one that is over already is no error."""
        with contextlib.suppress(errors.KeyMissing), self._translated("ending the upload of", upload.key):
            self._client._abort_multipart_upload(self.location.bucket, self._key(upload.key), upload.id)

    def abort_uploads(self, directory: str) -> int:
        """End the multipart uploads that a killed run left open under a directory; how many there were."""
        found = list(self.uploads(directory))
        for upload in found:
            self.abort(upload)
        return len(found)

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[Readable]:
        """The stored bytes as a stream. Raises KeyMissing."""
        with self._translated("reading", key):
            answer = self._client.get_object(self.location.bucket, self._key(key))
        try:
            yield _Reading(self, key, answer)
        finally:
            answer.close()
            answer.release_conn()

    @contextlib.contextmanager
    def open_range(self, key: str, *, offset: int, length: int) -> Iterator[Readable]:
        """Part of the stored bytes as a stream. Raises KeyMissing."""
        with self._translated("reading", key):
            answer = self._client.get_object(self.location.bucket, self._key(key), offset=offset, length=length)
        try:
            yield _Reading(self, key, answer)
        finally:
            answer.close()
            answer.release_conn()

    def get(self, key: str, *, limit: int) -> bytes:
        """The whole object, of at most ``limit`` bytes. Raises KeyMissing; Damaged where it is larger."""
        with self.open(key) as stream:
            data = io.BytesIO()
            while chunk := stream.read(1 << 20):
                if data.tell() + len(chunk) > limit:
                    raise errors.Damaged(f"{self.location.url}{key} is larger than {limit} bytes")
                data.write(chunk)
            return data.getvalue()

    def exists(self, key: str) -> bool:
        """True if the key is there."""
        return self.size(key) is not None

    def size(self, key: str) -> int | None:
        """Bytes stored under the key; None if it is not there."""
        try:
            with self._translated("looking for", key):
                return int(self._client.stat_object(self.location.bucket, self._key(key)).size or 0)
        except errors.KeyMissing:
            return None

    def written(self, key: str) -> datetime.datetime | None:
        """When the key was last put; None if it is not there."""
        try:
            with self._translated("looking for", key):
                found: datetime.datetime | None = self._client.stat_object(
                    self.location.bucket, self._key(key)).last_modified
                return found
        except errors.KeyMissing:
            return None

    def keys(self, directory: str) -> Iterator[str]:
        """Every key under a directory, relative to the prefix."""
        return (key for key, _ in self.sizes(directory))

    def sizes(self, directory: str) -> Iterator[tuple[str, int]]:
        """Every key under a directory with its size in bytes."""
        with self._translated("listing", directory):
            for found in self._client.list_objects(
                    self.location.bucket, prefix=self._key(directory), recursive=True):
                yield str(found.object_name)[len(self.location.root):], int(found.size or 0)

    def directories(self, directory: str = "") -> list[str]:
        """Names of the directories right under a directory ("" for the prefix's root)."""
        with self._translated("listing", directory):
            start = self._key(directory)
            return [str(found.object_name)[len(start):].rstrip("/") for found in self._client.list_objects(
                self.location.bucket, prefix=start, recursive=False) if found.is_dir]

    def lock(self, key: str) -> str | None:
        """What keeps a key from being deleted: "locked until 2026-01-01T00:00:00Z"; None for nothing, or no such key.

        A store need not tell those who may not read locks.
        """
        try:
            with self._translated("looking for", key):
                headers = self._client.stat_object(self.location.bucket, self._key(key)).metadata or {}
        except errors.KeyMissing:
            return None
        if str(headers.get("x-amz-object-lock-legal-hold") or "").upper() == "ON":
            return "under a legal hold"
        until = _moment(str(headers.get("x-amz-object-lock-retain-until-date") or "")) or self._retention(key)
        return f"locked until {until:%Y-%m-%dT%H:%M:%SZ}" if until and until > times.now() else None

    def _retention(self, key: str) -> datetime.datetime | None:
        """What the store says when it is asked for the lock itself; None also where it knows of no such thing."""
        try:
            with self._translated("looking for the lock of", key):
                found = self._client.get_object_retention(self.location.bucket, self._key(key))
        except errors.StoreError:
            return None
        return found.retain_until_date.replace(tzinfo=datetime.timezone.utc) if found else None

    def url_to_get(self, key: str, *, seconds: int) -> str:
        """A pre-signed address of the key for whoever holds it; it is a credential. Asks the store nothing.

        It leads to the location's publicUrl where there is one. seconds: 1 to MAX_URL_SECONDS.
        """
        client = self._client
        if self.location.config.public_url:
            client = _client(self.location, self.location.config.public_url)
        with self._translated("making an address of", key):
            return str(client.presigned_get_object(self.location.bucket, self._key(key),
                                                   expires=datetime.timedelta(seconds=seconds)))

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error. Raises Locked where the store keeps it."""
        with contextlib.suppress(errors.KeyMissing), self._translated("deleting", key):
            self._client.remove_object(self.location.bucket, self._key(key))

    def keeps_versions(self) -> bool:
        """Whether what is deleted stays as a former version; False too where the store does not tell."""
        try:
            with self._translated("asking for the versioning of", ""):
                return self._client.get_bucket_versioning(self.location.bucket).status in (ENABLED, SUSPENDED)
        except errors.StoreError:
            return False

    def check(self) -> None:
        """Raise StoreUnusable or StoreError unless the bucket is there and may be listed.

        NB: by a list. The answer to a HEAD has no body, so that a wrong key and a missing bucket look alike.
        """
        with self._translated("checking", ""):
            next(iter(self._client.list_objects(self.location.bucket, prefix=self.location.root)), None)

    def _key(self, key: str) -> str:
        return self.location.root + (key.removeprefix(layout.BACKUPS) if self._flat else key)

    def _sentence(self, doing: str, key: str, what: str) -> str:
        return f'storage location "{self.location.name}": {doing} {self.location.url}{key}: {what}'

    @contextlib.contextmanager
    def _translated(self, doing: str, key: str) -> Iterator[None]:
        try:
            yield
        except S3Error as fault:
            raise self._error_of(fault, doing, key) from fault
        except urllib3.exceptions.MaxRetryError as fault:
            raise errors.StoreError(
                self._sentence(doing, key, f"no answer: {_plain(fault.reason or fault)}")) from fault
        except InvalidResponseError as fault:
            raise errors.StoreError(self._sentence(
                doing, key, "the answer is not S3's; is this the address of the store's API?")) from fault
        except (urllib3.exceptions.HTTPError, MinioException, OSError) as fault:
            raise errors.StoreError(self._sentence(doing, key, _plain(fault))) from fault
        except ValueError as fault:
            # minio checks credentials from the surroundings only when it signs the first request
            raise errors.StoreUnusable(self._sentence(doing, key, str(fault))) from fault

    def _error_of(self, fault: S3Error, doing: str, key: str) -> Exception:
        code = fault.code or ""
        if code in _MISSING:
            return errors.KeyMissing(self._sentence(doing, key, "it is not there"))
        if code in _TAKEN:
            return _AlreadyThere()
        words = f"{fault.message or 'no message'} ({code})"
        if any(word in words for word in _WORM):
            return errors.Locked(self._sentence(doing, key, f"it is locked: {words}"))
        if code in _UNUSABLE:
            return errors.StoreUnusable(self._sentence(doing, key, f"{_UNUSABLE[code]}: {words}"),
                                        hint=_HINTS.get(code))
        if fault.response.status in (401, 403):
            return errors.StoreUnusable(self._sentence(doing, key, f"the store refuses: {words}"))
        return errors.StoreError(self._sentence(doing, key, words))


class _Reading:
    """A stored object being read; faults of the store become our errors, those of the reader stay what they are."""

    def __init__(self, bucket: Bucket, key: str, answer: Any) -> None:
        self._bucket, self._key, self._answer = bucket, key, answer

    def read(self, size: int = -1, /) -> bytes:
        with self._bucket._translated("reading", self._key):
            data: bytes = self._answer.read(size if size >= 0 else None)
            return data


def _whole(stream: Readable, size: int) -> bytes:
    data = io.BytesIO()
    while data.tell() < size and (piece := stream.read(size - data.tell())):
        data.write(piece)
    return data.getvalue()


class _AlreadyThere(Exception):
    """A conditional put found the key."""


def _client(location: Location, url: str | None) -> Minio:
    """url: of the store's API; None is AWS, or what the location says otherwise."""
    endpoint, secure, config = location.endpoint, location.secure, location.config
    if url:
        scheme, _, endpoint = url.partition("://")
        secure = scheme == "https"
    retries = urllib3.Retry(total=RETRIES, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504],
                            allowed_methods=None)
    options: dict[str, Any] = {}
    if secure:
        context = ssl.create_default_context(cadata=location.ca_certificate)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # private CAs seldom have every extension
        if not config.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        options["ssl_context"] = context
    http = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS), maxsize=CONNECTIONS, retries=retries,
        blocksize=PIECE, **options)
    client = StreamingMinio(endpoint=endpoint, secure=secure, region=location.region or "us-east-1",
                            credentials=_provider(location), http_client=http)
    if config.path_style is True:
        client.disable_virtual_style_endpoint()
    elif config.path_style is False:
        client.enable_virtual_style_endpoint()
    return client


def _provider(location: Location) -> Provider:
    if location.credentials:
        given = location.credentials
        return StaticProvider(given.access_key, given.secret_key, given.session_token)
    return ChainedProvider([EnvAWSProvider(), AWSConfigProvider(), IamAwsProvider()])


def _plain(fault: BaseException) -> str:
    return str(fault).rpartition(">: ")[2] or type(fault).__name__


def _moment(text: str) -> datetime.datetime | None:
    try:
        return times.parse_time(text)
    except ValueError:
        return None
