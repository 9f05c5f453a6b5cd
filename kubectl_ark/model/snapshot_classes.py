"""Which VolumeSnapshotClass a claim's snapshot is taken with (ark-format.md §7, CSI)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from kubectl_ark.model import labels

Object = Mapping[str, Any]

DEFAULT = "snapshot.storage.kubernetes.io/is-default-class"
"""Annotation of a class: "true" makes it the default one of its driver."""


class NoClass(ValueError):
    """There is none to be chosen; the text says why, as half a sentence."""


@dataclasses.dataclass(frozen=True)
class SnapshotClasses:
    """classes: all VolumeSnapshotClasses. chosen: driver → name, as the Backup or its locations want it."""

    classes: Sequence[Object] = ()
    chosen: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def drivers(self) -> frozenset[str]:
        """CSI drivers that have a class, be it not yet clear which."""
        return frozenset(str(each.get("driver")) for each in self.classes)

    def of(self, driver: str, claim: Object) -> str:
        """The name of the class for a claim of this driver.

        First what the claim's annotation says, then the Backup, then a label of the class, the driver's default, and
        the only class that the driver has. Raises NoClass.
        """
        notes = claim["metadata"].get("annotations") or {}
        for key in labels.SNAPSHOT_CLASS:
            if notes.get(key):
                return self._named(notes[key], driver, f"its annotation {key}")
        if driver in self.chosen:
            return self._named(self.chosen[driver], driver, "the backup")
        own = [each for each in self.classes if each.get("driver") == driver]
        if not own:
            raise NoClass(f"its driver {driver} has no snapshot class")
        for chosen in ([each for each in own if _is_labelled(each)], [each for each in own if _is_default(each)], own):
            if len(chosen) == 1:
                return str(chosen[0]["metadata"]["name"])
            if chosen:
                names = ", ".join(sorted(each["metadata"]["name"] for each in chosen))
                raise NoClass(f"its driver {driver} has several snapshot classes ({names}), and nothing says which to "
                              f"use: give one of them the label {labels.SNAPSHOT_CLASS[0]}=true")
        raise AssertionError("own is not empty")

    def _named(self, name: str, driver: str, who: str) -> str:
        found = next((each for each in self.classes if each["metadata"]["name"] == name), None)
        if found is None:
            raise NoClass(f"{who} names snapshot class {name}, which does not exist")
        if found.get("driver") != driver:
            raise NoClass(f"{who} names snapshot class {name}, which is of driver {found.get('driver')}, not {driver}")
        return name


def of_annotations(notes: Mapping[str, str] | None) -> dict[str, str]:
    """Driver → class, as annotations of a Backup want it: ``velero.io/csi-volumesnapshot-class_<driver>: <class>``."""
    found: dict[str, str] = {}
    for key in reversed(labels.SNAPSHOT_CLASS):
        found |= {note.removeprefix(f"{key}_"): value for note, value in (notes or {}).items()
                  if note.startswith(f"{key}_") and value}
    return found


def _is_labelled(snapshot_class: Object) -> bool:
    given = snapshot_class["metadata"].get("labels") or {}
    return any(given.get(key) == "true" for key in labels.SNAPSHOT_CLASS)


def _is_default(snapshot_class: Object) -> bool:
    return bool((snapshot_class["metadata"].get("annotations") or {}).get(DEFAULT) == "true")
