"""ServiceAccounts and their token Secrets."""

from __future__ import annotations

from kubectl_ark.engine.restore.transforms.generic import Object, drop_annotations

TOKEN_TYPE = "kubernetes.io/service-account-token"
ACCOUNT_NAME = "kubernetes.io/service-account.name"
FILLED = ("token", "ca.crt")
ACCOUNT_UID = "kubernetes.io/service-account.uid"


def service_account(item: Object) -> None:
    """Drop the auto-made token Secret from ``secrets`` (Velero, service_account_action.go)."""
    prefix = item["metadata"]["name"] + "-token-"
    if "secrets" in item:
        item["secrets"] = [each for each in item["secrets"] or () if not each.get("name", "").startswith(prefix)]
        if not item["secrets"]:
            del item["secrets"]


def is_auto_made_token(item: Object) -> bool:
    """True for a token Secret that a cluster before 1.24 made for each account (Velero, secret_action.go)."""
    account = (item["metadata"].get("annotations") or {}).get(ACCOUNT_NAME)
    name: str = item["metadata"]["name"]
    return item.get("type") == TOKEN_TYPE and account is not None and name.startswith(account + "-token-")


def secret(item: Object) -> None:
    """A token Secret that a user made is filled again by its controller (Velero, secret_action.go)."""
    if item.get("type") != TOKEN_TYPE:
        return
    drop_annotations(item, frozenset({ACCOUNT_UID}))
    data = {key: value for key, value in (item.pop("data", None) or {}).items() if key not in FILLED}
    if data:
        item["data"] = data
