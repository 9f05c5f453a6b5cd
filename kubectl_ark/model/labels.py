"""Labels, annotations and label values.

``ark.heptio.com/…`` is ours; ``velero.io/…`` is what Velero reads and writes. The rule for long values is Velero's
(its pkg/label): a value has at most 63 characters.
"""

from __future__ import annotations

GROUP = "ark.heptio.com"
VELERO_GROUP = "velero.io"

BACKUP_NAME = f"{GROUP}/backup-name"
BACKUP_UID = f"{GROUP}/backup-uid"
RESTORE_NAME = f"{GROUP}/restore-name"
RESTORE_UID = f"{GROUP}/restore-uid"
SCHEDULE_NAME = f"{GROUP}/schedule-name"
STORAGE_LOCATION = f"{GROUP}/storage-location"
RUN_KIND = f"{GROUP}/run-kind"
RUN_UID = f"{GROUP}/run-uid"
VOLUME_NAMESPACE = f"{GROUP}/volume-namespace"
PVC_UID = f"{GROUP}/pvc-uid"
"""Label of a PodVolumeBackup: the uid of the claim."""

PVC_NAME = f"{GROUP}/pvc-name"
"""Annotation of a PodVolumeBackup: the name of the claim; Velero's has the same under its own group."""

SNAPSHOT_CLASS = (f"{GROUP}/csi-volumesnapshot-class", f"{VELERO_GROUP}/csi-volumesnapshot-class")
"""Annotations of a claim: the VolumeSnapshotClass to use for it. With "_<driver>" at their ends those of a Backup, for
all claims of that driver. Labels of a VolumeSnapshotClass: "true" makes it the one of its driver."""

LOCK_HOST = f"{GROUP}/lock-host"
"""Label of a volume's pod: its host name, by which restic's locks name their holders."""

RESTIK = f"{GROUP}/restik"
"""Annotation of a CronJob: "<namespace>/<name>" of the Restik whose snapshots it takes."""

INSTALLATION = f"{GROUP}/installation"
"""On roles, bindings and VolumeSnapshots: Ark's namespace, wherever they lie themselves."""

SYNCED = f"{GROUP}/synced"
REQUESTER = f"{GROUP}/requester"
"""Annotation of what the plugin makes: the user as the API server knew him; missing where it did not say."""

PLUGIN_VERSION = f"{GROUP}/plugin-version"
"""Annotation of the same: the version of the plugin."""

JOB = f"{GROUP}/job"
"""Annotation of a Backup that a schedule's pod has made: "<name>/<uid>" of that pod's Job, which runs it too."""

STORED_UID = f"{GROUP}/stored-uid"
"""Annotation of a synced Backup: the uid that it has in the bucket."""

ACCESS_MODE_REASON = f"{GROUP}/access-mode-reason"
"""Annotation of a location that was found to be better only read: why."""

ACCESS_MODE_CHOSEN = f"{GROUP}/access-mode-chosen"
"""Annotation of a location whose access mode nobody has given: what was chosen, and for where: "<mode> <url>"."""

ANY_CLUSTER = f"{GROUP}/any-cluster"
"""Annotation of a DeleteBackupRequest: "true" lets it delete what another cluster made."""

EXPIRE_LAST = f"{GROUP}/expire-last"
"""Annotation of a Backup: "true" lets it expire although it is the last good one of its schedule."""

DELETE_REQUESTED = f"{GROUP}/delete-requested"
"""Annotation of a Restore that is to go with what it left in the bucket: "<when> <who>"."""

HOOKS_DONE = f"{GROUP}/restore-hooks-done"
"""Annotation of a restored pod: which of its restore hooks have ended, see ``restore_hooks.ended_note``."""

REQUESTED_BY = f"{GROUP}/requested-by"
"""Annotation: who wanted this, as the API server knew him, or why kubectl-ark did."""

EXPORTED = f"{GROUP}/exported"
"""Annotation of the Secret with the repositories' password: when the user was known to have it."""

CANCEL = f"{GROUP}/cancel-requested"
CLUSTER_ID = f"{GROUP}/cluster-id"
MANIFEST_SHA256 = f"{GROUP}/manifest-sha256"

EXCLUDE_FROM_BACKUP = ("velero.io/exclude-from-backup", f"{GROUP}/exclude-from-backup")
"""Either of these labels with the value "true" keeps an object out of every backup."""

VELERO_STORAGE_LOCATION = f"{VELERO_GROUP}/storage-location"
VELERO_SCHEDULE_NAME = f"{VELERO_GROUP}/schedule-name"
ARK_SCHEDULE_NAME = "ark-schedule"
"""What Heptio Ark before 0.11 put onto a schedule's backups."""

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "kubectl-ark"

MAX_LABEL_VALUE = 63


def label_value(name: str) -> str:
    """The label value that stands for ``name``: itself, or 57 characters and 6 of its sha256 where it is too long."""
    if len(name) <= MAX_LABEL_VALUE:
        return name
    import hashlib  # what only a long name needs would slow every start of the plugin
    return name[:57] + hashlib.sha256(name.encode()).hexdigest()[:6]


def run_labels(*, component: str, name: str, uid: str, version: str) -> dict[str, str]:
    """Labels of the Job and pod of one run.

    component: "backup", "restore", "fetch", "validate", "reconcile", "schedule", "volume", "repository" or "restik".
    """
    return {
        "app.kubernetes.io/name": "ark",
        "app.kubernetes.io/instance": label_value(name),
        "app.kubernetes.io/version": version,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "ark",
        MANAGED_BY: MANAGER,
        RUN_KIND: component,
        RUN_UID: uid,
        EXCLUDE_FROM_BACKUP[0]: "true",
    }


def schedule_of(labels: dict[str, str] | None) -> str | None:
    """The label value of the schedule that a Backup was made by, in whatever spelling; None if by none."""
    found = labels or {}
    for key in (SCHEDULE_NAME, VELERO_SCHEDULE_NAME, ARK_SCHEDULE_NAME):
        if found.get(key):
            return found[key]
    return None


def of_delete_request(backup: str, uid: str) -> dict[str, str]:
    """Labels of a DeleteBackupRequest; by the uid it is bound to one backup and none that comes to its name later."""
    return {BACKUP_NAME: label_value(backup), BACKUP_UID: uid, MANAGED_BY: MANAGER}


def is_excluded(labels: dict[str, str] | None) -> bool:
    """True if the object's own labels keep it out of backups."""
    if not labels:
        return False
    first, second = EXCLUDE_FROM_BACKUP
    return labels.get(first) == "true" or labels.get(second) == "true"
