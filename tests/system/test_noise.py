"""The exchange by which a host fetches rings, against an independent implementation of Noise, with
either of them as the one who asks."""

import os
import random
import subprocess
from pathlib import Path

import harness
import pytest
from dissononce.cipher.aesgcm import AESGCMCipher
from dissononce.dh.x25519.x25519 import X25519DH
from dissononce.exceptions.decrypt import DecryptFailedException
from dissononce.hash.sha256 import SHA256Hash
from dissononce.processing.handshakepatterns.interactive.NN import NNHandshakePattern
from dissononce.processing.impl.cipherstate import CipherState
from dissononce.processing.impl.handshakestate import HandshakeState
from dissononce.processing.impl.symmetricstate import SymmetricState
from dissononce.processing.modifiers.psk import PSKPatternModifier

pytestmark = pytest.mark.tools
ROUNDS = 50
OVERHEAD = 48
MESSAGE_MAX = 65535


class Theirs:
    """One side of an exchange by the other implementation."""

    def __init__(self, asks, psk, prologue):
        symmetric = SymmetricState(CipherState(AESGCMCipher()), SHA256Hash())
        self.state = HandshakeState(symmetric, X25519DH())
        self.state.initialize(PSKPatternModifier(0).modify(NNHandshakePattern()), asks, prologue,
                              psks=[psk])
        assert self.state.protocol_name == "Noise_NNpsk0_25519_AESGCM_SHA256"

    def write(self, payload):
        message = bytearray()
        self.state.write_message(payload, message)
        return bytes(message)

    def read(self, message):
        payload = bytearray()
        self.state.read_message(message, payload)
        return bytes(payload)


class Ours:
    """One side of an exchange by noise_tool."""

    def __init__(self, role, psk, prologue, payload):
        build = Path(harness.reprise_path()).resolve().parents[2]
        self.process = subprocess.Popen(
            [build / "tests/tools/noise_tool", role, *map(digits, (psk, prologue, payload))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def write(self):
        return bytes_of(self.process.stdout.readline())

    def read(self, message):
        self.process.stdin.write(digits(message) + "\n")
        self.process.stdin.flush()

    def end(self):
        """Its exit code, and what it says that the other said."""
        with self.process as process:  # waits for it and closes its pipes
            process.stdin.close()
            out = process.stdout.read()
        return process.returncode, bytes_of(out[5:]) if out.startswith("said ") else None


def digits(data):
    return data.hex() or "-"


def bytes_of(line):
    return bytes.fromhex(line.strip().replace("-", ""))


def some(generator, most):
    """Of any length, often of the least and now and then of the most."""
    return os.urandom(generator.choice((0, 1, most, *(generator.randint(2, most),) * 7)))


@pytest.fixture
def generator(request):
    seed = random.randrange(2**32)
    print(f"{request.node.name}: seed {seed}")
    return random.Random(seed)


def test_we_ask(generator):
    for _ in range(ROUNDS):
        psk, prologue = os.urandom(32), some(generator, 200)
        question, reply = some(generator, 400), some(generator, 49152)
        theirs = Theirs(False, psk, prologue)
        ours = Ours("ask", psk, prologue, question)
        first = ours.write()
        assert len(first) == len(question) + OVERHEAD
        assert theirs.read(first) == question
        ours.read(theirs.write(reply))
        assert ours.end() == (0, reply)


def test_we_are_asked(generator):
    for _ in range(ROUNDS):
        psk, prologue = os.urandom(32), some(generator, 200)
        question, reply = some(generator, 400), some(generator, 49152)
        theirs = Theirs(True, psk, prologue)
        ours = Ours("answer", psk, prologue, reply)
        ours.read(theirs.write(question))
        second = ours.write()
        assert len(second) == len(reply) + OVERHEAD
        assert theirs.read(second) == reply
        assert ours.end() == (0, question)


def test_the_longest_message():
    psk, payload = os.urandom(32), os.urandom(MESSAGE_MAX - OVERHEAD)
    theirs = Theirs(True, psk, b"")
    ours = Ours("answer", psk, b"", payload[::-1])
    ours.read(theirs.write(b"short"))  # an argument of a program cannot be as long
    assert theirs.read(ours.write()) == payload[::-1]
    assert ours.end() == (0, b"short")


@pytest.mark.parametrize("what", ("psk", "prologue"))
def test_they_differ(what):
    """Each refuses the other's first message."""
    psk, prologue = os.urandom(32), b"prologue"
    other = (os.urandom(32), prologue) if what == "psk" else (psk, b"another")

    ours = Ours("answer", *other, b"reply")
    ours.read(Theirs(True, psk, prologue).write(b"question"))
    assert ours.end() == (1, None)

    ours = Ours("ask", *other, b"question")
    with pytest.raises(DecryptFailedException):
        Theirs(False, psk, prologue).read(ours.write())
    assert ours.end() == (2, None)  # nothing came
