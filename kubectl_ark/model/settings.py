"""What Jobs are made with: image, limits, deadline. Chosen at install, kept in the ConfigMap ``ark-settings``."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from kubectl_ark import __version__, errors

CONFIG_MAP = "ark-settings"
DEFAULT_IMAGE = f"kubectl-ark/kubectl-ark:v{__version__}"

LEAST_MEMORY = "64Mi"
"""Python with its libraries takes about 50."""

_BYTES = re.compile(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T|)")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
          "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Quantities are Kubernetes' ("256Mi", "100m"). Each field is a key of the ConfigMap, in camelCase."""

    image: str = DEFAULT_IMAGE
    image_pull_policy: str = "IfNotPresent"
    image_pull_secret: str = ""
    cpu_request: str = "100m"
    cpu_limit: str = "2"
    memory_request: str = "128Mi"
    memory_limit: str = "256Mi"
    volume_memory_limit: str = "1Gi"
    """Of a Job that saves a volume or brings it back: restic's index of the repository is in it."""
    scratch_size: str = "8Gi"
    """Bound of the emptyDir that a restore spools to."""
    active_deadline_seconds: int = 4 * 3600
    ttl_seconds_after_finished: int = 3600
    """How long a finished Job stays, for those who want to look into its pod."""
    volumes_at_once: int = 8
    """So many volumes are saved or brought back at once by one run."""
    volumes_at_once_per_node: int = 4
    """And of those no more on one node."""
    reconcile_schedule: str = "*/5 * * * *"
    """When a CronJob makes a pass over everything, in cron's five fields; "none" for never."""
    delete_request_ttl_seconds: int = 24 * 3600
    """How long a DeleteBackupRequest stays as a record once it is carried out."""
    namespaces: str = ""
    """What backups and restores are limited to, with commas; "" for the whole cluster."""
    repository_check_subset: str = "1%"
    """How much of a restic repository's data each upkeep reads to see whether it is sound; "0" for none."""

    host_path_volumes: bool = False
    """Whether volumes that no second pod can mount are read from the node's own directory of them."""
    kubelet_root: str = "/var/lib/kubelet"
    """Where the nodes' kubelets have the directories of their pods."""

    @property
    def reach(self) -> tuple[str, ...]:
        """The namespaces that backups and restores are limited to; () for the whole cluster."""
        return tuple(filter(None, self.namespaces.split(",")))

    @property
    def go_memory(self) -> str:
        """Bytes of a volume's Job's memory that Go may take for its heap; the rest is Python's, and Go's beside it."""
        return str(int(size_in_bytes(self.volume_memory_limit) * 0.7))

    def with_memory_limit(self, limit: str) -> Settings:
        """These settings with another memory limit; the request never exceeds it. Raises InvalidInput."""
        if size_in_bytes(limit) < size_in_bytes(LEAST_MEMORY):
            raise errors.InvalidInput(f"a memory limit of {limit} is too little to start with",
                                      hint=f"use {LEAST_MEMORY} or more")
        request = min(self.memory_request, limit, key=size_in_bytes)
        return dataclasses.replace(self, memory_limit=limit, memory_request=request)

    def to_data(self) -> dict[str, str]:
        """The ConfigMap's data."""
        return {_camel(field.name): _text(getattr(self, field.name)) for field in dataclasses.fields(self)}


def from_data(data: Mapping[str, str]) -> Settings:
    """The settings that a ConfigMap's data means; missing keys have defaults. Raises InvalidInput."""
    chosen: dict[str, str | int | bool] = {}
    for field in dataclasses.fields(Settings):
        text = data.get(_camel(field.name))
        if text is None:
            continue
        if field.type == "bool":
            if text not in ("true", "false"):
                raise errors.InvalidInput(
                    f'ConfigMap {CONFIG_MAP}: {_camel(field.name)} "{text}" is neither true nor false')
            chosen[field.name] = text == "true"
        elif field.type != "int":
            chosen[field.name] = text
        elif text.isdigit() and int(text) > 0:
            chosen[field.name] = int(text)
        else:
            raise errors.InvalidInput(
                f'ConfigMap {CONFIG_MAP}: {_camel(field.name)} "{text}" is not a whole number above 0')
    return Settings(**chosen)  # type: ignore[arg-type]


def size_in_bytes(quantity: str) -> float:
    """Bytes in a quantity such as "256Mi". Raises InvalidInput."""
    found = _BYTES.fullmatch(quantity)
    if not found or float(found[1]) == 0:
        raise errors.InvalidInput(f'"{quantity}" is not an amount of memory such as 512Mi')
    return float(found[1]) * _UNITS[found[2]]


def doubled(quantity: str) -> str:
    """Twice as much memory, in the same unit, and never too little: "256Mi" is "512Mi". Raises InvalidInput."""
    if size_in_bytes(quantity) * 2 < size_in_bytes(LEAST_MEMORY):
        return LEAST_MEMORY
    number, unit = _BYTES.fullmatch(quantity).groups()  # type: ignore[union-attr]
    return f"{float(number) * 2:.15g}{unit}"


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
