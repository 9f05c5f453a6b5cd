"""What a Restore's spec must look like.

Rules are Velero's (its restore controller). All mistakes are listed, not just the first. What only the cluster and the
bucket can tell (is the backup there, is it whole) is not checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import exclusions, spec_rules

_LATER = (
    "scheduleName", "namespaceMapping", "orLabelSelectors", "restorePVs", "restoreStatus", "hooks",
    "resourceModifier", "uploaderConfig",
)


def problems(spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in a Restore's spec, as sentences; empty if there is none."""
    found = spec_rules.not_yet(spec, _LATER)
    if not spec.get("backupName") and not spec.get("scheduleName"):
        found.append("spec.backupName: name the backup to restore from")
    policy = spec.get("existingResourcePolicy")
    if policy == "update":
        found.append("spec.existingResourcePolicy: this version does not support update yet; use none")
    elif policy not in (None, "", "none"):
        found.append(f'spec.existingResourcePolicy: "{policy}" is neither none nor update')
    found += spec_rules.selection(spec) + spec_rules.duration(spec, "itemOperationTimeout")
    for kind in spec.get("includedResources") or []:
        if exclusions.names_never_restored(kind):
            found.append(f"spec.includedResources: {kind} cannot be restored")
    return found
