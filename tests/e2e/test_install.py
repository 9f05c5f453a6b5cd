"""``install`` and ``uninstall`` beside an Ark that is in use: repeatable, and clear about a location that is wrong."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.e2e.ark import Answer, Ark

pytestmark = pytest.mark.node

LISTED = ("customresourcedefinitions,clusterroles,clusterrolebindings,validatingadmissionpolicies,"
          "validatingadmissionpolicybindings,namespaces")


def test_it_can_be_repeated(ark: Ark) -> None:
    answer = ark(*ark.install_arguments())
    assert "is Available" in answer.out
    assert all("serverside-applied" in line or "is installed" in line for line in answer.out.splitlines())


def test_kubectl_diff_shows_nothing_to_change_afterwards(ark: Ark) -> None:
    printed = ark(*ark.install_arguments(), "--dry-run=client", "-o", "yaml").out
    diff = subprocess.run(["kubectl", "diff", "--server-side", "--field-manager=kubectl-ark", "-f", "-"], text=True,
                          input=printed, env=ark.variables, capture_output=True, check=False)
    assert (diff.returncode, diff.stdout) == (0, ""), diff.stdout + diff.stderr


def test_what_it_prints_is_the_same_every_time(ark: Ark) -> None:
    first, second = (ark(*ark.install_arguments(), "--dry-run=client", "-o", "yaml").out for _ in range(2))
    assert first == second
    crds = list(yaml.safe_load_all(ark("install", "--crds-only", "--dry-run=client").out))
    assert {each["kind"] for each in crds} == {"CustomResourceDefinition"} and len(crds) == 10


@pytest.fixture(scope="module")
def wrong(ark: Ark, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What install says of two wrong locations, each in an Ark namespace of its own; gone afterwards."""
    key = Path(tmp_path_factory.mktemp("wrong")) / "credentials"
    key.write_text("[default]\naws_access_key_id = nobody\naws_secret_access_key = sesame-open\n")
    places = {"key": {"secret_file": str(key)}, "bucket": {"bucket": "no-such-bucket"}}

    def install(case: str) -> Answer:
        place = ark.in_namespace(f"ark-e2e-wrong-{case}")
        answer = place(*place.install_arguments(**places[case]), code=None)
        place("uninstall", "--yes")
        return answer

    with ThreadPoolExecutor() as pool:
        return dict(zip(places, pool.map(install, places)))


def test_a_missing_bucket_is_named(wrong: dict[str, Answer]) -> None:
    answer = wrong["bucket"]
    last = answer.err.splitlines()[-1]
    assert answer.code == 1 and last.startswith('error: storage location "default": '), answer.all
    assert "/no-such-bucket/" in last and "the bucket does not exist" in last


def test_a_wrong_key_is_told_and_not_shown(wrong: dict[str, Answer]) -> None:
    answer = wrong["key"]
    assert answer.code == 1 and "the store does not know the access key" in answer.err, answer.all
    assert "sesame-open" not in answer.all


def test_uninstall_of_one_ark_leaves_the_other_its_crds(ark: Ark, wrong: dict[str, Answer]) -> None:
    names = ark.cluster.run("get", LISTED, "-o", "name").stdout.split()
    assert [name for name in names if "ark-e2e-wrong" in name] == []
    assert "customresourcedefinition.apiextensions.k8s.io/backups.ark.heptio.com" in names
    assert ark("get", "locations").out


def test_uninstall_asks_and_takes_no_answer_for_a_no(ark: Ark) -> None:
    answer = ark("uninstall", code=2, input="")
    assert "--yes" in answer.err
    assert ark("get", "locations").out


def test_secret_and_key_appear_in_no_object_but_the_secret(ark: Ark) -> None:
    listed = ark.cluster.run("get", "jobs,pods,configmaps,events,backups.ark.heptio.com,restores.ark.heptio.com,"
                             "backupstoragelocations.ark.heptio.com", "-n", ark.namespace, "-o", "yaml").stdout
    assert ark.cluster.s3_secret_key not in listed
