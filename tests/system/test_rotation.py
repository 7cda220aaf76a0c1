"""Keys that rotate under load: nothing fails, promises are kept, what is gone is gone."""

import os

import pytest
from checks import KINDS, assert_full, assert_resumed, fresh, key_name, offer_for
from configs import one_site
from harness import Load, descendants, wait_seconds, wait_until
from rawtls import exchange
from secrets_search import FALLBACKS, chain_in, holders, mappings, window_of, without
from traffic import Promises

FAST = {"rotate": "1s", "accept": "2s"}
FLEET = {"rotate": "2s", "accept": "4s"}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root reads another's memory")


def check_under_load(reprised, certificate, seconds):
    server = reprised(one_site(certificate, workers=4, fleet=FLEET))
    promises = Promises(server.address, rotate=2, accept=4)
    before = server.family()
    load = Load(promises)
    with load:
        wait_seconds(seconds)
        _, failed = load.stop()
    assert not failed, f"{len(failed)} failed, such as {failed[0]}"
    assert promises.counts["resumed"] > 50 and promises.counts["expired"] > 5, promises.counts
    assert len(promises.key_names) >= seconds // 2, "the keys did not rotate"
    assert server.family() == before, "a process was lost"


@pytest.mark.deadline(90)
def test_promises_are_kept_under_load(reprised, certificate):
    check_under_load(reprised, certificate, 12)


@pytest.mark.full
@pytest.mark.deadline(180)
def test_promises_are_kept_for_longer(reprised, certificate):
    check_under_load(reprised, certificate, 90)


def test_key_names_change_and_never_return(reprised, certificate):
    """Springall et al., IMC 2016: a key name is seen for one epoch and no longer."""
    server = reprised(one_site(certificate, fleet=FAST))
    seen = []
    while len(set(seen)) < 5:
        name = key_name(fresh(server.address, "ticket"))
        if not seen or seen[-1] != name:
            assert name not in seen, "a key name returned"
            seen.append(name)
        wait_seconds(0.05)


def test_nothing_resumes_once_its_root_is_gone(reprised, certificate):
    server = reprised(one_site(certificate, workers=4, fleet=FAST))
    sessions = {kind: fresh(server.address, kind) for kind in KINDS}
    for kind, session in sessions.items():
        assert_resumed(exchange(server.address, session.offer()), kind)
    wait_seconds(3.3)
    for session in sessions.values():
        assert_full(exchange(server.address, session.offer()), "unknown-key", "expired")


def test_every_worker_opens_every_epoch(reprised, certificate):
    """Sealed at one worker just before a boundary, opened at the others just after."""
    server = reprised(one_site(certificate, workers=4, fleet=FLEET | {"accept": "60s"}))
    session = fresh(server.address, "psk")
    wait_until(
        lambda: key_name(fresh(server.address, "ticket"))
        != key_name(session), "a new epoch", deadline=10,
    )
    workers = set()
    for _ in range(40):
        outcome = exchange(server.address, session.offer())
        assert_resumed(outcome, "psk")
        workers.add(outcome.page["worker"])
    assert len(workers) == 4


def secret_mappings(pid):
    return [m for m in mappings(pid) if "secretmem" in m.name]


@as_root
def test_a_worker_maps_the_window_only(reprised, certificate):
    """The chain, and a writable window, are mapped in the keeper alone."""
    server = reprised(one_site(certificate))
    keeper = secret_mappings(server.keeper)
    if not keeper:
        pytest.skip("this kernel has no memfd_secret")
    assert sum("w" in m.mode for m in keeper) == 2, keeper
    for pid in [server.pid, *server.workers().values()]:
        assert not any("w" in m.mode for m in secret_mappings(pid)), secret_mappings(pid)
    for pid in server.workers().values():
        assert len(secret_mappings(pid)) == 1
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert not any("secretmem" in link for link in links), links


def everyone(server):
    return [server.pid] + [pid for pid, _ in descendants(server.pid)]


def searchable(reprised, certificate, fleet, memory="ramfs"):
    """A server whose secret memory is of this kind, which can be read from outside."""
    server = reprised(
        one_site(certificate, workers=1, fleet=fleet, session_cache="256kb"),
        preexec=without(FALLBACKS[memory]),
    )
    if not any(memory in entry.values() for entry in server.logs()):
        pytest.skip(f"{memory} is not to be had here")
    return server


@as_root
@pytest.mark.deadline(90)
@pytest.mark.parametrize("memory", FALLBACKS)
def test_what_the_ring_held_cannot_be_found(reprised, certificate, memory):
    """
    The keys of a recorded TLS 1.2 connection: found in memory while its root is in the window (the
    positive control), and nowhere, in no process, after that.
    """
    server = searchable(reprised, certificate, {"rotate": "2s", "accept": "3s"}, memory)
    recorded = exchange(server.address, offer_for("ticket"))
    assert_full(recorded)
    session = recorded.session
    for kind in ("session-id", "psk"):
        fresh(server.address, kind)
    (worker,) = server.workers().values()
    window = window_of(worker)
    plain = window.open(session.ticket)
    assert plain and session.secret in plain, "the control: with the live window it opens"
    key = next(k for k in window.keys if k.name == session.ticket[:16])
    secrets = {"AES": key.aes, "HMAC": key.hmac, "record": key.record, "ID MAC": key.id_mac}
    found = holders(everyone(server), secrets)
    assert {(pid, which) for pid, _, which in found} >= {(worker, which) for which in secrets}
    wait_until(lambda: window_of(worker).epoch > key.epoch, "the next epoch", deadline=5)
    wait_seconds(3.0)
    wait_until(lambda: all(k.epoch > key.epoch for k in window_of(worker).keys), "the end", 5)
    assert window_of(worker).open(session.ticket) is None
    assert holders(everyone(server), secrets) == []


@as_root
@pytest.mark.deadline(120)
def test_a_worker_holds_no_chain(reprised, certificate):
    """Every 32 bytes of its memory tried as chain value; the control finds it in the keeper."""
    server = searchable(reprised, certificate, {"rotate": "1h", "accept": "1h"})
    fresh(server.address, "psk")
    (worker,) = server.workers().values()
    window = window_of(worker)
    assert chain_in(server.keeper, window), "the control"
    assert not chain_in(worker, window)
    assert not chain_in(server.pid, window)
