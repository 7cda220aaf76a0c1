"""What is installed beside the programs: the example, the unit, the users."""

import re
import shutil
import subprocess

import pytest
from harness import ROOT, Reprised, reprised_path

PACKAGING = ROOT / "packaging"


@pytest.fixture
def example(tmp_path, authority):
    """The example in a folder with the certificate that it names."""
    made = authority.issue("www.example.com")
    shutil.copy(made.chain, tmp_path / "www.example.com.pem")
    shutil.copy(made.key, tmp_path / "www.example.com.key")
    return shutil.copy(PACKAGING / "reprised.conf", tmp_path / "reprised.conf")


def test_the_example_is_right(example):
    done = subprocess.run([reprised_path(), "-t", "-c", example], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, f"{example}: ok\n")


def test_the_example_serves(tmp_path, example):
    with open(example, encoding="utf-8") as file:
        text = file.read()
    for address in ('"[::]:443"', "127.0.0.1:9443"):
        assert text.count(address) == 1
        text = text.replace(address, "127.0.0.1:0")
    text = text.replace("\nlog:\n", "\nlog:\n  format: json\n")
    with Reprised(tmp_path, text) as server:
        assert server.logs("admin listening")
        server.signal(15)
        assert server.wait() == 0


def test_the_unit_reads_the_example_where_it_is_copied_to():
    unit = (PACKAGING / "reprised.service.in").read_text()
    paths = set(re.findall(r"-c (\S+)", unit))
    assert len(paths) == 1
    assert f"copy it to {paths.pop()} " in (PACKAGING / "reprised.conf").read_text()


def test_the_unit_is_understood(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    program = tmp_path / "reprised"
    program.symlink_to(reprised_path())
    unit = tmp_path / "reprised.service"
    unit.write_text((PACKAGING / "reprised.service.in").read_text().replace("@sbindir@", str(tmp_path)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True,
                          text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_users_are_the_same_everywhere():
    sysusers = re.findall(r"^u +(\S+)", (PACKAGING / "reprise.sysusers").read_text(), re.M)
    script = re.search(r"for user in (.*); do", (PACKAGING / "create-users").read_text())[1].split()
    source = (ROOT / "src/daemon/privileges.c").read_text()
    user = re.search(r'#define DEFAULT_USER "(\S+)"', source)[1]
    suffixes = re.findall(r'#define \w+_SUFFIX "(\S+)"', source)
    assert sysusers == script == [user, *(user + s for s in suffixes)]


def test_a_stop_after_an_upgrade_waits():
    """After SIGUSR2 the main process is no child of systemd, which would not wait for it alone."""
    unit = (PACKAGING / "reprised.service.in").read_text()
    assert "\nKillMode=control-group\n" in unit
