"""The password of a restic repository, out of the Secret that holds it.

There is one for all repositories of an installation, unless a ResticRepository names another Secret. Whoever reads the
bucket and has it can read the data of the volumes, so none is ever made up here, and none that is widely known is used
for writing.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model.passwords import KEY, SECRET
from kubectl_ark.model.resources import SECRETS


@dataclasses.dataclass(frozen=True)
class Password:
    """text: as restic takes it, without white space around it. source: "Secret heptio-ark/ark-repo-credentials".

    version: changes whenever the Secret does.
    """

    text: str = dataclasses.field(repr=False)
    source: str
    version: str


def read(api: Api, namespace: str, repository: Mapping[str, Any] | None) -> Password:
    """The password that counts for a repository. Raises StoreUnusable with what to do where there is none, ApiError.

    namespace: Ark's. repository: the ResticRepository, None where there is none.
    """
    reference = ((repository or {}).get("spec") or {}).get("passwordSecret") or {}
    name, key = reference.get("name") or SECRET, reference.get("key") or KEY
    return of_secret(api, namespace, name, key, hint=(
        'run "kubectl ark install --repo-password-file FILE" with its other flags as before; FILE holds the '
        "password, or is written with one" if not reference else
        "create it, or correct spec.passwordSecret of the ResticRepository"))


def of_secret(api: Api, namespace: str, name: str, key: str, *, hint: str) -> Password:
    """The password under a Secret's key. hint: what to do where it is not there. Raises StoreUnusable, ApiError."""
    source = f"Secret {namespace}/{name}"
    try:
        secret = api.get(SECRETS.path(namespace, name))
    except errors.NotFound:
        raise errors.StoreUnusable(f"there is no password for restic repositories: {source} does not exist",
                                   hint=hint) from None
    try:
        text = base64.b64decode((secret.get("data") or {})[key]).decode().strip()
    except KeyError:
        raise errors.StoreUnusable(f'there is no password for restic repositories: {source} has no key "{key}"',
                                   hint=hint) from None
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise errors.StoreUnusable(
            f'there is no password for restic repositories: key "{key}" of {source} is empty or not text', hint=hint)
    metadata = secret["metadata"]
    return Password(text, source, f"{metadata['uid']}/{metadata['resourceVersion']}/{key}")
