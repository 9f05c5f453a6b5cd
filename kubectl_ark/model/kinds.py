"""Our own custom resources: one table that the CRDs, the plugin and the runner go by."""

from __future__ import annotations

from kubectl_ark.model.labels import GROUP

VERSION = "v1"
API_VERSION = f"{GROUP}/{VERSION}"
RESTIK_GROUP = "backup.appscode.com"
VELERO_GROUPS = ("velero.io",)
DEFAULT_NAMESPACE = "heptio-ark"
DEFAULT_LOCATION = "default"


class Kind:
    """One of our kinds. ``short_names`` are few and unusual on purpose: collisions behave unpredictably.

    words: further ones that the plugin takes for it, such as "locations". A plain class: ``get`` starts with this
    module, and dataclasses and typing would cost it more time than all the rest.
    """

    def __init__(
        self, kind: str, plural: str, singular: str, short_names: tuple[str, ...] = (), words: tuple[str, ...] = (),
        *, group: str = GROUP, version: str = VERSION,
    ) -> None:
        self.kind, self.plural, self.singular = kind, plural, singular
        self.short_names, self.words = short_names, words
        self.group, self.version = group, version

    @property
    def api_version(self) -> str:
        """ "ark.heptio.com/v1"."""
        return f"{self.group}/{self.version}"

    @property
    def in_ark(self) -> bool:
        """Whether its objects lie in Ark's namespace; if not, beside the workloads that they are about."""
        return self.group == GROUP

    @property
    def full_name(self) -> str:
        """How kubectl finds it whatever else is installed: "backups.ark.heptio.com"."""
        return f"{self.plural}.{self.group}"


BACKUP = Kind("Backup", "backups", "backup")
RESTORE = Kind("Restore", "restores", "restore")
SCHEDULE = Kind("Schedule", "schedules", "schedule")
STORAGE_LOCATION = Kind("BackupStorageLocation", "backupstoragelocations", "backupstoragelocation", ("arkbsl",),
                        ("location", "locations", "backup-location", "backup-locations", "bsl"))
SNAPSHOT_LOCATION = Kind("VolumeSnapshotLocation", "volumesnapshotlocations", "volumesnapshotlocation", ("arkvsl",),
                         ("snapshot-location", "snapshot-locations", "vsl"))
DELETE_REQUEST = Kind("DeleteBackupRequest", "deletebackuprequests", "deletebackuprequest")
DOWNLOAD_REQUEST = Kind("DownloadRequest", "downloadrequests", "downloadrequest")
POD_VOLUME_BACKUP = Kind("PodVolumeBackup", "podvolumebackups", "podvolumebackup")
POD_VOLUME_RESTORE = Kind("PodVolumeRestore", "podvolumerestores", "podvolumerestore")
RESTIC_REPOSITORY = Kind("ResticRepository", "resticrepositories", "resticrepository", (),
                         ("repository", "repositories"))

RESTIK = Kind("Restik", "restiks", "restik", group=RESTIK_GROUP, version="v1alpha1")

ALL = (BACKUP, RESTORE, SCHEDULE, STORAGE_LOCATION, SNAPSHOT_LOCATION, DELETE_REQUEST, DOWNLOAD_REQUEST,
       POD_VOLUME_BACKUP, POD_VOLUME_RESTORE, RESTIC_REPOSITORY)
"""Those of Ark's namespace."""

EVERY = (*ALL, RESTIK)


def find(word: str) -> Kind | None:
    """The kind that ``word`` names: plural, singular, Kind in any case, full name or another word; None if none."""
    for kind in EVERY:
        lowered = word.lower().removesuffix(f".{kind.group}")
        if lowered in (kind.plural, kind.singular, *kind.short_names, *kind.words):
            return kind
    return None
