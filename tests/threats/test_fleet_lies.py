"""The store as attacker, between a host and its Redis: old answers, swapped ones, and what is none."""

import os
import random
import threading

import pytest
from harness import resident_kb, wait_seconds, wait_until
from hosts import (Hosts, assert_all_pairs, assert_taken, epoch_of, fleet_of, wait_members,
                   wait_rotation)
from redis_between import bulk

pytestmark = pytest.mark.full  # test_fleet_store has the like of it for every run

SLACK_KB = 8192


def is_list(question):
    return question is not None and question[0] == b"EVAL" and b"SRANDMEMBER" in question[1]


def is_claim(question):
    return question is not None and question[0] == b"EVAL" and b"'NX'" in question[1]


class Old:
    """Answers with what was once the answer to the same question."""

    def __init__(self):
        self.kept, self.random = {}, random.Random(5)

    def __call__(self, question, reply):
        if question is None:
            return reply
        key = tuple(w for w in question if isinstance(w, bytes))[:6]
        before = self.kept.setdefault(key, [])
        before.append(reply)
        return self.random.choice(before[-50:])


class Swapped:
    """Each list has its values under others' names, some twice, some left out."""

    def __init__(self):
        self.random = random.Random(6)

    def __call__(self, question, reply):
        if not is_list(question) or not reply.startswith(b"*"):
            return reply
        parts = reply.split(b"\r\n")
        values = [i for i in range(3, len(parts) - 1, 2)]
        if self.random.random() < 0.5 and len(values) > 3:
            i, j = self.random.choice(values[1::2]), self.random.choice(values[1::2])
            parts[i - 1 : i + 1], parts[j - 1 : j + 1] = parts[j - 1 : j + 1], parts[i - 1 : i + 1]
        return b"\r\n".join(parts)


class Mute:
    """Tells of no letters and of no members, and takes what is put."""

    def __call__(self, question, reply):
        if question is None:
            return None
        return b"*1\r\n:0\r\n" if is_list(question) else reply


class Kind:
    """Grants every claim."""

    def __call__(self, question, reply):
        return b":1\r\n" if is_claim(question) else reply


class Crowd:
    """Says that there are a hundred thousand and more, and shows two hundred of them."""

    def __call__(self, question, reply):
        if not is_list(question):
            return reply
        many = [bulk(os.urandom(16).hex().encode()) + bulk(b"\1\1" + os.urandom(300)) for _ in range(200)]
        return b"*401\r\n:123456\r\n" + b"".join(many)


JUNK = {
    "nothing": b"",
    "text": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "nested": b"*1\r\n" * 50000,
    "nested-wide": b"*1000\r\n" * 5000,
    "huge-bulk": b"$2147483647\r\n" + b"x" * 4096,
    "huge-array": b"*2147483647\r\n:1\r\n",
    "huger": b"$99999999999999999999\r\n",
    "negative": b"$-2147483648\r\n*-9\r\n",
    "wrong-types": b"*3\r\n:1\r\n$-1\r\n*0\r\n",
    "odd-list": b"*2\r\n:1\r\n$3\r\nabc\r\n",
    "pushes": b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n" * 2000,
    "names": b"*3\r\n:1\r\n$9\r\n../../etc\r\n$3\r\nabc\r\n",
    "unsolicited": b":1\r\n" * 5000,
    "errors": b"-NOAUTH Authentication required.\r\n",
    "moved": b"-MOVED 1 127.0.0.1:1\r\n",
    "resp3": b">2\r\n+pubsub\r\n+x\r\n%1\r\n+a\r\n:1\r\n",
    "nul": bytes(5000),
}


@pytest.fixture
def hosts(open_folder, reprised, certificate, redis):
    return Hosts(reprised, certificate, open_folder, store=f"redis://127.0.0.1:{redis.port}/0")


def guarded(hosts):
    return [server.family()[role] for server in hosts for role in ("keeper", "courier")]


def assert_unharmed(hosts, sessions, pids, memory, ring):
    wait_until(lambda: all(fleet_of(s)["store_up"] for s in hosts), "the store is there", 30)
    wait_members(hosts)
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    assert guarded(hosts) == pids, "a process fell"
    assert {epoch_of(s)[0] for s in hosts} == {ring}
    if "asan" not in os.environ.get("REPRISED", ""):
        grown = [resident_kb(pid) - kb for pid, kb in zip(pids, memory)]
        assert max(grown) < SLACK_KB, grown


def attack(hosts, redis, lie, seconds):
    hosts.start(), hosts.start()
    wait_members(hosts)
    sessions = assert_all_pairs(hosts)
    ring, pids = epoch_of(hosts[0])[0], guarded(hosts)
    memory = [resident_kb(pid) for pid in pids]
    honest, redis.on_reply = redis.on_reply, lie
    wait_rotation(hosts[0])
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    wait_seconds(seconds)
    assert_taken(sessions, hosts)
    assert_all_pairs(hosts)
    redis.on_reply = honest
    redis.close_all()
    assert_unharmed(hosts, sessions, pids, memory, ring)


@pytest.mark.deadline(120)
@pytest.mark.parametrize("lie", [Old, Swapped, Mute, Kind, Crowd])
def test_lies(hosts, redis, lie):
    """No host leaves its ring, and once the lies end all are in step."""
    attack(hosts, redis, lie(), 6)


@pytest.mark.deadline(240)
def test_what_is_no_answer(hosts, redis):
    """Each in turn, in place of an answer, also cut anywhere; nobody falls or grows."""
    turn = iter(range(1 << 30))
    source = random.Random(7)
    kinds = list(JUNK.values())
    lock = threading.Lock()

    def lie(question, reply):
        with lock:
            i = next(turn)
            junk = kinds[i // 2 % len(kinds)]
            if i % 2 == 0:
                return reply
            return source.choice([junk, reply[: source.randrange(len(reply))] + junk, reply + junk])

    attack(hosts, redis, lie, 10)
    assert next(turn) > 2 * len(kinds), "it hardly came to it"


@pytest.mark.deadline(120)
def test_one_who_joins_is_lied_to(hosts, redis):
    """It serves on its own, and is in step once it hears the truth."""
    hosts.start()
    wait_members(hosts)
    ring = epoch_of(hosts[0])[0]
    for lie in (Mute(), Old(), lambda q, r: JUNK["nested"], lambda q, r: None):
        honest, redis.on_reply = redis.on_reply, lie
        server = hosts.start(join_timeout="1s")
        assert_taken([(server, k, s) for _, k, s in assert_all_pairs([server])], [server])
        redis.on_reply = honest
        redis.close_all()
        wait_members(hosts)
        assert_all_pairs(hosts)
        server.stop()
        hosts.servers.remove(server)
        wait_members(hosts)
    assert ring
