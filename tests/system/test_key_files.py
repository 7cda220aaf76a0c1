"""`reprise key new`, `show`, `check` and `convert`: key files of every server, made and judged."""

import base64
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stek
import tickets
from fleet import Fleet, find
from harness import ROOT, reprise_path
from oracle import connect

GOLDEN = ROOT / "tests/feeds/golden"
FORMATS = ("nginx", "haproxy", "apache", "trafficserver", "lighttpd", "h2o", "nghttpx", "dnsdist",
           "dnsdist-gnutls")
# What each makes by itself: keys, bytes of a key, bytes of the file
MADE = {
    "nginx": (1, 80, 80), "haproxy": (3, 80, 327), "apache": (1, 48, 48), "trafficserver": (1, 48, 48),
    "lighttpd": (1, 80, 92), "h2o": (1, 80, 327), "nghttpx": (1, 80, 80), "dnsdist": (1, 80, 80),
    "dnsdist-gnutls": (1, 80, 64),
}
TMPFS = "/dev/shm"


def key(*arguments, **how):
    how = {"stdout": subprocess.PIPE, "stdin": subprocess.DEVNULL, **how}
    return subprocess.run(
        [reprise_path(), "key", *map(str, arguments)], stderr=subprocess.PIPE, timeout=30,
        check=False, **how)


def said(done):
    """What stands on standard error: one sentence."""
    text = done.stderr.decode()
    assert text.startswith("reprise key: ") and text.count("\n") == 1, text
    return text


def new(path, *arguments):
    done = key("new", *arguments, "-o", path)
    assert (done.returncode, done.stderr) == (0, b"")
    return path


def shown(path, *arguments):
    done = key("show", "--json", *arguments, path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["files"][0]["readings"]


def keys_of(path, form):
    (reading,) = shown(path, "--format", form, "--secrets")
    return reading["keys"]


def judged(*arguments):
    done = key("check", *arguments)
    return done.returncode, done.stdout.decode() + done.stderr.decode()


def converted(source, target, *arguments, **how):
    return key("convert", "--from", source, "--to", target, *arguments, **how)


def test_names_of_files_forge_no_lines(tmp_path):
    names = [tmp_path / "a\nb: good: 1 key of nginx\033[31m", tmp_path / "no\nsuch\x7f"]
    new(names[0], "--format", "nginx")
    for action in ("show", "check"):
        for name in names:
            done = key(action, name)
            text = (done.stdout + done.stderr).decode()
            assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", text) and "\nb: good" not in text
            assert "\nsuch" not in text
    assert json.loads(key("show", "--json", names[0]).stdout)["files"][0]["file"] == str(names[0])


@pytest.fixture
def memory(tmp_path):
    """A folder on tmpfs, where check has nothing to say of disks."""
    folder = Path(TMPFS) / f"reprise-{os.getpid()}-{tmp_path.name[:40]}"
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("form", FORMATS)
def test_new_makes_what_its_server_takes(memory, form):
    n, key_len, size = MADE[form]
    path = new(memory / "key", "--format", form)
    assert path.stat().st_size == size and path.stat().st_mode & 0o777 == 0o600
    keys = keys_of(path, form)
    assert len(keys) == n and {k["aes_bits"] for k in keys} == {256 if key_len == 80 else 128}
    assert [k["role"] for k in keys].count("seals") == 1
    assert judged("--format", form, path)[0] == 0


@pytest.mark.parametrize("form, n", (("haproxy", 3), ("trafficserver", 5), ("h2o", 4), ("dnsdist", 2)))
def test_new_keys_are_all_random(memory, form, n):
    first = new(memory / "a", "--format", form, "--keys", n)
    second = new(memory / "b", "--format", form, "--keys", n)
    parts = [k[part] for path in (first, second) for k in keys_of(path, form)
             for part in ("name", "aes_key", "hmac_key")]
    assert len(parts) == 6 * n == len(set(parts))
    assert judged("--format", form, first, second)[0] == 0


@pytest.mark.parametrize("form", ("nginx", "haproxy", "h2o", "nghttpx"))
def test_short_keys(memory, form):
    keys = keys_of(new(memory / "key", "--format", form, "--short"), form)
    assert {k["aes_bits"] for k in keys} == {128}


def test_dates_follow_each_other(memory):
    before = int(time.time())
    path = new(memory / "key", "--format", "h2o", "--keys", "3", "--rotate", "10m", "--accept", "2h")
    keys = keys_of(path, "h2o")
    assert before <= keys[0]["begins"] <= time.time()
    assert [k["begins"] - keys[0]["begins"] for k in keys] == [0, 600, 1200]
    assert {k["ends"] - k["begins"] for k in keys} == {7800}
    assert [k["role"] for k in keys] == ["seals", "next", "opens"]


@pytest.mark.parametrize("words, says", (
    ((), "which server"), (("--format", "iis"), 'unknown format "iis"'),
    (("--format", "nginx", "--keys", "2"), "one key a file"),
    (("--format", "haproxy", "--keys", "2"), "at least 3"),
    (("--format", "haproxy", "--keys", "4"), "no more than 3"),
    (("--format", "lighttpd", "--short"), "no keys of 48 bytes"),
    (("--format", "nginx", "--keys", "0"), "from 1 to"), (("--format", "nginx", "--keys", "x"), "from 1 to"),
    (("--format", "h2o", "--rotate", "soon"), "at least a second"),
    (("--format", "h2o", "--rotate", "500ms"), "at least a second"),
    (("--format", "nginx", "file"), "one word too much"),
    (("--format", "nginx", "--secrets"), "new takes no --secrets"),
    (("--format", "nginx", "--format", "h2o"), "--format is given twice"),
))
def test_a_wrong_command_line_makes_nothing(words, says):
    done = key("new", *words)
    assert (done.returncode, done.stdout) == (2, b"") and says in said(done)


def test_a_file_that_others_can_read_is_closed_first(tmp_path):
    path = tmp_path / "key"
    with open(path, "wb") as out:
        os.fchmod(out.fileno(), 0o644)
        assert key("new", "--format", "nginx", stdout=out).returncode == 0
    assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_size == 80


def test_what_is_there_is_not_written_over(tmp_path):
    path = new(tmp_path / "key", "--format", "nginx")
    kept = path.read_bytes()
    done = key("new", "--format", "nginx", "-o", path)
    assert done.returncode == 2 and "--force writes over it" in said(done)
    assert path.read_bytes() == kept
    path.chmod(0o644)
    assert key("new", "--format", "nginx", "--force", "-o", path).returncode == 0
    assert path.read_bytes() != kept and path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["key"]


def test_only_a_regular_file_is_replaced(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "other")
    for path in (tmp_path, "/dev/null", tmp_path / "link"):
        for force in ((), ("--force",)):
            assert key("new", "--format", "nginx", *force, "-o", path).returncode == 2
    done = key("new", "--format", "nginx", "-o", tmp_path / "no" / "key")
    assert done.returncode == 2 and "No such file" in said(done)


@pytest.mark.parametrize("action", ("new", "convert"))
def test_a_full_disk_is_told(action):
    words = ("--format", "nginx") if action == "new" else (
        "--from", "nginx", "--to", "nghttpx", GOLDEN / "nginx.key")
    with open("/dev/full", "wb") as full:
        done = key(action, *words, stdout=full)
    assert done.returncode == 2 and "No space left" in said(done)


def test_show_names_all_that_a_file_can_be():
    def formats(name):
        return [r["format"] for r in shown(GOLDEN / name)]

    assert formats("nginx.key") == ["nginx", "nghttpx", "dnsdist"]
    assert formats("apache.key") == ["nginx", "apache", "trafficserver", "nghttpx"]
    assert formats("haproxy.keys") == ["haproxy"] and formats("h2o.yaml") == ["h2o"]
    assert formats("lighttpd.stek") == ["lighttpd"]
    assert formats("dnsdist-gnutls.keys") == ["trafficserver", "dnsdist-gnutls"]
    text = key("show", GOLDEN / "apache.key").stdout.decode()
    assert "nginx, apache, trafficserver, nghttpx: 1 key" in text and "nothing in it says which" in text


def golden():
    """The published keys, by part and number."""
    words = dict(line.split() for line in (GOLDEN / "keys.txt").read_text().splitlines()
                 if not line.startswith("#"))
    return [{part: words[f"{part}{i}"] for part in ("name", "aes", "hmac")} for i in range(3)]


def test_secrets_are_shown_when_asked_for_alone():
    secret = golden()[1]
    for extra in ((), ("--json",)):
        for name in ("nginx.key", "haproxy.keys", "h2o.yaml"):
            plain = key("show", *extra, GOLDEN / name).stdout.decode()
            assert secret["name"] in plain and secret["aes"][:16] not in plain
            assert secret["hmac"][:16] not in plain
            full = key("show", "--secrets", *extra, GOLDEN / name).stdout.decode()
            assert secret["aes"] in full and secret["hmac"] in full


def test_show_has_roles_and_dates():
    text = key("show", GOLDEN / "h2o.yaml").stdout.decode()
    roles = [line.split()[-1] for line in text.splitlines() if "AES-256" in line]
    assert roles == ["opens", "seals", "next"] and "from 2020-09-13 12:26:40Z to 2036-07-18 13:20:00Z" in text
    assert [k["role"] for k in keys_of(GOLDEN / "trafficserver.keys", "trafficserver")] == [
        "seals", "opens", "opens"]
    assert [k["role"] for k in keys_of(GOLDEN / "dnsdist.keys", "dnsdist")] == ["opens", "opens", "seals"]


def test_standard_input():
    given = (GOLDEN / "haproxy.keys").read_bytes()
    done = key("show", "-", input=given, stdin=None)
    assert done.returncode == 0 and done.stdout.startswith(b"standard input: 327 bytes")
    done = converted("haproxy", "h2o", "-", input=given, stdin=None)
    assert done.returncode == 0 and done.stdout.startswith(b"- name: " + golden()[0]["name"].encode())


def wrong_inputs(folder):
    """Path, exit status, what is said."""
    os.mkfifo(folder / "fifo")
    (folder / "empty").touch()
    (folder / "huge").touch()
    os.truncate(folder / "huge", 1 << 33)
    (folder / "text").write_text("-----BEGIN PRIVATE KEY-----\n")
    (folder / "odd").write_bytes(os.urandom(81))
    (folder / "seed").write_bytes(os.urandom(32))
    (folder / "blank").write_bytes((GOLDEN / "haproxy.keys").read_bytes() + b"\n")
    (folder / "yaml").write_text((GOLDEN / "h2o.yaml").read_text().replace("SHA256", "SHA512"))
    return (
        ("none", 2, "No such file"), (".", 2, "is a folder"), ("fifo", 2, "no regular file"),
        ("/dev/zero", 2, "no regular file"), ("empty", 1, "it is empty"), ("huge", 1, "more than 524288 bytes"),
        ("text", 1, "28 bytes"), ("odd", 1, "81 bytes: a key has 48, 64, 80 or 92"), ("seed", 1, "a seed of Go's"),
        ("blank", 1, "no blank line"), ("yaml", 1, "h2o's YAML, but not as h2o takes it"),
    )


@pytest.mark.parametrize("action", ("show", "check", "convert"))
def test_what_is_no_key_file(tmp_path, action):
    for name, code, says in wrong_inputs(tmp_path):
        for extra in ((), ("--format", "haproxy")):
            words = ("--from", "haproxy", "--to", "h2o") if action == "convert" else extra
            if name in ("seed", "yaml", "text", "odd") and "haproxy" in words:
                says = "no key file of haproxy"
            done = key(action, *words, tmp_path / name)
            assert (done.returncode, done.stdout) == (code, b""), (name, done)
            assert says in said(done), name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_file_that_cannot_be_read(tmp_path, open_folder):
    path = shutil.copy(GOLDEN / "nginx.key", open_folder / "key")
    os.chmod(path, 0o600)
    program = shutil.copy(reprise_path(), open_folder / "reprise")
    done = subprocess.run([program, "key", "show", path], user=65534, capture_output=True, check=False,
                          timeout=30)
    assert done.returncode == 2 and "Permission denied" in said(done)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_of_another_format_is_refused(form):
    other = "lighttpd.stek" if form != "lighttpd" else "nginx.key"
    done = key("show", "--format", form, GOLDEN / other)
    assert done.returncode == 1 and f"no key file of {form}" in said(done)


WEAK = {
    "zeroes": bytes(80), "of one byte": b"1" * 80, "counting": bytes(range(80)),
    "text": b"correct horse battery staple and some more words to make it as long as it is to be....",
    "both the same": os.urandom(16) + 2 * os.urandom(32),
    "one half": os.urandom(48) + bytes(32),
}


@pytest.mark.parametrize("name", WEAK)
def test_check_finds_weak_keys(memory, name):
    path = memory / "key"
    path.write_bytes(WEAK[name][:80])
    path.chmod(0o600)
    for words in ((), ("--format", "nginx")):
        code, text = judged(*words, path)
        assert code == 4 and ": weak: key " in text and "anybody can guess it" in text, text


def test_check_finds_a_weak_key_among_good_ones(memory):
    path = new(memory / "keys", "--format", "trafficserver", "--keys", "3")
    path.write_bytes(path.read_bytes()[:96] + os.urandom(16) + bytes(32))
    assert judged(path)[0] == 4


@pytest.mark.parametrize("mode, code, says", (
    (0o600, 0, "good"), (0o400, 0, "good"), (0o640, 0, "note: mode 0640: group"),
    (0o604, 4, "others than its owner can read it"), (0o644, 4, "can read it"), (0o620, 4, "can write it"),
    (0o602, 4, "can write it"),
))
def test_check_looks_at_who_can_read(memory, mode, code, says):
    path = new(memory / "key", "--format", "nginx")
    path.chmod(mode)
    found, text = judged(path)
    assert found == code and says in text, text


def test_check_tells_of_disks_and_short_keys(tmp_path, memory):
    code, text = judged(new(memory / "key", "--format", "nginx"))
    assert code == 0 and text.count("\n") == 1 and "good: 1 key of nginx, nghttpx or dnsdist" in text
    code, text = judged(new(memory / "short", "--format", "apache"))
    assert code == 0 and "RFC 9325" in text
    kind = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True)
    assert (kind.stdout.strip() in ("tmpfs", "ramfs")) == (
        "not on tmpfs" not in judged(new(tmp_path / "key", "--format", "nginx"))[1])


def test_check_finds_names_and_keys_that_are_there_twice(memory):
    first = new(memory / "a", "--format", "nginx")
    second, whole = memory / "b", first.read_bytes()
    shutil.copy(first, second)
    code, text = judged(first, second)  # two hosts have it, say
    assert code == 0 and f"{second}: note: key {whole[:16].hex()}: the same is in {first}" in text
    second.write_bytes(whole[:16] + whole[48:] + whole[16:48])  # for nghttpx, and read as nginx's
    assert judged(first, second)[0] == 0
    second.write_bytes(whole[:16] + os.urandom(64))
    code, text = judged(first, second)
    assert code == 1 and "its name is there twice" in text and f"{second}: unusable" in text
    second.write_bytes(os.urandom(16) + whole[16:])
    code, text = judged(first, second)
    assert code == 4 and "it was never replaced" in text
    second.write_bytes(new(memory / "c", "--format", "trafficserver").read_bytes() * 2)
    code, text = judged("--format", "trafficserver", second)
    assert code == 1 and "its name is there twice" in text


def test_check_of_haproxy(memory):
    lines = (GOLDEN / "haproxy.keys").read_bytes().splitlines(keepends=True)
    path = memory / "keys"
    path.write_bytes(b"".join(lines[:2]))
    path.chmod(0o600)
    code, text = judged(path)
    assert code == 1 and "haproxy wants 3 keys, and there are 2" in text
    more = [base64.b64encode(os.urandom(80)) + b"\n" for _ in range(2)]
    path.write_bytes(b"".join(more + lines))
    code, text = judged(path)
    assert code == 0 and "keeps the last 3 of its 5 keys" in text


def stek_of(now, begins, ends):
    return struct.pack("=iii", 0, int(now + begins), int(now + ends)) + os.urandom(80)


def test_check_of_dates(memory):
    now, path = time.time(), memory / "stek"
    path.touch(mode=0o600)
    for begins, ends, code, says in (
            (-60, 3600, 0, "good"), (3600, 7200, 1, "no key seals now, the next begins "),
            (-7200, -3600, 1, "all its keys have ended")):
        path.write_bytes(stek_of(now, begins, ends))
        found, text = judged(path)
        assert found == code and says in text, text


def test_the_worst_counts(memory):
    good, bad = new(memory / "good", "--format", "nginx"), new(memory / "bad", "--format", "nginx")
    bad.chmod(0o644)
    (memory / "odd").write_bytes(b"odd")
    assert judged(good, bad)[0] == 4 and judged(bad, good)[0] == 4
    code, text = judged(good, memory / "odd")
    assert code == 1 and "no key file" in text
    assert judged(memory / "odd", bad)[0] == 4


def test_keys_of_h2o_with_long_hmac_keys(memory):
    """As h2o's users make them: nobody else has a place for such keys."""
    path = memory / "h2o.yaml"
    path.touch(mode=0o600)
    text = (GOLDEN / "h2o.yaml").read_text()
    path.write_text(re.sub("0{64}\n", lambda _: os.urandom(32).hex() + "\n", text))
    assert {k["hmac_bytes"] for k in keys_of(path, "h2o")} == {64} and judged(path)[0] == 0
    done = converted("h2o", "haproxy", path)
    assert done.returncode == 1 and "h2o's HMAC keys of 64 bytes" in said(done)
    assert converted("h2o", "h2o", path).stdout == path.read_bytes()
    path.write_text(re.sub("0{64}\n", lambda _: "7f" * 32 + "\n", text))
    assert judged(path)[0] == 4


# Which golden file each of the formats has the same three keys in, long and short.
THREE = {"haproxy": "haproxy.keys", "h2o": "h2o.yaml", "dnsdist": "dnsdist.keys"}
THREE_SHORT = {"haproxy": "haproxy-short.keys", "h2o": "h2o-short.yaml", "trafficserver": "trafficserver.keys"}


@pytest.mark.parametrize("files", (THREE, THREE_SHORT), ids=("long", "short"))
def test_all_ways_between_formats_of_many_keys(tmp_path, files):
    for source, name in files.items():
        for target, wanted in files.items():
            out = tmp_path / f"{source}-{target}"
            done = converted(source, target, GOLDEN / name, "-o", out)
            assert done.returncode == 0, done.stderr
            given = {k["name"]: (k["aes_key"], k["hmac_key"]) for k in keys_of(GOLDEN / name, source)}
            keys = keys_of(out, target)
            assert {k["name"]: (k["aes_key"], k["hmac_key"]) for k in keys} == given
            (sealing,) = [k["name"] for k in keys if k["role"] == "seals"]
            assert sealing == golden()[1]["name"]
            if target != "h2o" or source == "h2o":  # else its dates are new
                assert out.read_bytes() == (GOLDEN / wanted).read_bytes(), (source, target)


ONE = {"nginx": "nginx.key", "nghttpx": "nghttpx.key", "lighttpd": "lighttpd.stek"}
ONE_SHORT = {"nginx": "nginx-short.key", "nghttpx": "nghttpx-short.key", "apache": "apache.key"}


@pytest.mark.parametrize("files", (ONE, ONE_SHORT), ids=("long", "short"))
def test_all_ways_between_formats_of_one_key(files):
    for source, name in files.items():
        for target, wanted in files.items():
            done = converted(source, target, GOLDEN / name)
            assert done.returncode == 0, done.stderr
            made, file = done.stdout, (GOLDEN / wanted).read_bytes()
            if target == "lighttpd" != source:  # its dates are new
                made, file = made[12:], file[12:]
            assert made == file, (source, target)


def test_several_files_of_nginx_to_haproxy_and_back(tmp_path):
    """The first seals; the last is next, as nothing else says which is."""
    paths = [new(tmp_path / f"{i}", "--format", "nginx") for i in range(3)]
    out, folder = tmp_path / "keys", tmp_path / "folder"
    assert converted("nginx", "haproxy", *paths, "-o", out).returncode == 0
    names = [p.read_bytes()[:16].hex() for p in paths]
    assert [(k["name"], k["role"]) for k in keys_of(out, "haproxy")] == [
        (names[1], "opens"), (names[0], "seals"), (names[2], "next")]
    folder.mkdir()
    assert converted("haproxy", "nginx", out, "-o", folder).returncode == 0
    assert [(folder / f"{i}.key").read_bytes() for i in range(3)] == [p.read_bytes() for p in paths]
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}


def test_a_folder_is_filled_whole_or_not_at_all(tmp_path):
    (tmp_path / "2.key").write_text("mine")
    done = converted("haproxy", "nginx", GOLDEN / "haproxy.keys", "-o", tmp_path)
    assert done.returncode == 2 and "2.key: is there" in said(done)
    assert [p.name for p in tmp_path.iterdir()] == ["2.key"]
    assert converted("haproxy", "nginx", GOLDEN / "haproxy.keys", "-o", tmp_path, "--force").returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.key", "1.key", "2.key"]


def test_what_cannot_be_converted(tmp_path):
    other = new(tmp_path / "n", "--format", "nginx")
    gone = tmp_path / "gone"
    gone.write_bytes(stek_of(time.time(), -7200, -3600))
    g = GOLDEN
    for words, code, says in (
            (("nginx", "apache", g / "nginx.key"), 1, "apache takes keys of AES-128 alone"),
            (("apache", "lighttpd", g / "apache.key"), 1, "lighttpd takes keys of AES-256 alone"),
            (("nginx", "haproxy", g / "nginx.key"), 1, "haproxy wants 3 keys"),
            (("nginx", "haproxy", g / "nginx.key", other), 1, "there are 2"),
            (("nginx", "haproxy", g / "nginx.key", other, g / "nginx.key"), 1, "two keys have the name"),
            (("nginx", "haproxy", g / "nginx-short.key", other, g / "nginx.key"), 1, "the name"),
            (("nginx", "haproxy", g / "nginx-short.key", other, tmp_path / "more"), 1, "two lengths"),
            (("haproxy", "nginx", g / "haproxy.keys"), 2, "-o and a folder"),
            (("haproxy", "h2o", g / "haproxy.keys", g / "haproxy.keys"), 2, "all its keys in one file"),
            (("dnsdist", "dnsdist-gnutls", g / "dnsdist.keys"), 1, "tickets of GnuTLS"),
            (("dnsdist-gnutls", "dnsdist", g / "dnsdist-gnutls.keys"), 1, "tickets of GnuTLS"),
            (("lighttpd", "dnsdist", gone), 1, "none of the keys seals now")):
        if not (tmp_path / "more").exists():
            new(tmp_path / "more", "--format", "nginx")
        done = converted(*words)
        assert (done.returncode, done.stdout) == (code, b""), (words, done)
        assert says in said(done), words


@pytest.mark.parametrize("words, says", (
    (("--from", "nginx", "x"), "convert needs --from FORMAT and --to FORMAT"),
    (("--from", "nginx", "--to", "h2o"), "which file?"),
    (("--from", "nginx", "--to", "h2o", "--format", "nginx", "x"), "convert takes no --format"),
    (("--from", "nginx", "--to", "h2o", "--json", "x"), "convert takes no --json"),
))
def test_a_wrong_command_line_converts_nothing(words, says):
    done = key("convert", *words)
    assert (done.returncode, done.stdout) == (2, b"") and says in said(done)


def test_a_converted_key_opens_what_its_server_sealed(tmp_path, certificate):
    """nginx's own ticket, with nginx's key as it is for each of the others."""
    fleet = Fleet(tmp_path, "nginx", certificate, n=1, keys="shared")
    try:
        seen = connect(*fleet.addresses[0], "ticket12")
        source = fleet.members[0].folder / "ticket0.key"
        for form in ("lighttpd", "h2o", "nghttpx", "dnsdist"):
            out = tmp_path / form
            assert converted("nginx", form, source, "-o", out).returncode == 0
            told = tickets.ticket("open", "--key", out, "--json", given=seen.text.encode())
            assert told.code == 0 and told.json["tickets"][-1]["opened"], (form, told.errors)
    finally:
        fleet.stop()


def test_a_converted_key_seals_what_another_opens(tmp_path, certificate, monkeypatch):
    """Two nginx resume each other's sessions, one with a key that went to HAProxy and back."""
    went, plain = tmp_path / "went", stek.write_nginx
    went.mkdir()

    def write(folder, steks, short=False):
        paths = plain(folder, steks, short)
        if not list(went.iterdir()):
            others = [new(folder / f"other{i}", "--format", "nginx") for i in range(2)]
            assert converted("nginx", "haproxy", *paths, *others, "-o", went / "keys").returncode == 0
            assert converted("haproxy", "nginx", went / "keys", "-o", went).returncode == 0
            paths[0].write_bytes((went / "0.key").read_bytes())
        return paths

    monkeypatch.setattr(stek, "write_nginx", write)
    fleet = Fleet(tmp_path, "nginx", certificate, n=2, keys="shared")
    try:
        kept = tmp_path / "session.pem"
        assert connect(*fleet.addresses[0], "ticket12", out=kept).established
        assert connect(*fleet.addresses[1], "ticket12", given=kept).reused
    finally:
        fleet.stop()


@pytest.mark.parametrize("short", ((), ("--short",)), ids=("long", "short"))
def test_haproxy_takes_what_is_made_for_it(tmp_path, certificate, short):
    """It refuses a file of two keys, as check does."""
    program, path, both = find("haproxy"), tmp_path / "keys", tmp_path / "both.pem"
    both.touch(mode=0o600)
    both.write_bytes(certificate.key.read_bytes() + certificate.chain.read_bytes())
    (tmp_path / "cfg").write_text(
        "defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n"
        f"frontend f\n bind 127.0.0.1:1 ssl crt {both} tls-ticket-keys {path}\n")

    def taken():
        done = subprocess.run([program, "-c", "-f", tmp_path / "cfg"], capture_output=True, check=False,
                              timeout=30)
        return done.returncode == 0

    new(path, "--format", "haproxy", *short)
    assert taken() and judged(path)[0] == 0
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert not taken() and judged(path)[0] == 1


def examples():
    page = (ROOT / "man/reprise-key.1").read_text().replace("\\-", "-")
    page = page[page.index(".SH EXAMPLES"):]
    return [block.strip().splitlines() for block in re.findall(r"\.EX\n(.*?)\.EE", page, re.S)]


def test_the_examples_of_the_man_page(tmp_path):
    first, second = examples()[:2]
    environment = dict(os.environ, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/reprise").symlink_to(reprise_path())
    for name in ("new", "old", "next"):
        new(tmp_path / f"{name}.key", "--format", "nginx")
    for line in first + second:
        subprocess.run(["sh", "-euc", line], cwd=tmp_path, env=environment, check=True, timeout=30,
                       stdout=sys.stderr)
    assert (tmp_path / "keys/0.key").read_bytes() == (tmp_path / "new.key").read_bytes()
    assert (tmp_path / "keys/2.key").read_bytes() == (tmp_path / "next.key").read_bytes()
