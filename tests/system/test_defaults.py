"""No configuration file: loopback, a certificate of its own, the built-in page, text logs."""

import re

import pytest
from checks import KINDS, assert_full, assert_resumed, fresh, key_name
from harness import Address, Process, reprised_path, wait_until
from rawtls import Offer, exchange


@pytest.fixture
def start(running):
    def with_args(*args):
        process = running(lambda folder: Process([reprised_path(), *args], cwd=folder))
        process.output.find(lambda line: re.search(r"\bready\b", line))
        said = "\n".join(process.output.lines)
        match = re.search(r'listening address="?([\d.]+):(\d+)', said)
        return process, Address(match[1], int(match[2]))

    return with_args


def test_it_serves(start):
    process, address = start("-l", "127.0.0.1:0")
    assert address.host == "127.0.0.1" and address.port != 0
    for kind in KINDS:
        session = fresh(address, kind)
        assert_resumed(exchange(address, session.offer()), kind)
    line = process.output.find(lambda s: s if "session=Reused" in s else None)[0]
    assert re.match(r"^\S+ worker \d+ connection ", line), line
    process.stop()
    assert process.popen.returncode == 0


def test_any_name_and_none(start):
    _, address = start("-l", "127.0.0.1:0")
    for name in ("localhost", "anything.test", None):
        outcome = exchange(address, Offer(sni=name))
        assert_full(outcome)
        assert_resumed(exchange(address, outcome.session.offer()), "psk")


def test_two_servers_share_nothing(start):
    """Each has a ring and a certificate of its own."""
    (_, one), (_, two) = start("-l", "127.0.0.1:0"), start("-l", "127.0.0.1:0")
    first = exchange(one, Offer())
    outcome = exchange(two, first.session.offer())
    assert_full(outcome, "unknown-key")
    assert outcome.certificate != first.certificate


def test_rotation_can_be_set(start):
    _, address = start("-l", "127.0.0.1:0", "--rotate", "1s")
    name = key_name(fresh(address, "ticket"))
    wait_until(lambda: key_name(fresh(address, "ticket")) != name, "another key", 5)


def test_a_port_that_is_taken(start):
    """Said plainly, with the address; and nothing is left running."""
    _, address = start("-l", "127.0.0.1:0")
    with Process([reprised_path(), "-l", f"127.0.0.1:{address.port}"]) as second:
        assert second.wait(10) not in (0, None)
        assert any(str(address.port) in line for line in second.output.lines)
