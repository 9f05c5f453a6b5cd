"""Discovery's kinds and the words that users have for them."""

import pytest

from kubectl_ark.model import kinds, labels, phases
from kubectl_ark.model.phases import Phase
from kubectl_ark.model.resources import Catalog, Resource

PODS = Resource("", "v1", "pods", "Pod", True, singular="pod", short_names=("po",))
APPS = Resource("apps", "v1", "deployments", "Deployment", True, singular="deployment", short_names=("deploy",))
OLD = Resource("apps", "v1beta1", "deployments", "Deployment", True)
FOREIGN = Resource("example.com", "v1", "deployments", "Deployment", True)
CATALOG = Catalog([PODS, APPS, OLD, FOREIGN])


@pytest.mark.parametrize(("word", "expected"), [
    ("po", "pods"), ("Pod", "pods"), ("deploy", "deployments.apps"), ("deployment.apps", "deployments.apps"),
    ("deployments.example.com", "deployments.example.com"), ("nothing", "nothing"), ("*.apps", "*.apps"),
])
def test_a_users_word_finds_its_kind(word: str, expected: str) -> None:
    assert CATALOG.resolve(word) == expected


def test_each_kind_is_preferred_once() -> None:
    assert list(CATALOG.preferred()) == [PODS, APPS, FOREIGN]
    assert CATALOG.get_version("deployments.apps", "v1beta1") is OLD


def test_paths_quote_what_urls_cannot_hold() -> None:
    roles = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role", True)
    assert PODS.path("shop", "web", "log") == "/api/v1/namespaces/shop/pods/web/log"
    assert roles.path("a", "system:x/y?") == "/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles/system%3Ax%2Fy%3F"


def test_long_label_values_are_cut_as_velero_cuts_them() -> None:
    assert labels.label_value("short") == "short"
    cut = labels.label_value("n" * 100)
    assert len(cut) == 63 and cut.startswith("n" * 57)
    assert cut != labels.label_value("n" * 101)


@pytest.mark.parametrize("word", ["backup", "Backups", "backups.ark.heptio.com", "locations", "bsl"])
def test_our_kinds_answer_to_their_words(word: str) -> None:
    assert kinds.find(word) in (kinds.BACKUP, kinds.STORAGE_LOCATION)
    assert kinds.find("pods") is None


def test_conditions_keep_their_transition_time_until_the_status_flips() -> None:
    first = phases.conditions(Phase.IN_PROGRESS, message="", moment="T1", generation=1)
    second = phases.conditions(Phase.IN_PROGRESS, message="", moment="T2", generation=1, former=first)
    third = phases.conditions(Phase.PARTIALLY_FAILED, message="", moment="T3", generation=1, former=second)
    assert [each["lastTransitionTime"] for each in (*first, *second, *third)] == ["T1"] * 4 + ["T3"] * 2
    assert [each["status"] for each in third] == ["False", "True"]
