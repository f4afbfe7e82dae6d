"""Many connections that stand idle, and what one of them costs."""

import os
import resource
import socket


def raise_limit(files=65536):
    """For this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, files), max(hard, files)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, files), hard), hard))


class IdleConnections:
    """`count` connections to an HTTP door. Each has made one request before it stands still, as a browser's does."""

    def __init__(self, port, count, path="/healthz"):
        self.sockets = []
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        for _ in range(count):
            each = socket.create_connection(("127.0.0.1", port), timeout=30)
            self.sockets.append(each)
            each.sendall(request)
        for each in self.sockets:
            if not each.recv(4096).startswith(b"HTTP/1.1 200"):
                raise SystemExit("an idle connection got no answer")

    def alive(self):
        """How many of them are still open."""
        count = 0
        for each in self.sockets:
            each.setblocking(False)
            try:
                count += each.recv(1) != b""
            except BlockingIOError:
                count += 1
            except OSError:
                pass
        return count

    def close(self):
        for each in self.sockets:
            each.close()


def resident(pid):
    """Bytes of a process that are in memory."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
