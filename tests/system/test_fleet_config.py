"""A fleet that is configured wrongly is refused in one line; and who knows its secret."""

import os

import pytest
from checks import fresh
from harness import wait_until, yaml_text
from hosts import Hosts, assert_all_pairs, new_secret, wait_members
from redis_server import RedisServer
from secrets_search import holders
from static_keys import check_config

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root reads another's memory")


def bytes_of(text):
    """docs/formats/fleet-secret.md."""
    number = 0
    digits = text.strip().split(":")[1]
    for digit in digits:
        number = number << 5 | ALPHABET.index(digit)
    return (number >> 2 + 32).to_bytes(32, "big")


@pytest.fixture
def hosts(open_folder, reprised, certificate):
    return Hosts(reprised, certificate, open_folder)


def refused(hosts, tmp_path, place, **fleet):
    """What -t says of the first host's configuration with these changes: one line."""
    text = yaml_text(hosts.config(1, **fleet)) + "\n"
    code, said = check_config(tmp_path, text)
    lines = [line for line in said.splitlines() if line]
    assert code == 1 and len(lines) == 1, said
    line, column = next((i + 1, row.index(":") + 3) for i, row in enumerate(text.splitlines())
                        if row.strip().startswith(place + ":"))
    assert f"checked.yaml:{line}:{column}: " in lines[0], said
    return lines[0]


def test_a_sound_one(hosts, tmp_path):
    code, said = check_config(tmp_path, yaml_text(hosts.config(1)) + "\n")
    assert code == 0, said


@pytest.mark.parametrize("url", ["memcached://a", "redis://", "dir:relative", "/run/x",
                                 "redis://127.0.0.1:0", "redis://127.0.0.1:99999", "dir:"])
def test_a_store_that_is_none(hosts, tmp_path, url):
    assert "store" in refused(hosts, tmp_path, "store", store=url)


def test_a_password_is_not_told(hosts, tmp_path):
    assert "geheim" not in refused(hosts, tmp_path, "store", store="redis://a:geheim@x:y/z")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_secret_that_others_may_read(hosts, tmp_path, mode):
    hosts.secret.chmod(mode)
    said = refused(hosts, tmp_path, "secret")
    assert str(hosts.secret) in said and "chmod" in said


def test_a_secret_that_is_not_there(hosts, tmp_path):
    hosts.secret.unlink()
    assert "No such file" in refused(hosts, tmp_path, "secret")


@pytest.mark.parametrize("change", [
    lambda text: text[:-3] + "\n", lambda text: text.replace(":", "=", 1),
    lambda text: text[:30] + ("0" if text[30] != "0" else "1") + text[31:],
    lambda text: text + text, lambda text: "", lambda text: text + "more\n",
    lambda text: text + new_secret() + new_secret(),
], ids=["too short", "no prefix", "a wrong character", "twice", "empty", "more", "three"])
def test_a_secret_that_is_none(hosts, tmp_path, change):
    text = hosts.secret.read_text()
    hosts.secret.write_text(change(text))
    said = refused(hosts, tmp_path, "secret")
    assert text.split(":")[1][:20] not in said


def test_a_directory_is_no_secret(hosts, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    refused(hosts, tmp_path, "secret", secret=str(folder))


def test_a_start_with_a_bad_secret_fails_and_a_reload_changes_nothing(hosts):
    a = hosts.start()
    hosts.secret.chmod(0o644)
    b = hosts.start_one(hosts.config(2), ready=False)
    assert b.wait() == 1
    mark = a.mark()
    a.signal(1)
    assert "chmod" in a.wait_log("the configuration stays as it was", since=mark)["reason"]
    assert fresh(a.address, "psk")
    hosts.secret.chmod(0o600)
    hosts.start()
    assert_all_pairs(hosts)


def test_a_store_is_not_added_by_a_reload(hosts):
    a = hosts.start()
    made = hosts.config(1)
    for name in ("store", "secret"):
        made["fleet"].pop(name)
    a.write_config(made)
    a.signal(1)
    reason = a.wait_log("the configuration stays as it was")["reason"]
    assert "fleet.store was removed, which takes a restart" in reason


@as_root
def test_who_knows_the_secret(open_folder, running, reprised, certificate):
    """The parent, who reads the file, and the keeper; of the store's password, parent and courier."""
    redis = running(RedisServer, args=("--requirepass", "a-long-password"))
    url = f"redis://default:a-long-password@127.0.0.1:{redis.port}/0"
    hosts = Hosts(reprised, certificate, open_folder, store=url)
    hosts.start(), hosts.start()
    wait_members(hosts)
    assert_all_pairs(hosts)
    text = hosts.secret.read_text()
    secrets = {"secret": bytes_of(text), "text": text.split(":")[1].strip().encode(),
               "password": b"a-long-password"}
    server = hosts[1]

    def knowing():
        family = server.family() | {"parent": server.pid}
        found = {(pid, which) for pid, _, which in holders(family.values(), secrets)}
        return sorted((role, which) for role, pid in family.items() for p, which in found
                      if p == pid)

    expected = [("courier", "password"), ("keeper", "secret"), ("parent", "password"),
                ("parent", "secret")]
    assert knowing() == expected
    for role in ("keeper", "courier", "worker 0"):
        os.kill(server.family()[role], 9)
        server.wait_log("a process is back", process=role)
    wait_until(lambda: len(server.family()) == 3, "all are back")
    assert knowing() == expected
    mark = server.mark()
    server.signal(1)
    server.wait_log("reloaded", since=mark)
    wait_until(lambda: sorted(server.family()) == ["courier", "keeper", "worker 0"], "they settle")
    assert knowing() == expected
