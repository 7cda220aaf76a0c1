"""A backend that reads PROXY protocol headers by a parser of its own, greets first, and echoes."""

import ipaddress
import os
import queue
import socket
import struct
import threading

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
GREETING = b"220 hello\r\n"

ALPN, AUTHORITY, SSL, RESUMED = 0x01, 0x02, 0x20, 0xE4
VERSION, CN, CIPHER, SIG_ALG, KEY_ALG = range(0x21, 0x26)


def header_v1(source, destination="198.51.100.1", ports=(40000, 443)):
    family = "TCP6" if ":" in source else "TCP4"
    return f"PROXY {family} {source} {destination} {ports[0]} {ports[1]}\r\n".encode()


def header_v2(source=None, destination="198.51.100.1", ports=(40000, 443), tlvs=b""):
    """source: None: LOCAL."""
    if source is None:
        return SIGNATURE + b"\x20\x00" + struct.pack(">H", len(tlvs)) + tlvs
    packed = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    body = packed + struct.pack(">HH", *ports) + tlvs
    family = 0x21 if ":" in source else 0x11
    return SIGNATURE + bytes([0x21, family]) + struct.pack(">H", len(body)) + body


def parse_tlvs(data):
    out = {}
    while data:
        kind, n = struct.unpack(">BH", data[:3])
        assert kind not in out and len(data) >= 3 + n
        out[kind], data = data[3 : 3 + n], data[3 + n :]
    return out


class Header:
    """What came before the client's first byte."""

    def __init__(self, version, source=None, destination=None, tlvs=b""):
        self.version, self.source, self.destination = version, source, destination
        self.tlvs = parse_tlvs(tlvs)

    @property
    def ssl(self):
        """The client byte, the verify result and the TLVs within."""
        value = self.tlvs[SSL]
        client, verify = struct.unpack(">BI", value[:5])
        return client, verify, {k: v.decode() for k, v in parse_tlvs(value[5:]).items()}


class Reader:
    def __init__(self, sock):
        self.sock, self.bytes = sock, b""

    def fill(self):
        more = self.sock.recv(65536)
        if not more:
            raise EOFError
        self.bytes += more

    def take(self, n):
        while len(self.bytes) < n:
            self.fill()
        out, self.bytes = self.bytes[:n], self.bytes[n:]
        return out

    def line(self):
        while b"\n" not in self.bytes:
            self.fill()
        return self.take(self.bytes.index(b"\n") + 1)


def read_header(reader):
    if reader.take(1) == b"P":
        line = b"P" + reader.line()
        assert line.endswith(b"\r\n") and len(line) <= 107
        word, family, *rest = line[:-2].decode().split(" ")
        assert word == "PROXY" and family in ("TCP4", "TCP6")
        source, destination, sport, dport = rest
        assert ipaddress.ip_address(source).version == int(family[3])
        return Header(1, (source, int(sport)), (destination, int(dport)))
    assert reader.take(11) == SIGNATURE[1:]
    command, family, n = struct.unpack(">BBH", reader.take(4))
    body = reader.take(n)
    if command == 0x20:
        return Header(2, tlvs=body)
    assert command == 0x21 and family in (0x11, 0x21)
    size = 4 if family == 0x11 else 16
    a, b = (str(ipaddress.ip_address(body[i * size : (i + 1) * size])) for i in range(2))
    ports = struct.unpack(">HH", body[2 * size : 2 * size + 4])
    return Header(2, (a, ports[0]), (b, ports[1]), body[2 * size + 4 :])


class ProxyBackend:
    """Use as a context; address as in the configuration, headers as they come."""

    def __init__(self, path=None, expects_header=True):
        self.headers, self.errors = queue.Queue(), queue.Queue()
        self._expects = expects_header
        if path:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.bind(str(path))
            os.chmod(path, 0o777)
            self.address = f"unix:{path}"
        else:
            self._socket = socket.socket()
            self._socket.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._socket.listen(64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection = self._socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(20)
            try:
                reader = Reader(connection)
                if self._expects:
                    self.headers.put(read_header(reader))
                connection.sendall(GREETING)
                while True:
                    connection.sendall(reader.line())
            except (EOFError, ConnectionError):
                pass
            except Exception as e:  # pylint: disable=broad-except
                self.errors.put(repr(e))

    def header(self, deadline=10):
        return self.headers.get(timeout=deadline)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self._thread.join(10)
        self._socket.close()
