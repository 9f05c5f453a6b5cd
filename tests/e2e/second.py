"""A second cluster beside the one of the tests, for tests that break a whole one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubectl_ark.model.kinds import DEFAULT_NAMESPACE
from tests.cluster.cluster import Cluster
from tests.cluster.layout import Layout
from tests.e2e.ark import Ark
from tests.e2e.proxy import Proxy
from tests.environment import Environment
from tests.plugin import installed_plugin

PREFIX = "cluster-1"


@dataclasses.dataclass
class Second:
    """A cluster with a node and an S3 server of its own. ark: the plugin on it; nothing is installed there yet."""

    cluster: Environment
    ark: Ark
    _made: Cluster

    def lose(self) -> None:
        """All but the bucket is lost, and a new, empty cluster stands where it was, with the same addresses."""
        self.ark.api.close()
        self._made.lose()
        self.ark.api = Proxy(self.cluster)


@contextmanager
def second_cluster(first: Environment, directory: Path) -> Iterator[Second]:
    """Up, and down again; it takes about 10 s. first: the cluster of the tests. directory: for the plugin.

    Whoever uses it is in the group "second" of xdist: two cores do not carry three clusters.
    """
    if not first.state.is_absolute():
        pytest.skip("the cluster is none that tests.cluster has made, so it makes no second one")
    made = Cluster(Layout(name=f"{first.state.name[:11]}-two", cache=first.state.parents[1], number=None))
    # One that a killed test has left is not as new.
    made.down()
    try:
        environment = Environment.from_environ(made.up())
        assert environment is not None
        secret_file = directory / "credentials"
        secret_file.write_text(environment.credentials_file)
        ark = Ark(environment, installed_plugin(environment, directory / "krew"), Proxy(environment),
                  namespace=DEFAULT_NAMESPACE, prefix=PREFIX, secret_file=secret_file)
        try:
            yield Second(environment, ark, made)
        finally:
            ark.api.close()
    finally:
        made.down()
