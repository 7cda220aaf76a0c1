"""Ticket keys that must never be used, in every way that a key can come in."""

import pytest
from configs import one_site
from static_keys import WEAK, check_config, key_file, nginx_key


@pytest.mark.parametrize("size", [48, 80])
@pytest.mark.parametrize("name", WEAK)
def test_a_weak_key_is_refused(certificate, tmp_path, name, size):
    """Hebrok et al., USENIX Security 2023; CVE-2020-13777: refused, naming the file."""
    path = key_file(tmp_path, "weak.key", WEAK[name](size))
    good = key_file(tmp_path, "good.key", nginx_key(80))
    for keys in ([path], [good, path]):
        code, said = check_config(tmp_path, one_site(certificate, top={"session_ticket_key": keys}))
        assert code != 0, said
        assert "weak.key" in said


def test_a_weak_key_does_not_start(certificate, tmp_path):
    """CVE-2020-13777: nor does the daemon serve under one."""
    path = key_file(tmp_path, "weak.key", bytes(80))
    made = one_site(certificate, top={"session_ticket_key": [path]})
    code, said = check_config(tmp_path, made, args=())
    assert code not in (0, None) and "weak.key" in said


@pytest.mark.parametrize("size", [48, 80])
def test_a_good_key_is_taken(certificate, tmp_path, size):
    path = key_file(tmp_path, "good.key", nginx_key(size))
    code, said = check_config(tmp_path, one_site(certificate, top={"session_ticket_key": [path]}))
    assert code == 0, said


@pytest.mark.parametrize("size", [0, 1, 47, 49, 64, 79, 81, 96, 4096])
def test_a_key_of_another_length_is_refused(certificate, tmp_path, size):
    """CVE-2020-13777: a key that is not all there must not be filled up with something."""
    path = key_file(tmp_path, "odd.key", nginx_key(size))
    code, said = check_config(tmp_path, one_site(certificate, top={"session_ticket_key": [path]}))
    assert code != 0 and "odd.key" in said, said


def test_one_key_name_twice_is_refused(certificate, tmp_path):
    first = key_file(tmp_path, "first.key", nginx_key(80))
    second = key_file(tmp_path, "second.key", first.read_bytes()[:16] + nginx_key(80)[16:])
    top = {"session_ticket_key": [first, second]}
    code, said = check_config(tmp_path, one_site(certificate, top=top))
    assert code != 0 and "second.key" in said, said
