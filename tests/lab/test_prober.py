"""
`reprise probe --audit` on every server of the laboratory and on sound ones: each fault is named, by
the words of docs/LABORATORY.md, and nothing else is; on the sound ones, nothing but true notes.
"""

import json
import subprocess

import faults
import pytest
import sound
import table
from harness import ROOT, reprise_path
from laboratory import Laboratory

DEADLINE = 150
FINDING_EXIT, RESUMPTION_EXIT = 4, 1
RESULTS = {}


def probe(server, name, args=(), audit=True):
    """What `reprise probe --json` says of it, with or without --audit: exit code, report."""
    command = [reprise_path(), "probe", f"{name}:{server.port}"]
    for host in server.hosts:
        command += ["--at", host]
    command += ["--json", *(["--audit"] if audit else []), *args]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False
    )
    text = done.stdout.decode()
    assert text, f"exit code {done.returncode}: {done.stderr.decode(errors='replace')}"
    return done.returncode, json.loads(text)


def found(report):
    return (report["audit"] or {"findings": []})["findings"]


def findings(report):
    return {f["finding"] for f in found(report)}


def causes(report, harmless=False):
    """Those that do harm; or all."""
    return {d["cause"] for d in report["diagnoses"] if harmless or not d["harmless"]}


def places(report, name):
    """The addresses at which a finding was raised."""
    return {f["address"] for f in found(report) if f["finding"] == name}


def evidence(report):
    """For a failure: all that was said."""
    said = [f"{f['finding']} at {f['address']}: {f['evidence']}" for f in found(report)]
    said += [f"{d['cause']} {d['where']}: {d['evidence']}" for d in report["diagnoses"]]
    checks = (report["audit"] or {"checks": []})["checks"]
    unclear = [r for r in checks if r["outcome"] == "not-judged"]
    said += [f"not judged: {r['check']}: {r['note']}" for r in unclear]
    return "\n  ".join(["", *said])


def judge(folder, name, args):
    """Holds the prober to the table; what it said."""
    fault = faults.BY_NAME[name]
    with Laboratory(folder, name) as lab:
        code, report = probe(lab, "a.lab.test", (*fault.args, *args), audit=bool(fault.findings))
        errors = lab.stop()
    said = findings(report) | causes(report, harmless=True)
    wanted = set(fault.findings) | set(fault.causes)
    assert wanted <= said, f"not named: {wanted - said}{evidence(report)}"
    more = findings(report) | causes(report)
    more -= wanted | set(fault.also)
    assert not more, f"a false alarm: {more}{evidence(report)}"
    assert code in ((0,) if fault.harmless else (FINDING_EXIT, RESUMPTION_EXIT)), code
    assert not errors, errors
    if fault.hosts and not fault.between:
        at = [lab[i].host for i in fault.hosts]
        for finding in fault.findings:
            assert all(h in p for h in at for p in places(report, finding)), evidence(report)
    return said


@pytest.mark.deadline(DEADLINE + 20)
@pytest.mark.parametrize("name", faults.SHORT_RUN)
def test_its_check_names_the_fault(tmp_path, name):
    checks = {faults.CHECKS[f] for f in faults.BY_NAME[name].findings}
    judge(tmp_path, name, ["--checks", ",".join(sorted(checks))] if checks else [])


@pytest.mark.full
@pytest.mark.deadline(DEADLINE + 20)
@pytest.mark.parametrize("name", faults.BY_NAME)
def test_the_fault_is_named(tmp_path, name):
    RESULTS[name] = judge(tmp_path, name, [])


BY_NAME = {server.name: server for server in sound.SERVERS}


def leave_alone(folder, certificate, name, addresses=0):
    asked = BY_NAME[name]
    server = asked.start(folder, certificate, addresses)
    try:
        code, report = probe(server, asked.name_asked, asked.args)
    finally:
        server.stop()
    more = (findings(report) | causes(report)) - set(asked.notes)
    assert not more, f"a false alarm: {more}{evidence(report)}"
    assert code == 0, f"{code}{evidence(report)}"
    assert all(f["severity"] == "note" for f in found(report)), evidence(report)


@pytest.mark.deadline(DEADLINE + 20)
@pytest.mark.parametrize("name", sound.SHORT_RUN)
def test_one_sound_host_is_left_alone(tmp_path, certificate, name):
    leave_alone(tmp_path, certificate, name, addresses=1)


@pytest.mark.full
@pytest.mark.deadline(DEADLINE + 20)
@pytest.mark.parametrize("name", BY_NAME)
def test_a_sound_server_is_left_alone(tmp_path, certificate, name):
    leave_alone(tmp_path, certificate, name)


def test_the_document_has_the_tables():
    document = (ROOT / "docs/LABORATORY.md").read_text()
    assert table.text() in document
    assert table.sound_text() in document


@pytest.mark.full
def test_the_table(capsys):
    """Prints what was seen in this run."""
    with capsys.disabled():
        print("\n" + table.text(RESULTS))
