"""``install`` and ``uninstall`` beside an Ark that is in use: repeatable, and clear about a location that is wrong."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.e2e.ark import Answer, Ark
from tests.e2e.bucket import Bucket
from tests.e2e.stateful import Stateful

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
    assert {each["kind"] for each in crds} == {"CustomResourceDefinition"} and len(crds) == 11


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


@pytest.fixture
def other(ark: Ark, name: str) -> Iterator[Ark]:
    """Another Ark, in a namespace and a prefix of its own; not installed yet, gone afterwards."""
    other = ark.in_namespace(f"ark-{name}")
    yield other
    other("uninstall", "--yes", "--discard-password", code=None)
    Bucket(other.cluster, other.prefix).remove()


def password_of(ark: Ark) -> str:
    """The password of the volumes' data, as the cluster has it."""
    secret = ark.cluster.get("secret", "ark-repo-credentials", "-n", ark.namespace)
    return base64.b64decode(secret["data"]["repository-password"]).decode()


def without_password(ark: Ark) -> list[str]:
    """The arguments of install, less the file with the password."""
    arguments = ark.install_arguments()
    at = arguments.index("--repo-password-file")
    return arguments[:at] + arguments[at + 2:]


def test_where_nobody_sees_a_password_it_must_be_said_where_it_goes_and_nothing_is_made(other: Ark) -> None:
    answer = other(*without_password(other), code=2, input="")
    assert "--repo-password-file" in answer.err and "lost with the cluster" in answer.err
    assert not other.cluster.run("get", "namespace", other.namespace, "--ignore-not-found").stdout


def test_a_password_is_made_once_written_to_the_file_and_kept(other: Ark, tmp_path: Path) -> None:
    first, second, wrong = (tmp_path / each for each in ("first", "second", "wrong"))
    answer = other(*other.install_arguments(repo_password_file=str(first)))
    text = first.read_text().strip()
    assert len(text) >= 32 and text == password_of(other) and text not in answer.all
    assert f"written to {first}" in answer.err and first.stat().st_mode & 0o777 == 0o600
    other(*without_password(other), input="")
    other(*other.install_arguments(repo_password_file=str(second)))
    assert second.read_text().strip() == text == password_of(other)
    wrong.write_text("another\n")
    answer = other(*other.install_arguments(repo_password_file=str(wrong)), code=1)
    assert "holds another password" in answer.err and password_of(other) == text
    other("uninstall", "--yes")


def test_uninstall_goes_only_when_the_password_is_known_outside_the_cluster(other: Ark, tmp_path: Path) -> None:
    other(*other.install_arguments())
    other.cluster.run("annotate", "secret", "ark-repo-credentials", "-n", other.namespace, "ark.heptio.com/exported-")
    answer = other("uninstall", "--yes", code=1)
    assert "--repo-password-file" in answer.err and "--discard-password" in answer.err
    assert password_of(other)
    other("uninstall", "--yes", "--repo-password-file", str(tmp_path / "kept"))
    assert (tmp_path / "kept").read_text() == "the password of the tests' repositories\n"


def test_on_a_bucket_with_volumes_data_the_password_is_asked_for_and_checked(
        other: Ark, name: str, tmp_path: Path) -> None:
    right, wrong, new = (tmp_path / each for each in ("right", "wrong", "new"))
    other(*other.install_arguments(repo_password_file=str(right)))
    shop = Stateful(other.cluster, f"v-{name}", Path("/var/tmp") / f"ark-install-{name}")
    other.cluster.run("create", "namespace", shop.namespace)
    try:
        (shop.claim("alone") / "file").write_text("x")
        other("backup", "b", "--include-namespaces", shop.namespace, "--include-unmounted-claims", "--wait")
    finally:
        shop.lose()
    other("uninstall", "--yes")
    wrong.write_text("wrong\n")
    answer = other(*other.install_arguments(repo_password_file=str(wrong)), code=1)
    assert "the password does not open the volumes' data" in answer.err and f"restic/{shop.namespace}" in answer.err
    assert not other.cluster.run("get", "secret", "ark-repo-credentials", "-n", other.namespace,
                                 "--ignore-not-found").stdout
    answer = other(*other.install_arguments(repo_password_file=str(new)), code=1)
    assert "the bucket holds the data of volumes already" in answer.err and not new.exists()
    other(*other.install_arguments(repo_password_file=str(right)))
    assert password_of(other) == right.read_text().strip()
