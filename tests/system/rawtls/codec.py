"""Bytes to numbers and back, as RFC 8446 section 3 writes them."""


class Malformed(Exception):
    """The peer sent something that does not decode."""


def u8(n):
    return n.to_bytes(1, "big")


def u16(n):
    return n.to_bytes(2, "big")


def u24(n):
    return n.to_bytes(3, "big")


def u32(n):
    return n.to_bytes(4, "big")


def u64(n):
    return n.to_bytes(8, "big")


def vec8(b):
    return u8(len(b)) + b


def vec16(b):
    return u16(len(b)) + b


def vec24(b):
    return u24(len(b)) + b


class Reader:
    """Reads from the front of some bytes; Malformed when they end too early."""

    def __init__(self, data):
        self._data = bytes(data)
        self._at = 0

    def take(self, n):
        if self._at + n > len(self._data):
            raise Malformed(f"{n} bytes wanted, {len(self._data) - self._at} left")
        self._at += n
        return self._data[self._at - n : self._at]

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def u8(self):
        return self.number(1)

    def u16(self):
        return self.number(2)

    def u24(self):
        return self.number(3)

    def u32(self):
        return self.number(4)

    def vec8(self):
        return self.take(self.u8())

    def vec16(self):
        return self.take(self.u16())

    def vec24(self):
        return self.take(self.u24())

    def left(self):
        return len(self._data) - self._at

    def done(self):
        if self.left():
            raise Malformed(f"{self.left()} bytes too many")
