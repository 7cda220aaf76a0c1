"""`reprise key fleet-secret`: a secret that nobody else can read for a moment, and its judge."""

import ctypes
import os
import pty
import re
import subprocess
import zlib

import pytest
from harness import ROOT, reprise_path

PREFIX = "reprise-fleet-secret-1:"
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


def key(*arguments, **how):
    how = {"stdout": subprocess.PIPE, **how}
    return subprocess.run(
        [reprise_path(), "key", *map(str, arguments)], stderr=subprocess.PIPE, text=True, timeout=20,
        check=False, **how)


def secret_of(line):
    """The bytes of a secret, by docs/formats/fleet-secret.md."""
    assert line.startswith(PREFIX) and len(line) == len(PREFIX) + 58
    number = 0
    for digit in line[len(PREFIX):]:
        number = number << 5 | DIGITS.index(digit)
    assert number & 3 == 0
    whole = (number >> 2).to_bytes(36, "big")
    assert zlib.crc32(PREFIX.encode() + whole[:32]) == int.from_bytes(whole[32:], "big")
    return whole[:32]


def text_of(secret):
    number = int.from_bytes(secret + zlib.crc32(PREFIX.encode() + secret).to_bytes(4, "big"), "big") << 2
    return PREFIX + "".join(DIGITS[number >> 5 * (57 - i) & 31] for i in range(58))


def make(path, mode=0o644, flags=os.O_TRUNC, **how):
    """As `> path` (or `>> path`) of a shell whose umask leaves mode."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | flags, mode)
    try:
        if not flags & os.O_APPEND:
            os.fchmod(fd, mode)
        return key("fleet-secret", stdout=fd, **how)
    finally:
        os.close(fd)


def test_new_secrets_are_random_and_each_another():
    seen = set()
    for _ in range(20):
        done = key("fleet-secret")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("\n") and done.stdout.count("\n") == 1
        seen.add(secret_of(done.stdout[:-1]))
    assert len(seen) == 20
    ones = sum(bin(byte).count("1") for secret in seen for byte in secret)
    assert abs(ones - 2560) < 250  # seven standard deviations


@pytest.mark.parametrize("mode", (0o644, 0o666, 0o604, 0o640, 0o660, 0o600))
def test_a_file_is_closed_to_others_before_it_is_written(tmp_path, mode):
    path = tmp_path / "fleet.secret"
    done = make(path, mode)
    assert (done.returncode, done.stderr) == (0, "")
    assert path.stat().st_mode & 0o7777 == 0o600
    assert key("fleet-secret", "--check", path).returncode == 0


def test_a_file_that_somebody_has_open_is_not_written(tmp_path):
    path = tmp_path / "fleet.secret"
    path.touch(0o644)
    with path.open("rb") as listener:
        done = make(path)
        assert done.returncode == 2 and "somebody has the file" in done.stderr
        assert listener.read() == b"" and path.stat().st_mode & 0o7777 == 0o600
    done = make(path)
    assert (done.returncode, done.stderr) == (0, "")


@ROOT_ONLY
def test_a_file_that_cannot_be_closed_to_others_is_not_written(tmp_path):
    path = tmp_path / "fleet.secret"
    path.touch()
    os.chown(path, 1, 1)
    done = make(path, 0o666, preexec_fn=disown)
    assert done.returncode == 2 and "mode 0666" in done.stderr
    assert path.read_bytes() == b"" and path.stat().st_mode & 0o7777 == 0o666


def disown():
    """What is run next as root has no power over files of others."""
    drop_from_bounds, owner = 24, 3  # PR_CAPBSET_DROP, CAP_FOWNER
    ctypes.CDLL(None).prctl(drop_from_bounds, owner, 0, 0, 0)


def test_a_terminal_gets_it_with_a_word_of_warning():
    master, slave = pty.openpty()
    done = key("fleet-secret", stdout=slave)
    os.close(slave)
    secret_of(os.read(master, 200).decode().strip())
    os.close(master)
    assert done.returncode == 0 and "for a file" in done.stderr


def test_output_that_fails_is_an_error():
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = key("fleet-secret", stdout=full)
    assert done.returncode == 2 and "No space left" in done.stderr
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" key fleet-secret >&-', reprise_path()], stderr=subprocess.PIPE,
        text=True, check=False)
    assert done.returncode == 2 and "cannot write" in done.stderr
    with open("/dev/full", "w", encoding="utf-8") as full:
        assert key("--help", stdout=full).returncode != 0


def test_a_second_one_is_appended(tmp_path):
    path = tmp_path / "fleet.secret"
    make(path)
    done = key("fleet-secret", "--check", path)
    assert done.stdout.startswith(f"{path}: one fleet secret: reprised takes it")
    make(path, flags=os.O_APPEND)
    done = key("fleet-secret", "--check", path)
    assert done.stdout.startswith(f"{path}: two fleet secrets, the first is spoken: reprised takes it")
    make(path, flags=os.O_APPEND)
    done = key("fleet-secret", "--check", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path}:3: a third fleet secret" in done.stderr


GOOD = text_of(bytes((i * i * 7 + i // 3 * 11 + 5) & 255 for i in range(32)))
WRONG = {
    "checksum": (f"# x\n{GOOD[:-3]}{'0' if GOOD[-3] != '0' else '1'}{GOOD[-2:]}\n", ":2: the checksum differs"),
    "character": (f"{GOOD[:40]}u{GOOD[41:]}\n", ":1:41: no fleet secret has the character"),
    "short": (GOOD[:-1] + "\n", ":1: 57 characters after the colon"),
    "wrapped": (GOOD[:60] + "\n" + GOOD[60:], ":1: 37 characters after the colon"),
    "password": ("swordfish\n", ":1: not a fleet secret"),
    "version": (GOOD.replace("-1:", "-2:"), "other versions are not known"),
    "zeroes": (text_of(bytes(32)), ":1: the fleet secret is not random: all its bytes are equal"),
    "counting": (text_of(bytes(range(32))), ":1: the fleet secret is not random: its bytes count"),
    "twice": (GOOD + "\n" + GOOD.upper() + "\n", ":2: the same fleet secret"),
    "empty": ("", ": no fleet secret in it"),
    "long": (GOOD + "\n" + "#" * 5000, ": more than 4096 bytes"),
    "nul": (GOOD + "\0\n", ":1:82: no fleet secret has the character"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_inside_is_told(tmp_path, what):
    path = tmp_path / "fleet.secret"
    path.write_text(WRONG[what][0], encoding="utf-8")
    path.chmod(0o600)
    done = key("fleet-secret", "--check", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path}:" in done.stderr and WRONG[what][1] in done.stderr
    assert done.stderr.count("\n") == 1 and GOOD[30:36] not in done.stderr


@pytest.mark.parametrize("mode", (0o644, 0o640, 0o620, 0o604, 0o601, 0o660))
def test_a_mode_that_lets_others_in_is_refused(tmp_path, mode):
    path = tmp_path / "fleet.secret"
    path.write_text(GOOD, encoding="utf-8")
    path.chmod(mode)
    done = key("fleet-secret", "--check", path)
    assert done.returncode == 1 and f"mode {mode:04o}" in done.stderr and "chmod 600" in done.stderr
    path.chmod(0o400)
    assert key("fleet-secret", "--check", path).returncode == 0


@ROOT_ONLY
def test_a_file_of_another_user_is_refused(tmp_path):
    path = tmp_path / "fleet.secret"
    make(path)
    os.chown(path, 1, 0)
    done = key("fleet-secret", "--check", path)
    assert done.returncode == 1 and "belongs to user 1" in done.stderr


def test_what_is_no_file_is_refused(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    for path, says in ((fifo, "not a regular file"), (tmp_path, "not a regular file"),
                       ("/dev/null", "not a regular file"), (tmp_path / "none", "No such file")):
        done = key("fleet-secret", "--check", path)
        assert (done.returncode, done.stdout) == (1, "") and f"{path}: " in done.stderr
        assert says in done.stderr


@pytest.mark.parametrize("words, says", (
    ((), "fleet-secret is to be said"),
    (("old",), 'unknown action "old"'),
    (("fleet-secret", "x"), '"x" is one word too much'),
    (("fleet-secret", "--check"), "--check needs a value"),
    (("fleet-secret", "--json"), "fleet-secret takes no --json"),
    (("fleet-secret", "--check", "a", "--check", "b"), "--check is given twice"),
    (("--check", "a"), "fleet-secret is to be said"),
))
def test_a_wrong_command_line_is_told(words, says):
    done = key(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr and done.stderr.count("\n") == 1


def test_the_man_page_has_all_of_the_help():
    done = key("--help")
    assert done.returncode == 0
    page = (ROOT / "man/reprise-key.1").read_text(encoding="utf-8").replace("\\-", "-")
    options = set(re.findall(r"--[a-z]+", done.stdout))
    assert options == set(re.findall(r"--[a-z]+", page)) and "fleet-secret" in page
