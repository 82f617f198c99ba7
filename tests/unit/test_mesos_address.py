"""Addresses of masters, and where a redirect leads."""

import pytest

from moroccron.adapters.mesos.address import Address, parse, sent_on


@pytest.mark.parametrize(
    ("text", "secure", "address", "shown"),
    [
        ("m", False, Address("m", 5050), "m:5050"),
        ("m:1", False, Address("m", 1), "m:1"),
        ("m:1", True, Address("m", 1, True), "https://m:1"),
        ("http://m:1/", True, Address("m", 1), "m:1"),
        ("HTTPS://m", False, Address("m", 5050, True), "https://m:5050"),
        ("[fd00::1]", False, Address("fd00::1", 5050), "[fd00::1]:5050"),
        ("https://[fd00::1]:1", False, Address("fd00::1", 1, True), "https://[fd00::1]:1"),
    ],
)
def test_an_address(text, secure, address, shown):
    assert parse(text, secure) == address
    assert str(address) == shown
    assert parse(shown) == address


@pytest.mark.parametrize("text", ["", "m:0", "m:x", "::1", "https://", "m/path", "ftp://m:1"])
def test_no_address(text):
    with pytest.raises(ValueError, match="address"):
        parse(text)


PLAIN, SECURE = Address("a", 1), Address("a", 1, True)


@pytest.mark.parametrize(
    ("by", "location", "there"),
    [
        (PLAIN, "//b:2", Address("b", 2)),
        (SECURE, "//b:2", Address("b", 2, True)),
        (SECURE, "//b:2/api/v1/scheduler", Address("b", 2, True)),
        (PLAIN, "http://b:2/api", Address("b", 2)),
        (PLAIN, "https://b:2", Address("b", 2, True)),
        (PLAIN, "b:2", Address("b", 2)),
        (PLAIN, "//[fd00::1]:2/", Address("fd00::1", 2)),
    ],
)
def test_a_redirect(by, location, there):
    assert sent_on(by, location) == there


@pytest.mark.parametrize(
    ("by", "location", "why"),
    [
        (SECURE, "http://b:2", "https://a:1 sends us on to b:2, without TLS"),
        (PLAIN, "/elsewhere", "not a master's address"),
        (PLAIN, "ftp://b:2", "address"),
    ],
)
def test_a_redirect_that_is_not_followed(by, location, why):
    with pytest.raises(ValueError, match=why):
        sent_on(by, location)
