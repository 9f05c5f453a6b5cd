"""Which ports, subnets and interface a test cluster has: its own, whatever other clusters are called."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from tests.cluster import numbers
from tests.cluster.errors import ClusterError
from tests.cluster.layout import NUMBERS, Layout


def layout(cache: Path, name: str) -> Layout:
    """The cluster of that name, as it is before anybody looked for its number."""
    return Layout.from_environ({"ARK_TEST_CLUSTER_NAME": name, "KUBECTL_ARK_CACHE": str(cache)})


def chosen(cache: Path, name: str, *, busy: tuple[int, ...] = ()) -> Layout:
    """The same with its number. busy: numbers that something unknown on this machine uses."""
    return numbers.chosen(layout(cache, name), in_use=lambda other: other.index in busy)


def made(cache: Path, name: str) -> int:
    """The number of a cluster that has been made."""
    cluster = chosen(cache, name)
    cluster.state.mkdir(parents=True)
    numbers.record(cluster)
    return cluster.index


def test_the_default_cluster_has_0_whatever_else_is_there(tmp_path: Path) -> None:
    made(tmp_path, "other")
    assert chosen(tmp_path, "").index == chosen(tmp_path, "ark", busy=(0,)).index == 0


def test_others_take_the_lowest_number_that_no_other_holds(tmp_path: Path) -> None:
    assert [made(tmp_path, name) for name in ("ark", "h3", "h5", "one")] == [0, 1, 2, 3]
    shutil.rmtree(layout(tmp_path, "h3").state)
    assert [made(tmp_path, name) for name in ("two", "three")] == [1, 4]


def test_a_cluster_keeps_its_number_also_where_a_lower_one_becomes_free(tmp_path: Path) -> None:
    assert [made(tmp_path, name) for name in ("one", "two")] == [1, 2]
    shutil.rmtree(layout(tmp_path, "one").state)
    assert chosen(tmp_path, "two", busy=(2,)).index == 2, "what uses it is this very cluster"
    assert numbers.held(layout(tmp_path, "two")).index == 2


def test_what_another_cache_uses_is_left_to_it(tmp_path: Path) -> None:
    assert chosen(tmp_path, "one", busy=(1, 2)).index == 3


def test_a_port_that_somebody_listens_on_is_in_use(tmp_path: Path) -> None:
    cluster = chosen(tmp_path, "one", busy=tuple(NUMBERS[:-1]))
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if not numbers.in_use(cluster):
            listening.bind(("127.0.0.1", cluster.port(3)))
            listening.listen()
        assert numbers.in_use(cluster)


def test_when_all_are_held_it_is_said_what_to_do(tmp_path: Path) -> None:
    for number in NUMBERS:
        made(tmp_path, f"c{number}")
    with pytest.raises(ClusterError, match="no number is free for cluster one more, of 15: take down another"):
        numbers.chosen(Layout(name="one more", cache=tmp_path, number=None), in_use=lambda _: False)


def test_a_cluster_that_is_not_up_has_no_network_that_could_be_taken_for_anothers(tmp_path: Path) -> None:
    cluster = numbers.held(layout(tmp_path, "one"))
    with pytest.raises(ClusterError, match="cluster one holds no number"):
        assert cluster.interface


def test_no_two_numbers_share_an_address_or_a_port(tmp_path: Path) -> None:
    clusters = [Layout(name="any", cache=tmp_path, number=number) for number in (0, *NUMBERS)]
    for values in ([each.interface for each in clusters], [each.pod_subnet for each in clusters],
                   [each.host_address for each in clusters], [each.service_subnet for each in clusters],
                   [port for each in clusters for port in each.ports]):
        assert len(set(values)) == len(values)
