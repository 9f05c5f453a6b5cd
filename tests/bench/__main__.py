"""Prints a table: what was measured, the ratio to its floor, the bound. ``--quick`` takes a tenth of the objects,
``--volumes`` the data of volumes alone.

Exit code 1 if a bound is exceeded: the figures of a busy machine mean nothing, so run it on an idle one.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench import commands, volumes
from tests.bench.scene import Scene, scene
from tests.environment import Environment

NAMESPACES = 20
PAIRS = 5
JOB_SECONDS = 5
"""What a Job may cost beside restic's own work."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One figure. unit "x" is a ratio to what ``floor`` says; a bound with least=True is from below."""

    what: str
    value: float
    bound: float
    unit: str
    detail: str
    least: bool = False

    @property
    def kept(self) -> bool:
        """True if the bound is kept."""
        return self.value >= self.bound if self.least else self.value <= self.bound

    def cells(self) -> list[str]:
        """For the table."""
        sign = ">=" if self.least else "<="
        return [self.what, f"{self.value:.2f} {self.unit}", f"{sign} {self.bound:g} {self.unit}",
                "ok" if self.kept else "EXCEEDED", self.detail]


def main(arguments: list[str]) -> int:
    """Run everything; 0 if every bound is kept."""
    environment = Environment.from_environ(os.environ)
    if environment is None:
        print("error: no cluster; run make bench", file=sys.stderr)
        return 2
    small, large = (2_000, 10_000) if "--quick" in arguments else (20_000, 100_000)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        if "--volumes" not in arguments:
            rows += objects_rows(environment, directory, small, large)
        user = commands.User(environment, directory)
        if "--volumes" not in arguments:
            rows += command_rows(environment, user)
        rows += volume_rows(environment, user, directory)
    print(_machine())
    for line in _table([row.cells() for row in rows]):
        print(line)
    return 0 if all(row.kept for row in rows) else 1


def objects_rows(environment: Environment, directory: Path, small: int, large: int) -> list[Row]:
    """Backup and restore of many objects."""
    prefix = f"bench/{os.getpid()}"
    with scene(environment, directory / "one", prefix=prefix) as source:
        _say(f"creating {small} objects")
        source.populate(small, NAMESPACES, "bench", directory=directory)
        pairs, first = _backups(source)
        with scene(environment, directory / "two", prefix=prefix) as target:
            rows = [_backup_row(small, pairs), _memory_row(small, first["peak_mib"]),
                    *_restore_rows(target, small, directory)]
        rows += _existing_rows(source, small)
        _say(f"creating {large - small} more objects")
        source.populate(large - small, NAMESPACES, "more", directory=directory)
        _say(f"backing up {large} objects")
        big = source.run("backup", "large", {"includedNamespaces": ["bench-*", "more-*"]})
    rows.append(Row(f"backup of {large} objects, peak memory to that of {small}", big["peak_mib"] / first["peak_mib"],
                    1.1, "x", f"{big['peak_mib']} / {first['peak_mib']} MiB; {big['items']} items, {big['seconds']} s"))
    return rows


def _backups(source: Scene) -> tuple[list[tuple[float, float]], dict[str, float]]:
    """(backup, bare listing) in seconds, one after the other, after a round to warm up; the largest peak."""
    pairs, peak = [], {"peak_mib": 0.0}
    for index in range(PAIRS + 1):
        _say(f"backup against bare listing, round {index} of {PAIRS}")
        bare, ours = source.bare_list(), source.run("backup", f"b{index}", {"includedNamespaces": ["bench-*"]})
        peak["peak_mib"] = max(peak["peak_mib"], ours["peak_mib"])
        pairs.append((ours["seconds"], bare["seconds"]))
    return pairs[1:], peak


def _backup_row(count: int, pairs: list[tuple[float, float]]) -> Row:
    ratios = [ours / bare for ours, bare in pairs]
    middle = statistics.median(ratios)
    return Row(f"backup of {count} objects to a bare paged listing", middle, 2.0, "x",
               f"{_spread(ratios)}; {statistics.median(ours for ours, _ in pairs):.2f} s "
               f"to {statistics.median(bare for _, bare in pairs):.2f} s")


def _memory_row(count: int, peak: float, what: str = "backup") -> Row:
    return Row(f"{what} of {count} objects, peak memory", peak, 192, "MiB", "")


def _restore_rows(target: Scene, count: int, directory: Path) -> list[Row]:
    """Creating the same objects bare before and after the restore, all on one API server."""
    _say(f"creating {count} objects bare")
    before = target.populate(count, NAMESPACES, "before", directory=directory)
    _say(f"restoring {count} objects")
    ours = target.run("restore", "r", {"backupName": "b1"})
    _say(f"creating {count} objects bare")
    after = target.populate(count, NAMESPACES, "after", directory=directory)
    bare = (before["objects"] + after["objects"]) / (before["seconds"] + after["seconds"])
    rate = ours["items"] / ours["seconds"]
    return [Row(f"restore of {count} objects, rate to bare creating by 32 threads", rate / bare, 0.8, "x",
                f"{rate:.0f}/s to {bare:.0f}/s", least=True), _memory_row(count, ours["peak_mib"], "restore")]


def _existing_rows(source: Scene, count: int) -> list[Row]:
    """Restoring into the cluster that was backed up, where all is there and nothing has changed."""
    ratios, ours_seconds, bare_seconds, peak = [], [], [], 0.0
    for index in range(PAIRS + 1):
        _say(f"restore of what exists against bare listing and reading, round {index} of {PAIRS}")
        bare = source.bare_list()["seconds"] + source.bare_read("b1")["seconds"]
        ours = source.run("restore", f"exists{index}", {"backupName": "b1"})
        peak = max(peak, ours["peak_mib"])
        if index:
            ratios.append(ours["seconds"] / bare)
            ours_seconds.append(ours["seconds"])
            bare_seconds.append(bare)
    detail = f"{_spread(ratios)}; {statistics.median(ours_seconds):.2f} s to {statistics.median(bare_seconds):.2f} s"
    return [Row(f"restore of {count} objects that all exist, to bare listing and reading of the tar",
                statistics.median(ratios), 1.5, "x", detail),
            _memory_row(count, peak, "restore of what exists,")]


def command_rows(environment: Environment, user: commands.User) -> list[Row]:
    """What a user waits for at the prompt."""
    _say("commands")
    seconds, detail = user.help_cpu()
    rows = [Row("kubectl ark --help, processor time", seconds, 0.15, "s", detail)]
    ratios = user.get_ratios()
    rows.append(Row("kubectl ark get backups to kubectl get", statistics.median(ratios), 2.0, "x", _spread(ratios)))
    if environment.has_node:
        extra, detail = user.tiny_extra()
        rows.append(Row("kubectl ark backup tiny --wait, more than a bare Job", extra, 1.5, "s", detail))
    else:
        print(f"not run: the tiny backup ({environment.no_node_reason})", file=sys.stderr)
    return rows


def volume_rows(environment: Environment, user: commands.User, directory: Path) -> list[Row]:
    """The data of volumes; what a Job costs beside restic's own work is allowed five seconds."""
    if not environment.has_node or not environment.restic:
        print(f"not run: volumes ({environment.no_node_reason or 'no restic of version 0.18 or newer'})",
              file=sys.stderr)
        return []
    with volumes.Volumes(environment, user, directory) as scene:
        _say(f"a volume of {volumes.ONE} MiB through a Job against bare restic")
        one = scene.one()
        _say(f"{volumes.MANY} volumes of {volumes.EACH} MiB at once against bare restic")
        many = scene.many()
    ratios = [(ours - JOB_SECONDS) / bare for ours, bare in one]
    rates = [bare / ours for ours, bare in many]
    return [Row(f"backup of a volume of {volumes.ONE} MiB through a Job, less {JOB_SECONDS} s, to bare restic",
                statistics.median(ratios), 1.15, "x", f"{_spread(ratios)}; {_seconds(one)}"),
            Row(f"{volumes.MANY} volumes of one node at once, rate to bare restic's", statistics.median(rates), 1.0,
                "x", f"{_spread(rates)}; {_seconds(many)}", least=True)]


def _seconds(pairs: list[tuple[float, float]]) -> str:
    return (f"{statistics.median(ours for ours, _ in pairs):.1f} s to "
            f"{statistics.median(bare for _, bare in pairs):.1f} s")


def _spread(values: list[float]) -> str:
    return f"{min(values):.2f}-{max(values):.2f} in {len(values)} pairs"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()
    return (f"{os.cpu_count()} processors, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
            f"Python {platform.python_version()}, load {load[0]:.1f}")


def _table(rows: list[list[str]]) -> list[str]:
    rows = [["FIGURE", "MEASURED", "BOUND", "", "DETAIL"], *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["   ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _say(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
