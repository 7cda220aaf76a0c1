"""docs/FEEDS.md shows what runs: its configurations are taken, and its lines are those of the tests."""

import re

import pytest
from fed import KINDS, Fed, Folders
from harness import ROOT
from hosts import new_secret
from static_keys import check_config

TEXT = (ROOT / "docs/FEEDS.md").read_text()
TITLES = {"nginx": "nginx", "haproxy": "HAProxy", "trafficserver": "Traffic Server", "h2o": "h2o",
          "lighttpd": "lighttpd", "apache": "Apache httpd"}


def blocks(text, kind):
    """Those that are marked as this kind, without what they are indented by."""
    found = re.findall(rf"^( *)```{kind}\n(.*?)^\1```$", text, re.M | re.S)
    return [re.sub(rf"^{indent}", "", body, flags=re.M) for indent, body in found]


def section(title):
    return re.search(rf"^## {title}$(.*?)(?=^## |\Z)", TEXT, re.M | re.S)[1]


FEEDS = [b for b in blocks(TEXT, "yaml") if re.search("^feeds:", b, re.M)]


@pytest.fixture
def keys():
    folders = Folders()
    yield folders.new()
    folders.stop()


@pytest.mark.parametrize("text", FEEDS, ids=lambda text: re.search(r"- (\w+):", text)[1])
def test_configurations_are_taken(tmp_path, keys, text):
    """With commands and groups that are here, too."""
    text = re.sub(r"reload: \[[^],]*", "reload: [/bin/true", text)
    text = re.sub(r"group: .*", "group: nogroup", text).replace("/run/reprise", str(keys.parent))
    (tmp_path / "fleet.secret").write_text(new_secret())
    (tmp_path / "fleet.secret").chmod(0o600)
    code, said = check_config(tmp_path, re.sub(r"secret: .*", "secret: fleet.secret", text))
    assert code == 0, said


@pytest.mark.parametrize("kind", TITLES)
def test_lines_are_those_that_run(tmp_path, keys, certificate, kind):
    """Each word of a line of the server's, but for addresses and certificates, is in one of ours."""
    made = KINDS[kind]
    server = Fed(tmp_path / kind, made, "127.0.0.1", 1, certificate, keys, 1)
    paths = {"/run/haproxy/admin.sock": str(server.socket), "reprise-feeder": server.feeder or "-"}
    if made.file:
        paths[f"/run/reprise/{kind}/{made.file}"] = str(server.fed)
    else:
        paths["/run/reprise/nginx"] = str(server.keys)
    made.prepare(server)
    ran = [line for path in server.folder.rglob("*.c*") if path.is_file()
           for line in path.read_text().splitlines()]
    shown = re.search(r"^```\w*\n(.*?)^```$", section(TITLES[kind]), re.M | re.S)[1]
    for name, path in paths.items():
        shown = shown.replace(name, path)
    for line in shown.splitlines():
        words = [w for w in line.split() if not w.startswith((":", "/etc/"))]
        if server.feeder is None:
            words = [w for w in words if w not in ("user", "-")]
        assert any(all(word in other.split() or word in other for word in words)
                   for other in ran), line
