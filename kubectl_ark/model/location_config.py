"""The ``config`` of a BackupStorageLocation: the settings of Velero's AWS plugin, checked one by one.

A setting that is not known is refused, as Velero refuses it: one that is misspelt would else be ignored in silence.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

PROVIDERS = ("aws", "velero.io/aws")

CHECKSUMS = ("CRC32", "SHA1", "SHA256")
"""Algorithms that Python has in C; of S3's others, CRC32C and CRC64NVME, none is needed where these are."""

_ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")
_HARMLESS = ("resticRepoPrefix", "enableSharedConfig")
"""Known, and of no meaning for where backups lie."""


@dataclasses.dataclass(frozen=True)
class Config:
    """What the settings mean. Everything has a value for "not given"."""

    region: str | None = None
    url: str | None = None
    """Of the store's API: "https://minio:9000"; None is AWS."""
    public_url: str | None = None
    """The same for those outside the cluster; only pre-signed addresses use it."""
    path_style: bool | None = None
    """Whether the bucket goes into the path (True) or the host name (False); None: as the host wants it."""
    verify: bool = True
    profile: str = "default"
    """Section of the credentials file."""
    write_headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What every object is stored with: encryption by the store, tags."""
    checksum: str = ""
    """One of CHECKSUMS; "" for Content-MD5, which every store knows."""


def provider_problem(provider: object) -> str | None:
    """Why a location's provider will not do; None if it will."""
    if provider in PROVIDERS:
        return None
    return f'provider "{provider}" is not supported; use "aws" for every S3-compatible store'


def parse(config: Mapping[str, str], *, refuse: Callable[[str], Exception]) -> Config:
    """The settings understood. Raises what ``refuse`` makes of a sentence that names the setting."""
    unknown = sorted(set(config) - _KNOWN)
    if unknown:
        raise refuse(f"config.{unknown[0]} is not known; known are {', '.join(sorted(_KNOWN))}")
    if config.get("customerKeyEncryptionFile"):
        raise refuse("config.customerKeyEncryptionFile names a file that no Job has; use serverSideEncryption")
    if config.get("signatureVersion", "4") not in ("", "4"):
        raise refuse(f'config.signatureVersion "{config["signatureVersion"]}" is not supported; leave it out')
    checksum = config.get("checksumAlgorithm", "").upper()
    if checksum and checksum not in CHECKSUMS:
        raise refuse(f'config.checksumAlgorithm "{checksum}" is not supported; use {", ".join(CHECKSUMS)}')
    return Config(
        region=config.get("region") or None,
        url=_url(config, "s3Url", refuse), public_url=_url(config, "publicUrl", refuse),
        path_style=_flag(config, "s3ForcePathStyle", refuse),
        verify=not _flag(config, "insecureSkipTLSVerify", refuse),
        profile=config.get("profile") or "default",
        write_headers={**_encryption(config, refuse), **_tags(config, refuse)}, checksum=checksum)


def _url(config: Mapping[str, str], name: str, refuse: Callable[[str], Exception]) -> str | None:
    url = config.get(name)
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or "@" in parts.netloc:
        raise refuse(f'config.{name} "{url}" is not of the form http(s)://HOST[:PORT]')
    return f"{parts.scheme}://{parts.netloc}"


def _flag(config: Mapping[str, str], name: str, refuse: Callable[[str], Exception]) -> bool | None:
    value = config.get(name)
    if not value:
        return None
    if value not in ("true", "false"):
        raise refuse(f'config.{name} "{value}" is neither "true" nor "false"')
    return value == "true"


def _encryption(config: Mapping[str, str], refuse: Callable[[str], Exception]) -> dict[str, str]:
    kind, key = config.get("serverSideEncryption"), config.get("kmsKeyId")
    if kind and kind not in _ENCRYPTIONS:
        raise refuse(f'config.serverSideEncryption "{kind}" is not supported; use {" or ".join(_ENCRYPTIONS[:2])}')
    if key and kind == "AES256":
        raise refuse("config.kmsKeyId needs serverSideEncryption aws:kms")
    if key:
        kind = kind or "aws:kms"
    headers = {"x-amz-server-side-encryption": kind} if kind else {}
    return {**headers, "x-amz-server-side-encryption-aws-kms-key-id": key} if key else headers


def _tags(config: Mapping[str, str], refuse: Callable[[str], Exception]) -> dict[str, str]:
    tagging = config.get("tagging")
    if not tagging:
        return {}
    try:
        found = parse_qsl(tagging, strict_parsing=True, keep_blank_values=True)
    except ValueError:
        raise refuse(f'config.tagging "{tagging}" is not of the form KEY=VALUE&KEY=VALUE') from None
    if len(found) > 10:
        raise refuse(f"config.tagging has {len(found)} tags; S3 takes 10")
    return {"x-amz-tagging": tagging}


_KNOWN = frozenset({
    "region", "s3Url", "publicUrl", "s3ForcePathStyle", "insecureSkipTLSVerify", "profile", "serverSideEncryption",
    "kmsKeyId", "tagging", "checksumAlgorithm", "customerKeyEncryptionFile", "signatureVersion", *_HARMLESS})
