"""What the measuring scripts share: a server of one's own, its memory, and how a figure is told.

Standard library only. Each script prints its details, then one line a figure: `figure | name | value | goal | met`.
"""
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODELS = Path(os.environ.get("BOXWOOD_CACHE", Path.home() / ".cache/boxwood")) / "models"
TOKEN = "boxwood-dev-token"


def figure(name, value, goal, met):
    """Prints a figure; `met` is True, False or None where there is no goal."""
    print(f"figure | {name} | {value} | {goal} | {'-' if met is None else 'yes' if met else 'NO'}", flush=True)


def memory(pid, field="VmRSS"):
    """Megabytes (10^6 bytes) of a process: VmRSS now, VmHWM at most since the start or `reset_peak`."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1024 / 1e6


def reset_peak(pid):
    """Lets VmHWM begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


class Server:
    """`boxwood serve` on ports of its own, over data of its own; the installed models are seen but not copied."""

    def __init__(self, program, data=None):
        self.folder = tempfile.TemporaryDirectory(prefix="boxwood-bench-")
        folder = Path(self.folder.name)
        (folder / "cache").mkdir()
        config = folder / "boxwood.toml"
        if MODELS.is_dir():
            (folder / "cache/models").symlink_to(MODELS)
            config.write_text("")
        else:
            # Nothing answers there, but the server is ready: something is bound.
            config.write_text(
                '[models]\ndefault = "stub"\n[models.bindings."stub"]\nhost = "openai_compatible"\n'
                'base_url = "http://127.0.0.1:9/v1"\nmodel = "stub"\nfamily = "compatible"\n'
            )
        self.log = folder / "log"
        self.data = data or folder / "data"
        command = [program, "serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--config", config]
        command += ["--data", self.data, "--cache", folder / "cache"]
        with open(self.log, "wb") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.base = None
        self.seconds_to_ready = self._wait()

    @property
    def pid(self):
        return self.process.pid

    def _wait(self):
        while time.monotonic() - self.started < 60:
            if self.base is None:
                found = re.search(r"^\s+(http://\S+)$", self.log.read_text(), re.MULTILINE)
                self.base = found and found[1]
            if self.base and self._answers("/health") and self._answers("/ready"):
                return time.monotonic() - self.started
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise SystemExit(f"the server did not become ready:\n{self.log.read_text()}")

    def _answers(self, path):
        try:
            with urllib.request.urlopen(self.base + path, timeout=5) as response:
                return response.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def get(self, path):
        """JSON of a path, with the developer token."""
        request = urllib.request.Request(self.base + path, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=600) as response:
            return json.load(response)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()
