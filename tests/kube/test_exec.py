"""Commands in a real container."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from kubectl_ark import errors
from kubectl_ark.kube import exec
from kubectl_ark.kube.accounts import acting_as
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.connection import connect
from tests.environment import Environment
from tests.harness import eventually, is_clear

pytestmark = pytest.mark.node

NAMESPACE, POD = "ark-t-exec", "two"
SLEEP = ["sh", "-c", "trap exit TERM; sleep 100000 & wait"]


@pytest.fixture(scope="module")
def api(cluster: Environment) -> Iterator[Api]:
    """A namespace with a pod of two containers that do nothing, and one of an image that is nowhere."""
    container = {"image": "localhost/busybox:1", "imagePullPolicy": "Never", "command": SLEEP}
    cluster.run("delete", "namespace", NAMESPACE, "--ignore-not-found")
    cluster.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD, "namespace": NAMESPACE}, "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{**container, "name": "a"}, {**container, "name": "b", "env": [
                {"name": "WHERE", "value": "b"}]}]}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "never", "namespace": NAMESPACE}, "spec": {
            "containers": [{**container, "name": "a", "image": "localhost/nowhere:1"}]}})
    cluster.run("wait", "--for=condition=Ready", f"pod/{POD}", "-n", NAMESPACE, "--timeout=60s")
    yield Api(connect(kubeconfig=cluster.kubeconfig))
    cluster.run("delete", "namespace", NAMESPACE, "--wait=false")


def run(api: Api, *command: str, container: str = "a", timeout: float = 20) -> exec.Outcome:
    """A command in the pod."""
    return exec.run(api, NAMESPACE, POD, container=container, command=command, timeout=timeout)


def test_a_command_runs_in_the_container_that_is_named_and_its_words_come_back(api: Api) -> None:
    assert run(api, "sh", "-c", "echo $WHERE; echo oh >&2", container="b") == exec.Outcome(0, "b\n", "oh\n")
    assert run(api, "echo", "a b", "ü;$(x)").stdout == "a b ü;$(x)\n"


def test_the_exit_code_is_the_commands_own(api: Api) -> None:
    outcome = run(api, "sh", "-c", "echo out; echo first >&2; echo last words >&2; exit 7")
    assert (outcome.exit_code, outcome.said) == (7, "last words")
    assert run(api, "false") == exec.Outcome(1, "", "")


def test_of_much_output_the_end_is_kept(api: Api) -> None:
    outcome = run(api, "sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 3", timeout=60)
    assert outcome.exit_code == 3
    assert outcome.stdout.endswith("line 19999\n") and len(outcome.stdout) == exec.TAIL_BYTES


def test_a_command_that_takes_too_long_is_left_alone(api: Api) -> None:
    begun = time.monotonic()
    with pytest.raises(errors.TimedOut) as told:
        run(api, "sleep", "30", timeout=1.5)
    assert time.monotonic() - begun < 4
    assert is_clear(str(told.value), "sleep", f"{NAMESPACE}/{POD}", "1.5 s", "left running")


def test_waiting_ends_when_the_caller_says_so(api: Api) -> None:
    looks = 0

    def stop_at_the_third() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            raise errors.Interrupted("stop")

    begun = time.monotonic()
    with pytest.raises(errors.Interrupted):
        exec.run(api, NAMESPACE, POD, container="a", command=["sleep", "30"], timeout=30, checkpoint=stop_at_the_third)
    assert time.monotonic() - begun < 4


def test_a_program_that_is_not_there_is_an_error_that_names_it(api: Api) -> None:
    with pytest.raises(errors.ApiError) as told:
        run(api, "no-such-program")
    assert is_clear(str(told.value), "no-such-program", POD)


@pytest.mark.parametrize(("pod", "container", "words"), [
    (POD, "c", ("container", "c")), ("gone", "a", ("gone", "not found")), ("never", "a", ("never",))])
def test_what_cannot_run_a_command_is_told_in_the_servers_words(
        api: Api, pod: str, container: str, words: tuple[str, ...]) -> None:
    with pytest.raises(errors.ApiError) as told:
        exec.run(api, NAMESPACE, pod, container=container, command=["true"], timeout=10)
    assert is_clear(str(told.value), *words)


def test_a_token_makes_it_another_account_which_may_only_what_it_is_given(cluster: Environment, api: Api) -> None:
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": NAMESPACE}
    eventually(lambda: cluster.run("get", "sa", "default", "-n", NAMESPACE, check=False).returncode == 0, "an account")
    account = acting_as(api, NAMESPACE, "default")
    with pytest.raises(errors.Forbidden) as told:
        run(account, "true")
    assert is_clear(str(told.value), f"system:serviceaccount:{NAMESPACE}:default", "pods/exec", NAMESPACE)
    cluster.apply(
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
         "metadata": {"name": "e", "namespace": NAMESPACE},
         "rules": [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]}]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {
            "name": "e", "namespace": NAMESPACE}, "subjects": [subject],
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "e"}})
    assert run(account, "true").exit_code == 0
    with pytest.raises(errors.NotFound) as missing:
        acting_as(api, NAMESPACE, "nobody")
    assert is_clear(missing.value.sentence, f"{NAMESPACE}/nobody", "does not exist")
