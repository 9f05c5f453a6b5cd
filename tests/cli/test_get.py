"""``get`` is kubectl's own; only kind and namespace are ours to translate."""

import pytest

from kubectl_ark.cli import get
from tests.cli.commandline import ark

BACKUPS = "backups.ark.heptio.com"


@pytest.mark.parametrize(("line", "expected"), [
    ("get backups", f"kubectl get -n heptio-ark {BACKUPS}"),
    ("get backup b", f"kubectl get -n heptio-ark {BACKUPS} b"),
    ("get Backup", f"kubectl get -n heptio-ark {BACKUPS}"),
    ("get locations", "kubectl get -n heptio-ark backupstoragelocations.ark.heptio.com"),
    ("get backups,restores", f"kubectl get -n heptio-ark {BACKUPS},restores.ark.heptio.com"),
    ("get backup/a backup/b", f"kubectl get -n heptio-ark {BACKUPS}/a {BACKUPS}/b"),
    ("get -o json backups b", f"kubectl get -n heptio-ark -o json {BACKUPS} b"),
    ("get backups -ojson -w", f"kubectl get -n heptio-ark {BACKUPS} -ojson -w"),
    ("--context c get backups", f"kubectl get -n heptio-ark --context c {BACKUPS}"),
    ("-n x get backups", f"kubectl get -n x {BACKUPS}"),
    ("get backups --namespace=x", f"kubectl get {BACKUPS} --namespace=x"),
    ("get backups -A", f"kubectl get {BACKUPS} -A"),
    ("--as get get backups", f"kubectl get -n heptio-ark --as get {BACKUPS}"),
    ("get restiks", "kubectl get restiks.backup.appscode.com"),
    ("get restik/a -n shop", "kubectl get restiks.backup.appscode.com/a -n shop"),
    ("get backups -l get=backups --sort-by .metadata.name", f"kubectl get -n heptio-ark {BACKUPS} -l get=backups "
     "--sort-by .metadata.name"),
])
def test_every_flag_of_kubectl_get_is_passed_through_in_its_place(line: str, expected: str) -> None:
    assert get.is_meant(line.split())
    assert get.translated(line.split(), {}) == expected.split()


def test_the_namespace_comes_from_the_environment_where_no_flag_names_one() -> None:
    command = get.translated(["get", "backups"], {"KUBECTL_ARK_NAMESPACE": "x", "KUBECTL_ARK_KUBECTL": "/k"})
    assert command == ["/k", "get", "-n", "x", BACKUPS]


@pytest.mark.parametrize("line", ["get snapshots", "-n shop get snapshots --restik r",
                                  "backup get", "backup --wait get", "-n get backup", "describe get", "", "--help"])
def test_other_commands_are_not_taken_for_it(line: str) -> None:
    assert not get.is_meant(line.split())


@pytest.mark.parametrize("line", ["get", "get pods", "get backups,pods", "get backup/a b", "get pods/x", "get -n x"])
def test_without_a_kind_of_ours_it_is_a_usage_error_that_names_them(line: str) -> None:
    done = ark(*line.split())
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert "backups" in done.stderr or "TYPE/NAME" in done.stderr


def test_restiks_lie_elsewhere_than_all_other_kinds() -> None:
    done = ark("get", "restiks,backups")
    assert done.returncode == 2 and "restiks lie beside their workloads" in done.stderr


def test_snapshots_have_a_help_of_their_own() -> None:
    done = ark("get", "snapshots", "--help")
    assert done.returncode == 0 and "Usage: kubectl ark get" in done.stdout and "--restik" in done.stdout


def test_kubectl_takes_the_process_over_with_its_exit_code_and_words() -> None:
    done = ark("get", "backups", "--server", "http://127.0.0.1:1")
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr and "Traceback" not in done.stderr
