"""A bucket that Velero 1.18.1 wrote restores like one of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.ark import Ark
from tests.e2e.bucket import Bucket
from tests.e2e.shop import VOLUME, Shop
from tests.environment import Environment

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("shop")]

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "velero-1.18.1"
LABELS = {"ark.heptio.com/restore-name": "from-velero", "ark.heptio.com/backup-name": "shop-velero-2"}


def test_the_shop_comes_back_from_it(ark: Ark, cluster: Environment, bucket: Bucket) -> None:
    shop = Shop(cluster)
    shop.remove()
    bucket.put_tree(FIXTURE)
    try:
        ark("restore", "from-velero", "--from-backup", "shop-velero-2", "--wait")
        shop.await_ready()
        objects = shop.objects()
        for key in (("Deployment.apps", "web"), ("StatefulSet.apps", "db"), ("Cart.shop.example.com", "first"),
                    ("ClusterRoleBinding.rbac.authorization.k8s.io", "shop-reader"), ("Secret", "db-password")):
            labels = objects[key]["metadata"]["labels"]
            assert {name: labels.get(name) for name in LABELS} == LABELS, key
        assert objects["ConfigMap", "web-config"]["data"] == {"greeting": "hello, Grüße, 你好", "multi": "a\nb\n"}
        # In the YAML that kubectl reads, the key n is the word for false.
        assert objects["Cart.shop.example.com", "first"]["spec"] == {"items": [{"sku": "a", "false": 1}]}
        assert objects["PersistentVolume", VOLUME]["status"]["phase"] == "Bound"
        assert ark.status("restore", "from-velero").get("errors", 0) == 0, ark.details("restore", "from-velero")
    finally:
        shop.remove()
