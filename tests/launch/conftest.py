"""An Ark of its own for the tests of this folder: namespace ark-launch, with a bucket prefix of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from kubectl_ark.launch import installing
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model.settings import Settings
from tests.environment import BUCKET, Environment, own

NAMESPACE = own("ark-launch")


@pytest.fixture(scope="session")
def kubectl(cluster: Environment) -> Iterator[Kubectl]:
    """kubectl as launch uses it, on the test cluster."""
    former = os.environ.get("KUBECTL_ARK_KUBECTL")
    os.environ["KUBECTL_ARK_KUBECTL"] = cluster.kubectl
    yield Kubectl([f"--kubeconfig={cluster.kubeconfig}"])
    os.environ.pop("KUBECTL_ARK_KUBECTL")
    if former is not None:
        os.environ["KUBECTL_ARK_KUBECTL"] = former


@pytest.fixture(scope="session")
def plan(cluster: Environment) -> installing.Plan:
    """What is installed."""
    location = {"provider": "aws", "default": True, "accessMode": "ReadWrite",
                "objectStorage": {"bucket": BUCKET, "prefix": NAMESPACE},
                "config": {"region": "us-east-1", "s3Url": cluster.s3_url, "s3ForcePathStyle": "true"},
                "credential": {"name": installing.SECRET, "key": installing.SECRET_KEY}}
    return installing.Plan(NAMESPACE, Settings(image=cluster.image), location, cluster.credentials_file.encode())


@pytest.fixture(scope="session")
def installed(cluster: Environment, kubectl: Kubectl, plan: installing.Plan) -> Iterator[installing.Plan]:
    """The plan, carried out; undone at the end."""
    (cluster.s3_directory / BUCKET).mkdir(exist_ok=True)
    installing.apply(kubectl, plan)
    yield plan
    installing.remove(kubectl, NAMESPACE)
