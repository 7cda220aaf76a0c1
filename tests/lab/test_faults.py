"""Each fault of the laboratory is there, and its sound counterpart is without it."""

import os
import socket
import ssl

import faults
import proofs
import pytest
from laboratory import Laboratory

pytestmark = pytest.mark.tools
SHORT_RUN = faults.SHORT_RUN[::3]


def seen(folder, name, sound):
    with Laboratory(folder, name, sound) as lab:
        found = proofs.of(name)(lab)
        errors = lab.stop()
    assert not errors, errors
    return found


@pytest.mark.parametrize(
    "name",
    [n if n in SHORT_RUN else pytest.param(n, marks=pytest.mark.full) for n in faults.BY_NAME],
)
def test_the_fault_is_there_alone(tmp_path, name):
    assert seen(tmp_path, name, sound=False), "the fault is not to be seen"
    assert not seen(tmp_path, name, sound=True), "it is to be seen where it should not be"


@pytest.fixture
def lab(tmp_path):
    with Laboratory(tmp_path, "early-replay", sound=True) as sound:
        yield sound
        errors = sound.stop()
    assert not errors, errors


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_openssl_resumes_everywhere(lab, version):
    context = ssl.create_default_context(cafile=lab.authority)
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)

    def visit(address, session=None):
        with socket.create_connection(address, 10) as plain:
            with context.wrap_socket(plain, server_hostname="a.lab.test", session=session) as tls:
                tls.sendall(b"GET / HTTP/1.1\r\n\r\n")
                while tls.recv(4096):
                    pass
                return tls.session, tls.session_reused

    for at in lab:
        session, reused = visit(at)
        assert not reused
        assert all(visit(other, session)[1] for other in lab)


def test_garbage_does_no_harm(lab):
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", bytes(600), os.urandom(600), b"\x16\x03\x01\x40\x00",
                    b"\x16\x03\x01\x00\x04\x01\x00\x00\x00", b""):
        with socket.create_connection(lab[0], 10) as plain:
            plain.sendall(garbage)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(4096):
                pass
    assert proofs.fresh_resumes(lab, "psk")
