"""``watch``: Restiks, the workloads that name them, and new objects of kubectl-ark, each seen to as soon as it changes.

It does what a pass does, with the user's own rights. What only a pass can do, it starts a pass for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from kubectl_ark import errors
from kubectl_ark.launch import passes, paths, restiks, runs
from kubectl_ark.launch.feeds import ALL, Collection, Feeds
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import due, kinds, phases, restik_workloads, times
from kubectl_ark.render import jobs

CHANGES = {"MODIFIED": "UPDATED", ALL: "FOUND"}
"""Words for changes, where they are not the API's own."""

STARTED = {kind.kind: kind for kind in (kinds.BACKUP, kinds.RESTORE)}
"""Kinds whose Job is made here."""

TOPICS = {kinds.SCHEDULE.kind: "schedules", kinds.DELETE_REQUEST.kind: "deletions",
          kinds.DOWNLOAD_REQUEST.kind: "downloads"}
"""Kinds that a pass over a topic sees to: that is ark-reconcile's to do."""

Object = dict[str, Any]
Key = tuple[str, str, str]
"""Kind, namespace, name."""

Say = Callable[[str], None]


def watch(kubectl: Kubectl, ark: str, *, say: Say, complain: Say) -> None:
    """Until Ctrl-C, which raises KeyboardInterrupt. ark: Ark's namespace. say: is given a line for each change.

    complain: is given what could not be done; a pass tries it again. Raises KubectlFailed where nothing can be watched.
    """
    settings = runs.read_settings(kubectl, ark)
    if restiks.make_kind(kubectl):
        say(f"the kind {kinds.RESTIK.full_name} is made")
    followed = [Collection(kind, path) for kind, path in restiks.collections(settings.reach)]
    followed += [Collection(kind, f"/apis/{kinds.API_VERSION}/namespaces/{quote(ark)}/{plural}")
                 for kind, plural in ((each.kind, each.plural) for each in kinds.ALL)
                 if kind in STARTED or kind in TOPICS]
    with Feeds(kubectl, followed) as feeds:
        _Watching(kubectl, ark, followed, say, complain).run(feeds)


class _Watching:
    def __init__(self, kubectl: Kubectl, ark: str, followed: list[Collection], say: Say, complain: Say) -> None:
        self._kubectl, self._ark, self._say, self._complain = kubectl, ark, say, complain
        self._unseen = set(followed)
        self._there: dict[Collection, dict[Key, Object]] = {each: {} for each in followed}
        self._kept: dict[str, tuple[Any, ...]] = {}
        """Uid of a Restik → what its CronJob was last brought in step with."""
        self._started: set[str] = set()
        self._later: dict[Key, tuple[float, Collection]] = {}
        """New objects of the plugin's, which has some seconds to start them itself."""

    def run(self, feeds: Feeds) -> None:
        while True:
            news = feeds.next(0.5)
            if news is not None:
                self._take(*news)
            for key, (moment, collection) in list(self._later.items()):
                if time.monotonic() > moment:
                    del self._later[key]
                    if (found := self._there[collection].get(key)) is not None:
                        self._see_to("FOUND", key, found, collection)

    def _take(self, collection: Collection, change: str, objects: list[Object]) -> None:
        found = {_key(collection, each): {"kind": collection.kind, **each} for each in objects}
        there = self._there[collection]
        before = dict(there)
        if change == ALL:
            self._there[collection] = found
        elif change == "DELETED":
            for key in found:
                there.pop(key, None)
        else:
            there.update(found)
        first, self._unseen = bool(self._unseen), self._unseen - {collection}
        if self._unseen:
            return  # a Restik whose workloads are not known yet must not seem to have none
        if first:
            self._say(f"watching {len(self._restiks())} restiks and {len(self._workloads())} workloads that name one")
            self._sweep()
            found, change = {key: each for those in self._there.values() for key, each in those.items()}, ALL
        elif change == ALL:
            found = {**{key: each for key, each in before.items() if key not in found}, **found}
        for key, each in found.items():
            self._guarded(change, key, each, before.get(key), collection if not first else self._holder(key))

    def _guarded(self, change: str, key: Key, item: Object, before: Object | None, collection: Collection) -> None:
        try:
            if key[0] in STARTED or key[0] in TOPICS:
                self._see_to(change, key, item, collection)
                return
            names = {key[2]} if key[0] == kinds.RESTIK.kind else {
                restik_workloads.config_of(each) for each in (item, before) if each is not None}
            for name in sorted(filter(None, names)):
                self._keep(change, key, name)
        except errors.KubectlFailed as failure:
            self._complain(f"{_title(key)}: {failure.sentence}")

    def _keep(self, change: str, key: Key, name: str) -> None:
        """Bring the CronJob of the Restik of that name in step with it and its workloads."""
        namespace = key[1]
        restik = self._restiks().get((kinds.RESTIK.kind, namespace, name))
        if restik is None:
            if key[0] == kinds.RESTIK.kind:
                self._gone(change, key)
            return
        covered = restik_workloads.covered(self._workloads(), namespace, name)
        metadata = restik["metadata"]
        state = (metadata.get("generation"), [restik_workloads.title(each) for each in covered])
        if self._kept.get(metadata["uid"]) == state:
            return
        said = restiks.keep(self._kubectl, self._ark, restik, covered, runs.read_settings(self._kubectl, self._ark))
        self._kept[metadata["uid"]] = state
        about = "" if key[0] == kinds.RESTIK.kind else f"restik {namespace}/{name}: "
        self._say(f"{CHANGES.get(change, change)} {_title(key)}: {about}{said}")

    def _gone(self, change: str, key: Key) -> None:
        known = {restiks.cron_job_name(each) for each in self._restiks().values()}
        for name, cron_job in restiks.present(self._kubectl, self._ark).items():
            if name not in known and _subject(cron_job) == key[1:]:
                said = restiks.remove(self._kubectl, cron_job, "it was deleted")
                self._say(f"{CHANGES.get(change, change)} {_title(key)}: {said}")
                return
        if change == "DELETED":
            self._say(f"DELETED {_title(key)}: it had no CronJob")

    def _sweep(self) -> None:
        """CronJobs whose Restik went while nobody watched."""
        known = {restiks.cron_job_name(each) for each in self._restiks().values()}
        for name, cron_job in restiks.present(self._kubectl, self._ark).items():
            namespace, restik = _subject(cron_job)
            if name not in known and restik:
                said = restiks.remove(self._kubectl, cron_job, "it was deleted")
                self._say(f"FOUND restik {namespace}/{restik} gone: {said}")

    def _see_to(self, change: str, key: Key, item: Object, collection: Collection) -> None:
        """An object of kubectl-ark's own: one that is new gets its Job, or a pass."""
        metadata = item["metadata"]
        mark = f"{metadata['uid']}/{metadata.get('generation')}"
        if change == "DELETED" or mark in self._started:
            return
        if key[0] in STARTED and not due.is_unstarted(item) or phases.phase_of(item) != phases.Phase.NEW:
            return
        if due.left_to_plugin(item, times.now()):
            self._later[key] = (time.monotonic() + due.PLUGIN_SECONDS + 1, collection)
            return
        self._started.add(mark)
        if key[0] in STARTED:
            job = jobs.run_job(STARTED[key[0]], item, runs.read_settings(self._kubectl, self._ark))
            try:
                self._kubectl.create(paths.jobs(self._ark), job)
            except KubectlError as error:
                if error.status_reason == "AlreadyExists":
                    return
                raise
        else:
            job = passes.start(self._kubectl, self._ark, only=[TOPICS[key[0]]])
        self._say(f"{CHANGES.get(change, change)} {_title(key)}: Job {job['metadata']['name']} started")

    def _holder(self, key: Key) -> Collection:
        return next(each for each, those in self._there.items() if key in those)

    def _restiks(self) -> dict[Key, Object]:
        return {key: each for collection, those in self._there.items() if collection.kind == kinds.RESTIK.kind
                for key, each in those.items()}

    def _workloads(self) -> list[Object]:
        kept = {each.kind for each in restik_workloads.WORKLOADS}
        return [each for collection, those in self._there.items() if collection.kind in kept for each in those.values()]


def _key(collection: Collection, item: Object) -> Key:
    return collection.kind, item["metadata"]["namespace"], item["metadata"]["name"]


def _title(key: Key) -> str:
    """ "restik shop/nightly"."""
    return f"{key[0].lower()} {key[1]}/{key[2]}"


def _subject(cron_job: Object) -> tuple[str, str]:
    from kubectl_ark.model import restik_cron_jobs

    return restik_cron_jobs.subject(cron_job)
