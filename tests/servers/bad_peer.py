"""What may listen where a TLS server should: something for each way of not being one."""

import random
import select
import socket
import struct
import threading

HANDSHAKE_FAILURE = bytes.fromhex("15030300020228")


def _reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset(peer):
    """After the ClientHello, in the middle of the handshake."""
    peer.recv(65536)
    _reset(peer)


def close(peer):
    peer.recv(65536)


def alert(peer):
    peer.recv(65536)
    peer.sendall(HANDSHAKE_FAILURE)


def http(peer):
    peer.recv(65536)
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nspeak plainly\n")


def garbage(peer):
    peer.recv(65536)
    peer.sendall(b"\x01" + random.Random(1).randbytes(4000))


def ssh(peer):
    peer.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    peer.recv(65536)


def half(peer):
    """A record that announces more than comes."""
    peer.recv(65536)
    peer.sendall(bytes.fromhex("1603030400020003fc0303"))


def nonsense(peer):
    """A well-formed record with a ServerHello that is none."""
    peer.recv(65536)
    peer.sendall(bytes.fromhex("160303000802000004") + b"\xff" * 4)


def passing_to(address):
    """Not bad at all: a server that counts, in front of one that does not."""

    def how(peer):
        with socket.create_connection(address, 5) as far:
            other = {peer: far, far: peer}
            while True:
                for ready in select.select([peer, far], [], [], 5)[0]:
                    part = ready.recv(65536)
                    if not part:
                        return
                    other[ready].sendall(part)

    return how


class BadPeer:
    """BadPeer(folder, how): listens at .address; how(socket) for every connection, then it ends.

    how None: takes connections and says nothing, ever.
    """

    def __init__(self, folder, how=None, host="127.0.0.1"):
        del folder
        self._how = how
        self._listening = socket.create_server((host, 0), backlog=128)
        self.address = self._listening.getsockname()[:2]
        self._wake, self._woken = socket.socketpair()
        self._held = []
        self.n_taken = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            ready, _, _ = select.select([self._listening, self._woken], [], [])
            if self._woken in ready:
                return
            peer, _ = self._listening.accept()
            self.n_taken += 1
            if self._how is None:
                self._held.append(peer)
                continue
            with peer:
                peer.settimeout(5)
                try:
                    self._how(peer)
                except OSError:
                    pass

    def stop(self):
        self._wake.send(b"x")
        self._thread.join(10)
        for s in (*self._held, self._listening, self._wake, self._woken):
            s.close()


class Closed:
    """A port that is ours and that nothing listens on: connections are refused."""

    def __init__(self, folder, host="127.0.0.1"):
        del folder
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._socket.bind((host, 0))
        self.address = self._socket.getsockname()[:2]

    def stop(self):
        self._socket.close()


class BlackHole:
    """A full queue: what comes to it is dropped, as by a filter."""

    def __init__(self, folder):
        del folder
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.address = self._listening.getsockname()
        self._waiting = []
        while self._waits():
            assert len(self._waiting) < 64, "the queue does not fill"

    def _waits(self):
        s = socket.socket()
        self._waiting.append(s)
        s.settimeout(0.3)
        try:
            s.connect(self.address)
            return True
        except TimeoutError:
            return False

    def stop(self):
        for s in (*self._waiting, self._listening):
            s.close()
