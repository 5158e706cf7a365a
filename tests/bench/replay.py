"""A local server that answers from memory: a question is put to the server behind it once, and after that its
answer is given at once. So a measurement of a function's own time holds nothing of a Python server's.

Only for questions whose answer does not depend on what was asked before (SSM, EC2 describe)."""

from __future__ import annotations

import collections
import contextlib
import http.client
import http.server
import re
import threading
import urllib.parse
from collections.abc import Iterator

# Never answered from memory into the client: they belong to one connection.
OWN = {"transfer-encoding", "connection", "content-length", "date", "server"}


def key(path: str, headers, body: bytes) -> tuple:
    # An idempotency token is the only part of a describe that differs from run to run.
    body = re.sub(rb"ClientToken=[^&]*", b"", body)
    return path, headers.get("X-Amz-Target", ""), body


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_) -> None:
        """A measured function is killed with its connections open: that is no error."""


class _Handler(http.server.BaseHTTPRequestHandler):
    dropped = OWN
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, content = self.answer(body)
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_POST  # noqa: N815

    def answer(self, body: bytes):
        question = key(self.path, self.headers, body)
        self.server.asked[self.headers.get("X-Amz-Target", "")] += 1
        answer = self.server.known.get(question)
        if answer is None:
            answer = self.server.known[question] = self.ask(body)
        return answer

    def ask(self, body: bytes):
        behind = urllib.parse.urlsplit(self.server.behind)
        if behind.scheme == "https":
            connection = http.client.HTTPSConnection(behind.hostname, behind.port, timeout=30, context=self.server.trust)
        else:
            connection = http.client.HTTPConnection(behind.hostname, behind.port, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "content-length")}
        connection.request(self.command, self.path, body, headers)
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        return reply.status, [(k, v) for k, v in reply.getheaders() if k.lower() not in self.dropped], content

    def log_message(self, *_) -> None:
        pass


@contextlib.contextmanager
def proxy(behind: str, handler: type[_Handler]) -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), handler)
    server.behind, server.known, server.asked = behind, {}, collections.Counter()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def replay(behind: str) -> Iterator[_Server]:
    """Gives a server with its `url`, and with how often each operation was `asked` of it."""
    with proxy(behind, _Handler) as server:
        yield server
