"""Addresses in ZooKeeper, and what Mesos masters write there: read without any ZooKeeper."""

import json

import pytest

from moroccron.adapters.zookeeper.address import ZkAddressInvalid, zk_address
from moroccron.adapters.zookeeper.ballot import first_of
from moroccron.adapters.zookeeper.masters import MasterUnreadable, endpoint, leading


class TestAddress:
    def test_of_several_servers(self) -> None:
        address = zk_address("zk://a:2182,b, [::1]:2183,[fe80::1]/mesos/")
        assert address.hosts == ("a:2182", "b:2181", "[::1]:2183", "[fe80::1]:2181")
        assert address.path == "/mesos"
        assert address.user is None

    def test_with_credentials_does_not_show_them(self) -> None:
        address = zk_address("zk://me:p@ss:word@h/a/b")
        assert (address.user, address.password) == ("me", "p@ss:word")
        assert "p@ss" not in str(address) + repr(address)
        assert str(address) == "zk://me:***@h:2181/a/b"

    def test_of_a_child(self) -> None:
        child = zk_address("zk://me:secret@h/moroccron").child("election")
        assert (child.path, child.password) == ("/moroccron/election", "secret")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "h:2181/mesos",
            "http://h/mesos",
            "zk://h",
            "zk://h/",
            "zk://h//mesos",
            "zk://h/../mesos",
            "zk:///mesos",
            "zk://h,,i/mesos",
            "zk://h:0/mesos",
            "zk://h:65536/mesos",
            "zk://h:port/mesos",
            "zk://secret@h/mesos",
            "zk://:secret@h/mesos",
        ],
    )
    def test_that_is_none(self, text: str) -> None:
        with pytest.raises(ZkAddressInvalid) as caught:
            zk_address(text)
        assert "write zk://" in str(caught.value)
        assert "secret" not in str(caught.value)


class TestLeadingMaster:
    def test_is_the_lowest_number(self) -> None:
        names = ["json.info_0000000012", "json.info_0000000007", "json.info_0000000100"]
        assert leading(names) == "json.info_0000000007"

    def test_is_none_of_the_other_nodes(self) -> None:
        assert leading(["log_replicas", "info_0000000001", "json.info_", "json.info_x"]) is None

    def test_is_found_beside_other_nodes(self) -> None:
        names = ["log_replicas", "info_0000000001", "json.info_0000000002"]
        assert leading(names) == "json.info_0000000002"


def master_info(**fields: object) -> bytes:
    """As Mesos 1.11 writes it."""
    info = {
        "address": {"hostname": "master.example", "ip": "10.0.0.7", "port": 5050},
        "capabilities": [{"type": "AGENT_UPDATE"}],
        "hostname": "master.example",
        "id": "9a7c4de3-8d7c-4f35-a3a1-6c1ea1d5a4b5",
        "ip": 117440522,
        "pid": "master@10.0.0.7:5050",
        "port": 5050,
        "version": "1.11.0",
    }
    return json.dumps(info | fields).encode()


class TestEndpoint:
    def test_is_the_address(self) -> None:
        assert endpoint(master_info()) == "10.0.0.7:5050"

    def test_of_another_kind_is_in_brackets(self) -> None:
        info = master_info(address={"ip": "2001:db8::7", "port": 5050})
        assert endpoint(info) == "[2001:db8::7]:5050"

    def test_without_a_number_is_the_name(self) -> None:
        assert endpoint(master_info(address={"hostname": "m", "port": 1})) == "m:1"

    def test_that_speaks_tls_is_the_name_in_its_certificate(self) -> None:
        assert endpoint(master_info(), secure=True) == "https://master.example:5050"

    def test_of_an_old_master_is_its_name(self) -> None:
        assert endpoint(master_info(address=None)) == "master.example:5050"

    @pytest.mark.parametrize(
        "value",
        [
            b"",
            b"{}",
            b"null",
            b"[1]",
            b'"x"',
            b"\xff",
            b'{"address": {"ip": "10.0.0.7"}}',
            b'{"address": 3}',
        ],
    )
    def test_of_nonsense(self, value: bytes) -> None:
        with pytest.raises(MasterUnreadable):
            endpoint(value)


def test_the_first_candidate_is_the_lowest_number_whatever_its_token() -> None:
    names = [
        "candidate-zz-0000000003",
        "candidate-aa-0000000004",
        "framework_id",
        "lock-0000000001",
    ]
    assert first_of(names) == "candidate-zz-0000000003"
    assert first_of([]) is None
