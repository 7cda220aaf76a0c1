"""Configurations with a mistake: each is refused with its file, line and column."""

import re

import pytest
from configs import one_site
from harness import Process, reprised_path, yaml_text
from static_keys import check_config

GOOD = """\
workers: 2
fleet:
  rotate: 1h
  accept: 24h
listen:
  - address: 127.0.0.1:0
    session_cache: 10mb
    sites:
      - name: localhost
        certificate: {chain}
        key: {key}
log:
  format: json
"""

# What is replaced, by what, and where the complaint must point.
BROKEN = {
    "unknown directive": ("workers: 2", "wrokers: 2", 1, 1),
    "unknown directive inside": ("  rotate: 1h", "  rotatte: 1h", 3, 3),
    "not a number": ("workers: 2", "workers: two", 1, 10),
    "a number too large": ("workers: 2", "workers: 100000", 1, 10),
    "zero": ("workers: 2", "workers: 0", 1, 10),
    "no unit": ("rotate: 1h", "rotate: 1 fortnight", 3, 11),
    "negative": ("rotate: 1h", "rotate: -1h", 3, 11),
    "accept over 255 rotate": ("accept: 24h", "accept: 300h", 4, None),
    "twice": ("workers: 2", "workers: 2\nworkers: 3", 2, 1),
    "no port": ("127.0.0.1:0", "127.0.0.1", 6, 14),
    "no address": ("127.0.0.1:0", "nowhere:443", 6, 14),
    "port out of range": ("127.0.0.1:0", "127.0.0.1:70000", 6, 14),
    "a size that is none": ("10mb", "much", 7, 20),
    "a name that is none": ("name: localhost", "name: a b", 9, 15),
    "a name with two stars": ("name: localhost", "name: '*.*.test'", 9, 15),
    "a certificate that is not there": ("{chain}", "nowhere.pem", 10, 22),
    "a key that is not there": ("{key}", "nowhere.key", 11, 14),
    "a log format that is none": ("format: json", "format: xml", 13, 11),
    "a scalar where a list is due": ("listen:\n  -", "listen: yes\nx:\n  -", 5, 9),
    "a list where a map is due": ("log:\n  format: json", "log:\n  - json", 13, 3),
    "no YAML": ("workers: 2", "workers: [2", None, None),
    "a tab": ("  rotate", "\trotate", None, None),
}


def complaint(folder, text):
    code, said = check_config(folder, text)
    assert code != 0, said
    found = re.search(r"checked\.yaml:(\d+):(\d+): (.+)", said)
    assert found, said
    return int(found[1]), int(found[2]), found[3]


@pytest.mark.parametrize("how", BROKEN)
def test_a_mistake_is_located(certificate, tmp_path, how):
    before, after, line, column = BROKEN[how]
    assert before in GOOD
    text = GOOD.replace(before, after, 1)
    text = text.format(chain=certificate.chain, key=certificate.key)
    at_line, at_column, sentence = complaint(tmp_path, text)
    assert line in (None, at_line), sentence
    assert column in (None, at_column), sentence
    assert len(sentence) > 10


def test_a_good_one_is_taken(certificate, tmp_path):
    text = GOOD.format(chain=certificate.chain, key=certificate.key)
    code, said = check_config(tmp_path, text)
    assert code == 0, said


def test_a_key_of_another_certificate(certificate, authority, tmp_path):
    other = authority.issue("localhost")
    text = GOOD.format(chain=certificate.chain, key=other.key)
    line, _, _ = complaint(tmp_path, text)
    assert line in (10, 11)


def test_one_name_twice(certificate, tmp_path):
    config = one_site(certificate)
    config["listen"][0]["sites"] *= 2
    complaint(tmp_path, yaml_text(config) + "\n")


def test_a_broken_one_does_not_start(certificate, tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("workers: none\n")
    with Process([reprised_path(), "-c", path]) as process:
        assert process.wait(10) != 0
        assert any("broken.yaml:1:10" in line for line in process.output.lines)


def test_a_file_that_is_not_there(tmp_path):
    with Process([reprised_path(), "-c", tmp_path / "nowhere.yaml"]) as process:
        assert process.wait(10) != 0
        assert any("nowhere.yaml" in line for line in process.output.lines)


@pytest.mark.parametrize("args", [["--nonsense"], ["-c"], ["-l", "nowhere"], ["more"]])
def test_a_wrong_command_line(args):
    with Process([reprised_path(), *args]) as process:
        assert process.wait(10) in (1, 2)
        assert process.output.lines
