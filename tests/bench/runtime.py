"""A stopwatch in the shape of Lambda's Runtime API: from exec to the first response of a function, and each invocation by
itself, in wall-clock and CPU time; and what memory it has afterwards. Linux only: it reads /proc."""

from __future__ import annotations

import dataclasses
import http.server
import json
import os
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Start:
    ready_ms: float
    response_ms: float
    cpu_ms: float
    resident_mb: float
    body: bytes
    failed: bool


@dataclasses.dataclass(frozen=True)
class Invocation:
    """One of several in a process. The first is the cold one: what came before it is its `init`."""

    init_ms: float
    init_cpu_ms: float
    took_ms: float
    cpu_ms: float
    resident_mb: float
    log_bytes: int
    body: bytes
    failed: bool


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_) -> None:
        """A measured function is killed with its connections open: that is no error."""


class _Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:  # noqa: N802
        watch = self.server.watch
        if len(watch.answers) == len(watch.events):
            # One question too many: the function waits for work, as in a warm environment.
            watch.end.wait()
            return
        watch.started.wait()
        watch.cpu_before = cpu_ms(watch.process.pid)
        watch.asked = time.perf_counter()
        event = json.dumps(watch.events[len(watch.answers)]).encode()
        self.send_response_only(200)
        for name, value in {
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 55_000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:000000000000:function:bench",
            "Content-Type": "application/json",
            "Content-Length": str(len(event)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(event)
        self.wfile.flush()

    def do_POST(self) -> None:  # noqa: N802
        watch = self.server.watch
        now = time.perf_counter()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # While the function still waits for our answer: what it used until now, and nothing later.
        used, logged = cpu_ms(watch.process.pid), os.fstat(watch.log.fileno()).st_size
        first = not watch.answers
        watch.answers.append(Invocation(
            (watch.asked - watch.began) * 1e3 if first else 0.0, watch.cpu_before if first else 0.0,
            (now - watch.asked) * 1e3, used - watch.cpu_before, resident_mb(watch.process.pid),
            logged - watch.logged, body, not self.path.endswith("/response")))
        watch.logged = logged
        self.send_response_only(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()
        if len(watch.answers) == len(watch.events):
            watch.done.set()

    def log_message(self, *_) -> None:
        pass


def cpu_ms(pid: int) -> float:
    """CPU time of every thread, in the scheduler's nanoseconds: the clock ticks of /proc/PID/stat are 10 ms."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


def resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


class Stopwatch:
    """Runs a function for one event or several, one after the other in one process."""

    def __init__(self, binary: Path, environment: dict[str, str], *events: dict) -> None:
        self.binary, self.environment, self.events = binary, environment, events
        self.asked = self.cpu_before = 0.0
        # What CloudWatch would take in.
        self.log = tempfile.TemporaryFile()
        self.logged = 0
        self.answers: list[Invocation] = []
        self.started, self.done, self.end = threading.Event(), threading.Event(), threading.Event()

    def start_once(self) -> Start:
        first = self.run()[0]
        return Start(first.init_ms, first.init_ms + first.took_ms, first.init_cpu_ms + first.cpu_ms, first.resident_mb,
                     first.body, first.failed)

    def run(self) -> list[Invocation]:
        server = _Server(("127.0.0.1", 0), _Api)
        server.watch = self
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = {
            "PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}",
            "AWS_LAMBDA_FUNCTION_NAME": "bench", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench", **self.environment,
        }
        self.began = time.perf_counter()
        self.process = subprocess.Popen([str(self.binary)], env=env, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.DEVNULL)
        self.started.set()
        try:
            if not self.done.wait(60):
                raise RuntimeError(f"{self.binary} gave no response in 60 s")
        finally:
            self.end.set()
            self.process.kill()
            self.process.wait()
            server.shutdown()
            server.server_close()
        return self.answers
