"""A BackupStorageLocation's spec and its Secret, understood."""

from __future__ import annotations

import base64
import binascii
import configparser
import dataclasses
import ssl
from typing import Any

from kubectl_ark import errors
from kubectl_ark.model import layout
from kubectl_ark.model import location_config as settings
from kubectl_ark.model.location_config import Config

DEFAULT_SECRET = ("cloud-credentials", "cloud")
"""Velero's Secret and key where a location names none."""


@dataclasses.dataclass(frozen=True)
class Credentials:
    """An access key; the secret parts are kept out of repr."""

    access_key: str
    secret_key: str = dataclasses.field(repr=False)
    session_token: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class Location:
    """Everything needed to reach one bucket. ``credentials`` None: what the pod's surroundings give (IAM)."""

    name: str
    bucket: str
    root: str
    """"" or "prefix/"."""
    endpoint: str
    """HOST[:PORT]."""
    secure: bool
    region: str | None
    credentials: Credentials | None
    ca_certificate: str | None = None
    read_only: bool = False
    config: Config = dataclasses.field(default_factory=Config)

    @property
    def url(self) -> str:
        """For people: "http://10.0.0.1:9000/bucket/prefix/"."""
        return f"{'https' if self.secure else 'http'}://{self.endpoint}/{self.bucket}/{self.root}"

    def restic_address(self, repository: str) -> str:
        """Where restic itself, or Velero, finds the repository in a directory: "s3:http://…/restic/shop"."""
        server = self.config.url or f"s3{f'-{self.region}' if self.region else ''}.amazonaws.com"
        return f"s3:{server}/{self.bucket}/{self.root}{repository}".rstrip("/")


def parse(name: str, spec: dict[str, Any], *, secret: str | None, authority: str | None = None) -> Location:
    """The location that a BackupStorageLocation's spec describes. Raises LocationInvalid, StoreUnusable.

    secret: text of the credentials file (AWS shared-credentials INI), None for ambient credentials. authority: the
    certificates (PEM) that objectStorage.caCertRef names, None if it names none.
    """
    def invalid(text: str) -> errors.LocationInvalid:
        return errors.LocationInvalid(f'storage location "{name}": {text}')

    if problem := settings.provider_problem(spec.get("provider")):
        raise invalid(problem)
    storage = spec.get("objectStorage") or {}
    bucket = str(storage.get("bucket") or "").strip("/")
    if not bucket:
        raise invalid("objectStorage.bucket is empty")
    if "/" in bucket:
        raise invalid(f'objectStorage.bucket "{bucket}" must not contain "/"; put the rest into objectStorage.prefix')
    config = settings.parse(spec.get("config") or {}, refuse=invalid)
    host, secure = f"s3.{config.region}.amazonaws.com" if config.region else "s3.amazonaws.com", True
    if config.url:
        scheme, _, host = config.url.partition("://")
        secure = scheme == "https"
    if storage.get("caCert") and storage.get("caCertRef"):
        raise invalid("objectStorage.caCert and objectStorage.caCertRef exclude each other")
    return Location(
        name=name, bucket=bucket, root=layout.root(storage.get("prefix")), endpoint=host, secure=secure,
        region=config.region, credentials=_credentials(name, secret, config.profile),
        ca_certificate=_certificate(name, storage.get("caCert"), authority),
        read_only=spec.get("accessMode") == "ReadOnly", config=config)


def _credentials(name: str, secret: str | None, profile: str) -> Credentials | None:
    if secret is None:
        return None
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(secret)
        section = parser[profile]
        return Credentials(section["aws_access_key_id"].strip(), section["aws_secret_access_key"].strip(),
                           section.get("aws_session_token"))
    except (configparser.Error, KeyError) as error:
        # NB: the parser's own message quotes the line, which may hold the key.
        missing = f" ({error.args[0]} is missing)" if isinstance(error, KeyError) else ""
        raise errors.StoreUnusable(
            f'storage location "{name}": the Secret holds no usable credentials{missing}',
            hint=f"it must be an AWS credentials file with [{profile}], aws_access_key_id and aws_secret_access_key",
        ) from None


def _certificate(name: str, encoded: str | None, text: str | None) -> str | None:
    """PEM that TLS can load, from caCert (base64) or caCertRef (text)."""
    field = "caCertRef" if text else "caCert"
    try:
        if encoded:
            text = base64.b64decode(encoded, validate=True).decode("ascii")
        if not text:
            return None
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (binascii.Error, UnicodeDecodeError, ValueError, ssl.SSLError) as error:
        form = "does not name PEM certificates" if field == "caCertRef" else "is not base64 of PEM certificates"
        raise errors.LocationInvalid(f'storage location "{name}": objectStorage.{field} {form}') from error
    return text
