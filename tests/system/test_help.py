"""What --help says fits a screen of 24 lines of 80 columns, whichever program is asked."""

import subprocess

import pytest
from harness import reprise_path, reprised_path
from test_completion import COMMANDS

LINES, COLUMNS = 24, 80


@pytest.mark.parametrize("command", [None, "daemon", *COMMANDS])
def test_it_fits_a_screen(command):
    argv = [reprised_path()] if command == "daemon" else [reprise_path(), *filter(None, [command])]
    done = subprocess.run([*argv, "--help"], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].lower().startswith("usage: ") and done.stderr == ""
    assert len(lines) <= LINES and max(map(len, lines)) <= COLUMNS, done.stdout


def test_all_commands_are_told():
    done = subprocess.run([reprise_path(), "--help"], capture_output=True, text=True, check=True)
    told = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert told == {*COMMANDS, "help"}
