"""A BackupStorageLocation's spec and its Secret, understood."""

from __future__ import annotations

import base64
import binascii
import configparser
import dataclasses
from typing import Any
from urllib.parse import urlsplit

from kubectl_ark import errors
from kubectl_ark.model import layout

DEFAULT_SECRET = ("cloud-credentials", "cloud")
"""Velero's Secret and key where a location names none."""

PROVIDERS = ("aws", "velero.io/aws")


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
    verify: bool = True
    read_only: bool = False

    @property
    def url(self) -> str:
        """For people: "http://10.0.0.1:9000/bucket/prefix/"."""
        return f"{'https' if self.secure else 'http'}://{self.endpoint}/{self.bucket}/{self.root}"


def parse(name: str, spec: dict[str, Any], *, secret: str | None) -> Location:
    """The location that a BackupStorageLocation's spec describes. Raises StoreUnusable, naming the field.

    secret: text of the credentials file (AWS shared-credentials INI), None for ambient credentials.
    """
    def unusable(text: str) -> errors.StoreUnusable:
        return errors.StoreUnusable(f'storage location "{name}": {text}')

    provider = spec.get("provider")
    if provider not in PROVIDERS:
        raise unusable(f'provider "{provider}" is not supported; use "aws" for every S3-compatible store')
    storage = spec.get("objectStorage") or {}
    bucket = str(storage.get("bucket") or "").strip("/")
    if not bucket:
        raise unusable("objectStorage.bucket is empty")
    if "/" in bucket:
        raise unusable(f'objectStorage.bucket "{bucket}" must not contain "/"; put the rest into objectStorage.prefix')
    config = spec.get("config") or {}
    region = config.get("region") or None
    host, secure = f"s3.{region}.amazonaws.com" if region else "s3.amazonaws.com", True
    if url := config.get("s3Url"):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise unusable(f'config.s3Url "{url}" is not of the form http(s)://HOST[:PORT]')
        host, secure = parts.netloc, parts.scheme == "https"
    return Location(
        name=name, bucket=bucket, root=layout.root(storage.get("prefix")), endpoint=host, secure=secure,
        region=region, credentials=_credentials(name, secret, config.get("profile") or "default"),
        ca_certificate=_certificate(name, storage.get("caCert")),
        verify=config.get("insecureSkipTLSVerify") != "true", read_only=spec.get("accessMode") == "ReadOnly",
    )


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


def _certificate(name: str, encoded: str | None) -> str | None:
    if not encoded:
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise errors.StoreUnusable(f'storage location "{name}": objectStorage.caCert is not base64 of PEM') from error
