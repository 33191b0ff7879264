"""Starts, stops and kills the real binary. Standard library only: `run` needs it before the venv exists."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import time
from pathlib import Path

READY_LIMIT = 60.0
STOP_LIMIT = 15.0
AUDIT_LIMIT = 120.0


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


class Server:
    """One sandbox in a folder of its own. Starting it again opens the same data at the same address."""

    def __init__(self, binary: Path, folder: Path) -> None:
        # Absolute, because the server writes the path of its own binary into the credentials.
        self.binary = binary.resolve()
        self.data = folder / "data"
        self.credentials_file = folder / "credentials.json"
        self.log_file = folder / "server.log"
        self.address = free_address()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Starts the server and returns the seconds until GET /ready said 200."""
        began = time.monotonic()
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [self.binary, "demo", "--data", self.data, "--listen", self.address,
                 "--credentials", self.credentials_file],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        while not self._is_ready():
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended with status {self._process.returncode}")
            if time.monotonic() - began > READY_LIMIT:
                raise TimeoutError(f"the server was not ready after {READY_LIMIT:.0f} s")
            time.sleep(0.005)
        return time.monotonic() - began

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(self.address, timeout=2)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def credentials(self) -> dict:
        return json.loads(self.credentials_file.read_text(encoding="utf-8"))

    def kill(self) -> None:
        """SIGKILL: the process gets no chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int | None:
        """SIGTERM. Returns the exit status, or None if the server had to be killed or was not running."""
        if self._process is None:
            return None
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout=STOP_LIMIT)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.kill()

    def audit(self) -> tuple[bool, str]:
        """`feiqian audit` over the stopped server's data: whether it agrees, and what it printed."""
        try:
            done = subprocess.run(
                [self.binary, "audit", "--data", self.data],
                capture_output=True, text=True, timeout=AUDIT_LIMIT, check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            return False, str(problem)
        return done.returncode == 0, (done.stdout + done.stderr).strip()

    def log_tail(self, lines: int = 40) -> str:
        if not self.log_file.exists():
            return ""
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])
