"""From a storage location's name to a bucket: the CR and its Secret, read through the API."""

from __future__ import annotations

import base64
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.pages import items
from kubectl_ark.model import kinds
from kubectl_ark.model.resources import SECRETS, custom
from kubectl_ark.store.bucket import Bucket
from kubectl_ark.store.location import DEFAULT_SECRET, Location, parse

LOCATIONS = custom(kinds.STORAGE_LOCATION)


def named(api: Api, namespace: str, name: str | None) -> dict[str, Any]:
    """The BackupStorageLocation of that name; None is the default one. Raises InvalidInput if there is none."""
    if name:
        try:
            return api.get(LOCATIONS.path(namespace, name))
        except errors.NotFound:
            raise errors.InvalidInput(f'storage location "{name}" does not exist in namespace {namespace}',
                                      hint="kubectl ark get locations lists what there is") from None
    found = everyone(api, namespace)
    if not found:
        raise errors.InvalidInput(f"there is no storage location in namespace {namespace}",
                                  hint="kubectl ark install makes one")
    return found[0]


def everyone(api: Api, namespace: str) -> list[dict[str, Any]]:
    """Every BackupStorageLocation, the default one first: it says so itself, or is named "default"."""
    def rank(location: dict[str, Any]) -> tuple[bool, bool, str]:
        name = location["metadata"]["name"]
        return not (location.get("spec") or {}).get("default"), name != kinds.DEFAULT_LOCATION, name

    return sorted(items(api, LOCATIONS, namespace), key=rank)


def against_writing(location: dict[str, Any]) -> str | None:
    """Why nothing may be added or deleted there, with what changes that; None where it may."""
    name = location["metadata"]["name"]
    if (location.get("spec") or {}).get("accessMode") != "ReadOnly":
        return None
    return (f'storage location "{name}" is ReadOnly; "kubectl ark location set {name} --access-mode ReadWrite" '
            "changes that")


def opened(api: Api, location: dict[str, Any]) -> Bucket:
    """The bucket behind a BackupStorageLocation. Raises StoreUnusable where spec or Secret are no good."""
    return Bucket(understood(api, location))


def understood(api: Api, location: dict[str, Any]) -> Location:
    """The location with its credentials and certificates. Raises StoreUnusable."""
    metadata, spec = location["metadata"], location.get("spec") or {}
    namespace, name = metadata["namespace"], metadata["name"]
    given, authority = spec.get("credential"), (spec.get("objectStorage") or {}).get("caCertRef")
    if given:
        secret = _value(api, namespace, name, given, field="credential")
    else:
        secret = _value(api, namespace, name, dict(zip(("name", "key"), DEFAULT_SECRET)), field=None)
    certificates = _value(api, namespace, name, authority, field="objectStorage.caCertRef") if authority else None
    return parse(name, spec, secret=secret, authority=certificates)


def _value(api: Api, namespace: str, location: str, reference: dict[str, Any], *, field: str | None) -> str | None:
    """The text under a Secret's key. field: that of the spec that names it; None: nobody did, and None if not there."""
    name, key = reference["name"], reference["key"]
    try:
        secret = api.get(SECRETS.path(namespace, name))
    except errors.NotFound:
        if field is None:
            return None
        raise errors.StoreUnusable(
            f'storage location "{location}": Secret {namespace}/{name} does not exist',
            hint=f"create it, or correct the location's spec.{field}") from None
    data = (secret.get("data") or {}).get(key)
    if data is None:
        raise errors.StoreUnusable(f'storage location "{location}": Secret {namespace}/{name} has no key "{key}"')
    try:
        return base64.b64decode(data).decode()
    except UnicodeDecodeError:
        raise errors.StoreUnusable(
            f'storage location "{location}": key "{key}" of Secret {namespace}/{name} is not text') from None
