"""A small RESP client, enough for set-up and counting."""

import socket


class RespError(Exception):
    pass


class Resp:
    def __init__(self, port, timeout=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.file = self.socket.makefile("rb")

    def call(self, *words):
        self.send(*words)
        return self.read()

    def send(self, *words):
        out = [b"*%d\r\n" % len(words)]
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            out.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self.socket.sendall(b"".join(out))

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("connection closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RespError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            count = int(rest)
            return None if count < 0 else self.file.read(count + 2)[:-2].decode()
        if kind in (b"*", b"%"):
            count = int(rest) * (2 if kind == b"%" else 1)
            return None if count < 0 else [self.read() for _ in range(count)]
        raise RespError(f"unexpected {line!r}")

    def map(self, *words):
        flat = self.call(*words)
        return dict(zip(flat[::2], flat[1::2]))

    def close(self):
        self.file.close()
        self.socket.close()
