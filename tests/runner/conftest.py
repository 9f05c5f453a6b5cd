"""An Ark namespace for each module, and a second cluster with a bucket of its own that tests may break."""

from __future__ import annotations

import dataclasses
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.cluster.binaries import PARTS, Binaries
from tests.cluster.controlplane import ControlPlane
from tests.cluster.layout import cache_directory
from tests.cluster.storage import S3Server
from tests.environment import BUCKET, Environment
from tests.harness import Ark, Store


class Plane(ControlPlane):
    """A control plane with further API server arguments; a later argument wins."""

    further: Sequence[str] = ()

    def _api_server_arguments(self) -> "list[str]":
        return [*super()._api_server_arguments(), *self.further]


@dataclasses.dataclass
class Spare:
    """Another cluster and another S3 server: theirs to stop who need it."""

    plane: ControlPlane
    s3: S3Server

    @property
    def store(self) -> Store:
        """The S3 server as the harness wants it."""
        return Store(self.s3.url, self.s3.credentials.access_key, self.s3.credentials.secret_key, BUCKET)


@pytest.fixture(scope="session")
def binaries(cluster: Environment, tmp_path_factory: pytest.TempPathFactory) -> Binaries:
    """etcd, kube-apiserver and versitygw; built if the tests are pointed at somebody else's cluster."""
    found = Binaries(cache_directory(os.environ))
    for part in PARTS:
        found.build(part, log=tmp_path_factory.mktemp("build") / "build.log")
    return found


@pytest.fixture(scope="session")
def spare(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spare]:
    """One for all tests of the session; who stops a part starts it again."""
    directory = tmp_path_factory.mktemp("spare")
    s3 = S3Server(directory / "s3", data=directory / "buckets", binaries=binaries)
    with ControlPlane(directory / "plane", binaries=binaries) as plane, s3:
        s3.create_bucket(BUCKET)
        yield Spare(plane, s3)


@pytest.fixture(scope="session")
def store(cluster: Environment) -> Store:
    """The shared cluster's S3 server."""
    return Store(cluster.s3_url, cluster.s3_access_key, cluster.s3_secret_key, BUCKET)


@pytest.fixture(scope="module")
def ark(cluster: Environment, store: Store, request: pytest.FixtureRequest,
        tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ark]:
    """An Ark namespace on the shared cluster, named after the module."""
    yield from _made(request, Path(cluster.kubeconfig), store, tmp_path_factory)


@pytest.fixture(scope="module")
def spare_ark(spare: Spare, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ark]:
    """An Ark namespace on the spare cluster, with the spare S3 server."""
    yield from _made(request, spare.plane.kubeconfig, spare.store, tmp_path_factory)


def _made(request: pytest.FixtureRequest, kubeconfig: Path, store: Store,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ark]:
    topic = request.module.__name__.rpartition(".")[2].removeprefix("test_").replace("_", "-")
    ark = Ark(kubeconfig=kubeconfig, namespace=f"ark-t-{topic}", store=store,
              directory=tmp_path_factory.mktemp("runners"))
    ark.set_up()
    yield ark
    ark.tear_down()


@pytest.fixture(scope="module")
def restic_first() -> Iterator[None]:
    """The restic of the tests comes first on PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(os.environ['ARK_TEST_RESTIC']).parent}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture
def name() -> str:
    """A name that nobody has used."""
    return f"t{secrets.token_hex(4)}"
