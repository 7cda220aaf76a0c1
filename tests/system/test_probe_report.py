"""What `reprise probe` writes: JSON as its schema has it, a page on its own, a document of causes."""

import html.parser
import json
import re
import subprocess

import json_schema
import pytest
from certificates import Authority
from harness import ROOT, OpensslServer, free_port, reprise_path

SCHEMA = json.loads((ROOT / "docs/formats/probe.schema.json").read_text())
DOCUMENT = (ROOT / "docs/PROBE.md").read_text()
FORMAT = (ROOT / "docs/formats/probe-json.md").read_text()
EMPTY = {"br", "hr", "img", "input", "link", "meta", "path", "rect"}


def words(header, x_macro):
    """The words of an X macro, in its order."""
    text = (ROOT / header).read_text()
    body = re.search(rf"#define {x_macro}\(X\)((?:.*\\\n)+.*)", text)[1]
    return re.findall(r'X\(\w+,\s*"([^"]+)"', body)


def probe(*args, env=None):
    done = subprocess.run(
        [reprise_path(), "probe", *args], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=40, check=False, env=env,
    )
    assert done.stderr == b"", done.stderr.decode(errors="replace")
    return done.stdout.decode()


@pytest.fixture
def server(tmp_path):
    certificate = Authority(tmp_path).issue("localhost")
    with OpensslServer(tmp_path, certificate) as running:
        yield running


def targets(server):
    """Where something answers, and where nothing does."""
    return [
        f"localhost:{server.address.port}", "--at", "127.0.0.1", "--at", f"127.0.0.1:{free_port()}",
        "--method", "GET", "--mechanisms", "id12,ticket12,ticket13,early", "--tries", "2",
    ]


def test_json_is_as_its_schema_has_it(server):
    report = json.loads(probe(*targets(server), "--json", "--aged", "100ms"))
    assert list(json_schema.errors(report, SCHEMA)) == []
    assert {m["mechanism"]: m["matrix"][0][0]["resumed"] for m in report["mechanisms"]} == {
        "id12": 2, "ticket12": 2, "ticket13": 2, "early": 0,
    }
    assert {d["cause"] for d in report["diagnoses"]} == {"unreachable", "not-issued"}
    assert report["aged"]


@pytest.mark.full
def test_an_audit_is_as_the_schema_has_it(server):
    report = json.loads(probe(*targets(server), "--json", "--audit"))
    assert list(json_schema.errors(report, SCHEMA)) == []
    assert {c["check"] for c in report["audit"]["checks"]} == set(
        words("src/probe/audit/audit.h", "AUDIT_CHECK_MAP")
    )


@pytest.mark.parametrize("change", ["tries", "extra", "cause"])
def test_the_schema_refuses_what_it_does_not_have(server, change):
    report = json.loads(probe(*targets(server), "--json"))
    if change == "tries":
        report["mechanisms"][0]["matrix"][0][0]["tries"] = "2"
    elif change == "extra":
        report["more"] = 1
    else:
        report["diagnoses"][0]["cause"] = "weather"
    assert len(list(json_schema.errors(report, SCHEMA))) == 1


def test_the_schema_has_every_word():
    definitions = SCHEMA["$defs"]
    for name, part, header, x_macro in (
        ("diagnosis", "cause", "src/probe/matrix/diagnosis.h", "CAUSE_MAP"),
        ("visit", "end", "src/probe/matrix/visit.h", "VISIT_END_MAP"),
        ("failure", "end", "src/probe/matrix/visit.h", "VISIT_END_MAP"),
        ("finding", "finding", "src/probe/audit/finding.h", "FINDING_MAP"),
        ("check", "check", "src/probe/audit/audit.h", "AUDIT_CHECK_MAP"),
        ("check", "outcome", "src/probe/audit/audit.h", "AUDIT_OUTCOME_MAP"),
    ):
        assert definitions[name]["properties"][part]["enum"] == words(header, x_macro), name
    mechanisms = words("src/probe/matrix/mechanism.h", "MECHANISM_MAP")
    assert definitions["mechanism_word"]["enum"] == mechanisms


class Page(html.parser.HTMLParser):
    """Whether elements close in turn, and what the page would load."""

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.pictures = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.loads += [attrs[name] for name in ("src", "href") if name in attrs]
        assert tag != "script" and not any(name.startswith("on") for name in attrs)
        if tag == "svg" and attrs.get("role") == "img":
            self.pictures.append(attrs["aria-label"])
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.loads += [v for k, v in attrs if k in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else(server, tmp_path):
    page = tmp_path / "report.html"
    probe(*targets(server), "--html", page)
    read = Page(page.read_text())
    assert read.loads == ["data:,"]
    assert len(read.pictures) == 4
    assert "@import" not in page.read_text() and "url(" not in page.read_text()


def test_the_table_is_ascii_where_the_locale_is(server):
    text = probe(*targets(server), env={"LC_ALL": "C"})
    assert text.isascii() and "\033" not in text
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "✓" in probe(*targets(server), env={"LC_ALL": "C.UTF-8"})


def test_every_cause_and_finding_is_explained():
    explained = re.findall(r"^### `([^`]+)`", DOCUMENT, re.M)
    causes = words("src/probe/matrix/diagnosis.h", "CAUSE_MAP")
    findings = words("src/probe/audit/finding.h", "FINDING_MAP")
    assert explained == causes + findings


def test_every_field_of_the_json_is_explained():
    fields = set()

    def collect(schema):
        fields.update(schema.get("properties", {}))
        for part in (*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()):
            collect(part)

    collect(SCHEMA)
    named = set(re.findall(r"`([a-z0-9_]+)`", FORMAT))
    assert fields - named == set()
