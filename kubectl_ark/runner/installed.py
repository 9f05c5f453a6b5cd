"""What install left in Ark's namespace for the runner to go by."""

from __future__ import annotations

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.model import names
from kubectl_ark.model.resources import CONFIG_MAPS
from kubectl_ark.model.settings import CONFIG_MAP, Settings, from_data


def places(settings: Settings, namespace: str) -> tuple[str, ...]:
    """Where pods that work on volumes can be, beside Ark's own namespace, which is given; () is anywhere."""
    if not settings.reach:
        return ()
    return (*settings.reach, *([names.host_path_namespace(namespace)] if settings.host_path_volumes else ()))


def settings(api: Api, namespace: str) -> Settings:
    """What Jobs are made with. Raises InvalidInput where it is missing or makes no sense, ApiError."""
    try:
        config_map = api.get(CONFIG_MAPS.path(namespace, CONFIG_MAP))
    except errors.NotFound:
        raise errors.InvalidInput(f"kubectl-ark is not installed in namespace {namespace} (no ConfigMap {CONFIG_MAP})",
                                  hint='run "kubectl ark install"') from None
    return from_data(config_map.get("data") or {})
