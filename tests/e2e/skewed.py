"""STS by a clock that is wrong: it answers as moto does, at another time. To whoever asks, his own clock looks wrong."""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import servers


@contextlib.contextmanager
def sts(moto: str, ahead_s: float) -> Iterator[str]:
    """The address of one that is so many seconds ahead."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: self.headers[name] for name in ("Content-Type", "Authorization") if name in self.headers}
            with urllib.request.urlopen(urllib.request.Request(moto + self.path, body, headers), timeout=20) as answer:
                text, kind = answer.read(), answer.headers["Content-Type"]
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or time.time()) + ahead_s)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((servers.HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{servers.HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
