"""What a request for the endpoint of restic means, and to whom."""

from __future__ import annotations

import base64

import pytest

from kubectl_ark.engine.volumes import tenants
from kubectl_ark.engine.volumes.tenants import Rights, Target, Tenant

SHOP = "restic/shop/"
NAME = "ab" + "0" * 62


@pytest.mark.parametrize("path, meant", [
    ("/restic/shop/", Target("", "")), ("/restic/shop/config", Target("config", "")),
    ("/restic/shop/data/", Target("data", "")), (f"/restic/shop/data/{NAME}", Target("data", NAME)),
    (f"/restic/shop/locks/{NAME}", Target("locks", NAME)),
    ("/restic/shop", None), ("/restic/other/config", None), ("/restic/shopping/config", None), ("/", None),
    ("/restic/shop/../other/config", None), ("/restic/shop/data/../config", None), ("/restic/shop/data", None),
    (f"/restic/shop/data/{NAME}/", None), (f"/restic/shop/data/{NAME.upper()}", None), ("/restic/shop/data/abc", None),
    (f"/restic/shop/secrets/{NAME}", None), ("//restic/shop/config", None), ("/restic/shop/%2e%2e/config", None),
    (f"/restic/shop/data/{NAME}%00", None), ("/backups/", None),
])
def test_a_path_means_something_in_ones_own_repository_or_nothing(path: str, meant: Target | None) -> None:
    assert tenants.target(path, SHOP) == meant


def test_data_lie_where_restic_itself_would_put_them() -> None:
    assert Target("data", NAME).key(SHOP) == f"restic/shop/data/ab/{NAME}"
    assert Target("locks", NAME).key(SHOP) == f"restic/shop/locks/{NAME}"
    assert Target("config", "").key(SHOP) == "restic/shop/config"


def test_who_may_append_makes_no_keys_and_no_repository() -> None:
    may = {rights: [type for type in (*tenants.TYPES, "config") if Tenant("n", "t", SHOP, rights).may_add(type)]
           for rights in Rights}
    assert may == {Rights.READ: [], Rights.APPEND: ["data", "locks", "snapshots", "index"],
                   Rights.FULL: ["data", "keys", "locks", "snapshots", "index", "config"]}


def test_credentials_are_those_of_basic_authentication_or_none() -> None:
    header = base64.b64encode(b"me:a:b").decode()
    assert tenants.credentials(f"Basic {header}") == ("me", "a:b")
    for other in (None, "", "Bearer x", "Basic ?", f"Basic {base64.b64encode(b'nocolon').decode()}"):
        assert tenants.credentials(other) is None


def test_a_range_is_understood_or_left_alone() -> None:
    assert tenants.byte_range("bytes=5-9") == (5, 5) and tenants.byte_range("bytes=5-") == (5, None)
    for other in (None, "bytes=-5", "bytes=9-5", "bytes=1-2,4-5", "lines=1-2"):
        assert tenants.byte_range(other) is None


def test_a_token_is_not_shown() -> None:
    assert "secret" not in repr(Tenant("n", "secret", SHOP, Rights.READ))
