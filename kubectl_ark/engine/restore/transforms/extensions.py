"""What extends the API: CRDs, admission webhooks; and the settings of backup tools."""

from __future__ import annotations

from kubectl_ark.engine.restore.transforms.generic import Object

PRESERVE = "x-kubernetes-preserve-unknown-fields"


def custom_resource_definition(item: Object) -> None:
    """v1 refuses preserveUnknownFields: true; say the same in each schema (Velero, crd_v1_preserve_unknown_fields)."""
    spec = item["spec"]
    if item["apiVersion"] != "apiextensions.k8s.io/v1" or not spec.get("preserveUnknownFields"):
        return
    spec["preserveUnknownFields"] = False
    for version in spec.get("versions") or ():
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is not None:
            schema[PRESERVE] = True


def webhooks(item: Object) -> None:
    """v1 refuses side effects that v1beta1 allowed (Velero, admissionwebhook_config_action.go)."""
    if item["apiVersion"] != "admissionregistration.k8s.io/v1":
        return
    for each in item.get("webhooks") or ():
        if each.get("sideEffects") not in ("None", "NoneOnDryRun"):
            each["sideEffects"] = "None"


def paused(item: Object) -> None:
    """Schedules and Restiks come back paused: nothing is to be backed up before a person has looked."""
    item.setdefault("spec", {})["paused"] = True
