"""Processes that the tests start, and that are gone when the tests are.

Standard library only: ./tests/run imports this before the virtual environment exists. Every process gets a session
of its own, so that whatever it started goes with it, and dies with this process even if that is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

HOST = "127.0.0.1"
# What functions that are started by hand need of ministack.
FUNCTIONS_ALONE = "lambda,scheduler,events,iam,sts,logs"
REGION = "eu-central-1"
# moto and ministack accept any key; ministack takes a twelve-digit one for an account.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION,
               "AWS_DEFAULT_REGION": REGION}

_running: set[subprocess.Popen] = set()


def _parent_death() -> None:
    """Linux: be ended when the parent ends. Elsewhere the parent's exit handler has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def spawn(command: list[str], **options) -> subprocess.Popen:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True,
                               preexec_fn=_parent_death, **options)
    _running.add(process)
    return process


def forget(process: subprocess.Popen) -> None:
    process.wait()
    _running.discard(process)


def end(process: subprocess.Popen, patience: float = 5.0) -> None:
    """Ends a process and its whole session."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        try:
            process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            continue
    # The leader is gone; a straggler of its session may not be.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    _running.discard(process)


def _end_all() -> None:
    for process in list(_running):
        end(process)


def die_with_us() -> None:
    """Makes being told to stop an ordinary exit, so that exit handlers run."""
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, _frame: sys.exit(128 + number))


atexit.register(_end_all)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def answers(url: str) -> bool:
    """Whether anything speaks HTTP there; what it says does not matter."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except (urllib.error.URLError, OSError):
        return False


def wait_until(what: str, done, limit_s: float, process: subprocess.Popen | None = None, log: Path | None = None):
    """Polls until `done()` is true; gives its value. Says what it waited for, and shows the log, if it never is."""
    end_at = time.monotonic() + limit_s
    while time.monotonic() < end_at:
        if value := done():
            return value
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.1)
    tail = log.read_text(errors="replace")[-3000:] if log and log.exists() else ""
    state = "ended" if process is not None and process.poll() is not None else f"was not there after {limit_s:.0f} s"
    raise RuntimeError(f"{what} {state}\n{tail}")


@contextlib.contextmanager
def server(name: str, command: list[str], url: str, *, log_dir: Path | None = None, limit_s: float = 60,
           env: dict[str, str] | None = None, probe: str = "") -> Iterator[str]:
    """A server for the length of a `with` block; gives its address once it answers."""
    directory = log_dir or Path(tempfile.mkdtemp(prefix=f"{name}-"))
    log = directory / f"{name}.log"
    with log.open("wb") as out:
        process = spawn(command, cwd=directory, env={**os.environ, **(env or {})}, stdout=out,
                        stderr=subprocess.STDOUT)
    try:
        wait_until(f"{name} at {url}", lambda: answers(url + probe), limit_s, process, log)
        yield url
    finally:
        end(process)
        if log_dir is None:
            log.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                directory.rmdir()


@contextlib.contextmanager
def moto(venv: Path) -> Iterator[str]:
    """moto's own server, as it is: for the adapters' tests."""
    port = free_port()
    with server("moto", [str(venv / "bin/moto_server"), "-H", HOST, "-p", str(port)], f"http://{HOST}:{port}",
                probe="/moto-api/data.json") as url:
        yield url


@contextlib.contextmanager
def moto_ec2(python: str, log_dir: Path, pending_s: float, stopping_s: float) -> Iterator[str]:
    """moto with EC2's transitions taking time (see `moto_server.py`)."""
    port = free_port()
    script = Path(__file__).with_name("moto_server.py")
    with server("moto", [python, str(script), str(port), str(pending_s), str(stopping_s)],
                f"http://{HOST}:{port}", log_dir=log_dir, probe="/moto-api/data.json") as url:
        yield url


@contextlib.contextmanager
def ministack(venv: Path, log_dir: Path, services: str = FUNCTIONS_ALONE,
              functions_ec2: str | None = None) -> Iterator[str]:
    """Lambda's control plane and runtime API, and EventBridge Scheduler; further services as named. With the address of an
    EC2, functions get it from the environment, and ministack for all else: what a stack's template cannot say."""
    port = free_port()
    url = f"http://{HOST}:{port}"
    env = {**CREDENTIALS, "GATEWAY_PORT": str(port), "BIND_HOST": HOST, "MINISTACK_HOST": HOST,
           "MINISTACK_REGION": REGION, "LAMBDA_EXECUTOR": "local", "TMPDIR": str(log_dir),
           "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "SERVICES": services}
    if functions_ec2 is not None:
        env |= {"AWS_ENDPOINT_URL": url, "AWS_ENDPOINT_URL_EC2": functions_ec2}
    with server("ministack", [str(venv / "bin/ministack")], url, log_dir=log_dir, env=env,
                probe="/_ministack/health") as url:
        yield url
