"""Every key in the bucket, relative to the location's prefix; Velero's layout (its pkg/persistence).

Only ROOTS may stand at the root of the prefix, or every Velero on that bucket calls the location unavailable. What
is ours alone sits inside ``backups/<name>/`` and ``restores/<name>/``, where Velero ignores it and deletes it with the
rest.
"""

from __future__ import annotations

ROOTS = frozenset({"backups", "restores", "restic", "metadata", "plugins", "kopia"})

BACKUPS = "backups/"
RESTORES = "restores/"
RESTIC = "restic/"
RESTIK = "plugins/restik/"


def root(prefix: str | None) -> str:
    """What stands before every key: "" or "some/prefix/"."""
    trimmed = (prefix or "").strip("/")
    return trimmed + "/" if trimmed else ""


def backup_directory(backup: str) -> str:
    """Everything of one backup; deleting it is deleting this prefix."""
    return f"{BACKUPS}{backup}/"


def metadata(backup: str) -> str:
    """The Backup CR in plain JSON; a backup exists if and only if this key does."""
    return f"{BACKUPS}{backup}/velero-backup.json"


def ark_metadata(backup: str) -> str:
    """The same where Ark 0.10 wrote it. Ark 0.9 has it without ``backups/``: see ``Bucket.flattened``."""
    return f"{BACKUPS}{backup}/ark-backup.json"


def contents(backup: str) -> str:
    """The tar of all items."""
    return f"{BACKUPS}{backup}/{backup}.tar.gz"


def backup_log(backup: str) -> str:
    """The run's log, gzipped text."""
    return f"{BACKUPS}{backup}/{backup}-logs.gz"


def backup_results(backup: str) -> str:
    """Warnings and errors by namespace."""
    return f"{BACKUPS}{backup}/{backup}-results.gz"


def resource_list(backup: str) -> str:
    """Names of all items by kind."""
    return f"{BACKUPS}{backup}/{backup}-resource-list.json.gz"


def volume_info(backup: str) -> str:
    """How each volume's data was saved, or that it was not."""
    return f"{BACKUPS}{backup}/{backup}-volumeinfo.json.gz"


def pod_volume_backups(backup: str) -> str:
    """PodVolumeBackup CRs."""
    return f"{BACKUPS}{backup}/{backup}-podvolumebackups.json.gz"


def volume_snapshots(backup: str) -> str:
    """Native snapshots."""
    return f"{BACKUPS}{backup}/{backup}-volumesnapshots.json.gz"


def item_operations(backup: str) -> str:
    """Asynchronous item operations; we have none, Velero's reader likes to see the list."""
    return f"{BACKUPS}{backup}/{backup}-itemoperations.json.gz"


def csi_volume_snapshots(backup: str) -> str:
    """VolumeSnapshots; only Velero 1.4 to 1.17 wrote them."""
    return f"{BACKUPS}{backup}/{backup}-csi-volumesnapshots.json.gz"


def csi_volume_snapshot_contents(backup: str) -> str:
    """VolumeSnapshotContents; only Velero 1.4 to 1.17 wrote them."""
    return f"{BACKUPS}{backup}/{backup}-csi-volumesnapshotcontents.json.gz"


CLAIM = "ark-claim.json"
"""Ours: who is writing or deleting there; put only if absent. In a backup's or restore's directory."""


def claim(backup: str) -> str:
    """The claim to a backup's name."""
    return f"{BACKUPS}{backup}/{CLAIM}"


def manifest(backup: str) -> str:
    """Ours: the sha256 of every key and of every item."""
    return f"{BACKUPS}{backup}/{backup}-manifest.json.gz"


def restore_directory(restore: str) -> str:
    """Everything of one restore."""
    return f"{RESTORES}{restore}/"


def restore_log(restore: str) -> str:
    """The run's log, gzipped text."""
    return f"{RESTORES}{restore}/restore-{restore}-logs.gz"


def restore_results(restore: str) -> str:
    """Warnings and errors by namespace."""
    return f"{RESTORES}{restore}/restore-{restore}-results.gz"


def restore_resource_list(restore: str) -> str:
    """Items with what was done to each."""
    return f"{RESTORES}{restore}/restore-{restore}-resource-list.json.gz"


def restore_item_operations(restore: str) -> str:
    """Asynchronous item operations; only Velero writes them."""
    return f"restores/{restore}/restore-{restore}-itemoperations.json.gz"


def restore_volume_info(restore: str) -> str:
    """Restored volumes; NB without "restore-" before the name, as Velero has it."""
    return f"{RESTORES}{restore}/{restore}-volumeinfo.json.gz"


def repository(namespace: str) -> str:
    """The restic repository that holds the data of a namespace's volumes."""
    return f"{RESTIC}{namespace}/"


def volume_namespace(repository: str) -> str:
    """The namespace whose volumes a repository holds: "shop" of "restic/shop/"."""
    return repository.removeprefix(RESTIC).rstrip("/")


def restik_repository(namespace: str, name: str) -> str:
    """Ours: the restic repository of one Restik, with a password of its own."""
    return f"{RESTIK}{namespace}/{name}/"


def holder(repository: str) -> str:
    """Whose repository it is, for messages: "namespace shop" or "restik shop/db". repository: its directory."""
    if repository.startswith(RESTIK):
        return f"restik {repository.removeprefix(RESTIK).rstrip('/')}"
    return f"namespace {volume_namespace(repository)}"


def initialisations(repository: str) -> str:
    """Ours: claims of those who make a repository; there is one only while that lasts. repository: its directory."""
    return f"plugins/ark/{repository}"


def initialisation(repository: str, number: int) -> str:
    """One of these claims. Of several the one with the highest number counts."""
    return f"{initialisations(repository)}{number:06}.json"
