"""
Who records all that a store ever held and every byte of TLS, and takes the fleet secret and all
memory of all hosts in the end: what is older than rotate + accept stays closed.
"""

import os
import signal
import socket
import threading

import pytest
from checks import assert_full, assert_resumed, offer_for
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from harness import Address, descendants, wait_seconds, wait_until
from hosts import Hosts, assert_all_pairs, epoch_of, wait_members
from mailbox import (HEADER, PRESENCE, PULL, RINGS, Exchange, Fleet, Header, chain_next, chain_root,
                     expand, rings_of, secret_bytes, shown)
from rawtls import TLS12, exchange
from rawtls.codec import Malformed
from rawtls.keys import Keys12
from secrets_search import FALLBACKS, holders, read_memory, window_of, without

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root reads another's memory")
ROTATE, ACCEPT = 1, 3
BACK = 3  # epochs that a chain value is tried forward
REQUEST_PART = b"GET /session.json"


class Tap:
    """A TCP proxy that keeps what went each way, a connection at a time."""

    def __init__(self, target):
        self.target = target
        self.connections = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = Address(*self._listener.getsockname()[:2])
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            kept = (bytearray(), bytearray())
            self.connections.append(kept)
            for source, sink, keep in ((client, server, kept[0]), (server, client, kept[1])):
                threading.Thread(target=self._pass, args=(source, sink, keep), daemon=True).start()

    @staticmethod
    def _pass(source, sink, keep):
        try:
            while data := source.recv(65536):
                keep += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def records(data):
    at = 0
    while at + 5 <= len(data):
        n = int.from_bytes(data[at + 3 : at + 5], "big")
        yield data[at], bytes(data[at + 5 : at + 5 + n])
        at += 5 + n


def decrypt12(connection, suite, master):
    """What the client of a recorded TLS 1.2 connection said, by its master secret; None: not so."""
    said, answered = connection
    randoms = [next(body for kind, body in records(d) if kind == 22)[6:38] for d in (said, answered)]
    keys = Keys12(suite, master, *randoms)
    plain, sealed = b"", False
    try:
        for kind, body in records(said):
            if sealed:
                inner, text = keys.client.open(kind, body)
                plain += text if inner == 23 else b""
            sealed = sealed or kind == 20
    except Malformed:
        return None
    return plain


def looks_random(data):
    """Neither text nor pointers nor zeroes: of 32 random bytes, this fails once in a thousand."""
    return (all(data[i : i + 2] not in (b"\0\0", b"\xff\xff") for i in (6, 14, 22, 30))
            and len(set(data)) > 20)


def candidates(pids):
    """Every 32 bytes at a multiple of eight in the memory of processes that may be a key."""
    out = set()
    for pid in pids:
        for _, data in read_memory(pid, writable_only=True):
            for at in range(0, len(data) - 31, 8):
                part = data[at : at + 32]
                if part[6:8] != b"\0\0" and part[14:16] != b"\0\0" and looks_random(part):
                    out.add(part)
    return out


class Target:
    """A recorded ticket, and how any 32 bytes might open it."""

    def __init__(self, session, ring, epoch, domain, name=None):
        self.ticket, self.secret = session.ticket, session.secret
        self.ring, self.epoch, self.domain = ring, epoch, domain
        self.name = name or session.ticket[:16]

    def _is_root(self, root):
        return expand(root, b"reprise/1 ticket name", self.domain)[:16] == self.name

    def _is_aes(self, key):
        decryptor = Cipher(algorithms.AES(key), modes.CBC(self.ticket[16:32])).decryptor()
        return self.secret in decryptor.update(self.ticket[32:-32])

    def opened_by(self, key):
        """As what: AES key, root, or chain value of its epoch or one before; None: not at all."""
        if self._is_aes(key):
            return "AES key"
        if self._is_root(key):
            return "root"
        for back in range(min(BACK, self.epoch) + 1):
            chain = key
            for epoch in range(self.epoch - back, self.epoch):
                chain = chain_next(chain, self.ring, epoch)
            if self._is_root(chain_root(chain, self.ring, self.epoch)):
                return f"chain {back} epochs before"
        return None

    def openers(self, keys):
        return {how for key in keys if (how := self.opened_by(key))}


def everyone(hosts):
    return [pid for s in hosts for pid in [s.pid, *(p for p, _ in descendants(s.pid))]]


def worker_window(server):
    """What is read while the keeper publishes its successor is of two generations: read again."""
    (worker,) = server.workers().values()
    return wait_until(lambda: window_of(worker), "the window, whole")


@pytest.fixture
def hosts(open_folder, reprised, certificate, redis):
    def start(config, **more):
        return reprised(config, preexec=without(FALLBACKS["ramfs"]), **more)

    made = Hosts(start, certificate, open_folder, store=f"redis://127.0.0.1:{redis.port}/0",
                 rotate=f"{ROTATE}s", accept=f"{ACCEPT}s", reseed="1h")
    made.taps = []
    yield made
    for tap in made.taps:
        tap.stop()


def start_searchable(hosts):
    server = hosts.start()
    if not any("ramfs" in entry.values() for entry in server.logs()):
        pytest.skip("ramfs is not to be had here")
    hosts.taps.append(Tap(server.address))
    return server


def letters(redis, kind):
    """What was ever put of this kind."""
    out = []
    for words in redis.said:
        for word in words:
            header = Header.of(word) if isinstance(word, bytes) else None
            if header and header.kind == kind and len(word) > HEADER:
                out.append(word)
    return out


def record(hosts):
    """A session of each kind from each host, resumed at the next one; all of it recorded."""
    out = []
    for i, tap in enumerate(hosts.taps):
        other = hosts.taps[(i + 1) % len(hosts.taps)]
        for kind in ("ticket", "psk"):
            full = exchange(tap.address, offer_for(kind))
            assert_full(full)
            at = len(other.connections)
            assert_resumed(exchange(other.address, full.session.offer()), kind)
            out.append((full.session, other.connections[at]))
    return out


def literals(window):
    """Every key of the window, to be looked for byte by byte."""
    return {(k.epoch, what): getattr(k, what) for k in window.keys
            for what in ("aes", "hmac", "record", "id_mac")}


@pytest.mark.full
@pytest.mark.deadline(300)
def test_what_is_old_stays_closed(hosts, redis):
    for _ in range(3):
        start_searchable(hosts)
    wait_members(hosts)
    assert_all_pairs(hosts)
    recorded = record(hosts)
    window = worker_window(hosts[0])
    secrets = literals(window)
    by_name = {k.name: k for k in window.keys}
    targets = [Target(s, window.ring_id, by_name[s.ticket[:16]].epoch, by_name[s.ticket[:16]].domain)
               for s, _ in recorded if s.ticket[:16] in by_name]
    assert targets, "recorded in an epoch that the window has"
    last = max(k.epoch for k in window.keys)

    # The controls: with the live window all of it opens, and what was recorded decrypts.
    session, connection = recorded[0]
    plain = window.open(session.ticket)
    assert plain and session.secret in plain
    assert session.version == TLS12 and session.ticket in bytes(connection[0])
    assert REQUEST_PART in decrypt12(connection, session.suite, session.secret)
    assert decrypt12(connection, session.suite, os.urandom(48)) is None
    assert holders(everyone(hosts), secrets)
    live = record(hosts)[-1][0]
    now = worker_window(hosts[0])
    key = next(k for k in now.keys if k.name == live.ticket[:16])
    keys = candidates([hosts[0].keeper])
    found = Target(live, now.ring_id, key.epoch, key.domain).openers(keys)
    assert {"AES key", "root"} <= found, found
    coming = [Target(live, now.ring_id, k.epoch, k.domain, k.name)
              for k in worker_window(hosts[0]).keys]
    assert any(how.startswith("chain") for target in coming for how in target.openers(keys))

    # Time passes: what was recorded is older than rotate + accept.
    wait_until(lambda: worker_window(hosts[0]).epoch > last, "later epochs", deadline=60)
    wait_seconds(ROTATE + ACCEPT)
    wait_until(lambda: all(k.epoch > last for s in hosts for k in worker_window(s).keys), "its end",
               deadline=60)
    assert epoch_of(hosts[0])[0] == shown(window.ring_id), "still the same ring"
    pids = everyone(hosts)
    assert holders(pids, secrets) == []
    keys = candidates(pids)
    assert len(keys) > 100
    for target in targets:
        assert target.openers(keys) == set()
    assert not any(worker_window(s).open(t.ticket) for s in hosts for t in targets)

    # Nor does what the store held, by the fleet secret.
    fleet = Fleet(secret_bytes(hosts.secret.read_text()))
    presences = letters(redis, PRESENCE)
    assert presences and all(fleet.open(m) for m in presences), "the control"
    rings = letters(redis, RINGS)
    assert len(rings) >= 2, "two have joined"
    everything = b"".join(w for words in redis.said for w in words if isinstance(w, bytes))
    everything += b"".join(redis.answered)
    for what, secret in secrets.items():
        assert secret not in everything, what
    for message in rings:
        assert fleet.open(message) is None
        header = Header.of(message)
        (pull,) = {m for m in letters(redis, PULL) if Header.of(m).nonce == header.nonce}
        assert fleet.read_pull(pull), "the control: the question opens"
        prologue = fleet._prologue(Header.of(pull))
        for private in [bytes(32), fleet.secret, fleet.psk, *list(keys)[:200]]:
            guess = Exchange(True, fleet.psk, prologue, private)
            guess.write(fleet.read_pull(pull))
            assert guess.read(message[HEADER:]) is None


def private_of(keys, public):
    """The X25519 key among them that belongs to this public one."""
    base = x25519.X25519PublicKey.from_public_bytes(b"\x09" + bytes(31))
    for key in keys:
        if x25519.X25519PrivateKey.from_private_bytes(key).exchange(base) == public:
            return key
    return None


def newest_pull(redis, before):
    found = [m for m in letters(redis, PULL) if m not in before]
    return found[-1] if found else None


@pytest.mark.deadline(120)
def test_an_ephemeral_key_opens_what_it_asked_for(hosts, redis):
    """The control of the above, and its end: while a host waits for the answer its ephemeral key is
    in its memory, and with it, and the fleet secret, the recorded answer opens. Then it is gone."""
    a = start_searchable(hosts)
    wait_members(hosts)
    before = letters(redis, PULL)
    os.kill(a.keeper, signal.SIGSTOP)
    try:
        b = hosts.start(ready=False)
        pull = wait_until(lambda: newest_pull(redis, before), "the question")
        keeper = wait_until(lambda: b.keeper, "its keeper")
        public = pull[HEADER : HEADER + 32]
        private = private_of(candidates([keeper]), public)
        assert private, "the control: the key is there"
        assert holders([keeper], {"ephemeral": private})
    finally:
        os.kill(a.keeper, signal.SIGCONT)
    b._wait_ready()
    wait_members(hosts)
    header = Header.of(pull)
    answers = wait_until(
        lambda: [m for m in letters(redis, RINGS) if Header.of(m).nonce == header.nonce], "RINGS")
    fleet = Fleet(secret_bytes(hosts.secret.read_text()))
    guess = Exchange(True, fleet.psk, fleet._prologue(header), private)
    guess.write(fleet.read_pull(pull))
    payload = guess.read(answers[0][HEADER:])
    assert payload, "the control: with it, the answer opens"
    _, _, rings = rings_of(payload)
    assert rings[0].chain and any(shown(r.ring) == epoch_of(a)[0] for r in rings)
    secrets = {"ephemeral": private, "chain": rings[0].chain}
    secrets |= {("root", i): root for i, root in enumerate(rings[0].roots)}
    wait_seconds(2 * ROTATE + ACCEPT)
    wait_until(lambda: not holders(everyone(hosts), secrets), "all of it is gone", deadline=20)
