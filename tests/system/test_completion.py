"""Completion in bash and zsh knows every command and option, and no other."""

import re
import shutil
import subprocess

import pytest
from harness import ROOT, reprise_path

BASH = ROOT / "completions/reprise.bash"
ZSH = ROOT / "completions/_reprise"
COMMANDS = ("probe", "load", "ticket", "key", "fleet")
OPTION = re.compile(r"--[a-z][a-z0-9-]*")


def options(command):
    done = subprocess.run(
        [reprise_path(), command, "--help"], capture_output=True, text=True, check=True)
    found = set(OPTION.findall(done.stdout)) | {"--help"}
    # The help names them otherwise, or leaves out what is the default.
    return found | {"--ipv4", "--ipv6", "--http"} if command == "probe" else found


def complete_in_bash(*words):
    """What bash offers for the last of the words."""
    script = (
        f"source {BASH}; compopt() {{ :; }}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _reprise; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_commands_in_bash():
    assert set(COMMANDS) < complete_in_bash("reprise", "")
    assert complete_in_bash("reprise", "pr") == {"probe"}


@pytest.mark.parametrize("command", COMMANDS)
def test_options_in_bash(command):
    action = {"ticket": ["audit"], "key": ["fleet-secret"], "fleet": ["status"]}.get(command, [])
    words = ("reprise", command, *action, "--")
    assert complete_in_bash(*words) == options(command)


def test_lists_in_bash():
    assert complete_in_bash("reprise", "probe", "--mechanisms", "id12,ti") == {
        "id12,ticket12", "id12,ticket13", "id12,ticket11", "id12,ticket10"}
    assert complete_in_bash("reprise", "probe", "--starttls", "") == {"smtp"}
    assert "early=all" in complete_in_bash("reprise", "probe", "--expect", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_options_in_zsh(command):
    text = ZSH.read_text()
    body = text[text.index(f"_reprise_{command}() {{"):]
    assert set(OPTION.findall(body[:body.index("\n}\n")])) == options(command)


def test_checks_are_those_of_the_audit():
    done = subprocess.run(
        [reprise_path(), "probe", "--checks", "?", "x"], capture_output=True, text=True, check=False)
    words = done.stderr.partition("they are ")[2].strip().split(", ")
    assert len(words) > 10
    assert complete_in_bash("reprise", "probe", "--checks", "") == set(words)
    page = (ROOT / "man/reprise-probe.1").read_text().replace("\\-", "-")
    for word in words:
        assert re.search(rf"\b{word}\b", ZSH.read_text())
        assert re.search(rf"^\.BR? {word}( ,)?$", page, re.MULTILINE), word


def test_the_man_page_has_every_option():
    page = (ROOT / "man/reprise-probe.1").read_text().replace("\\-", "-")
    assert set(OPTION.findall(page)) - {"--version"} == options("probe") - {"--help"}


def test_zsh_takes_it():
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    subprocess.run(["zsh", "-n", ZSH], check=True)
