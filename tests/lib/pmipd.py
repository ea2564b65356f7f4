# SPDX-License-Identifier: GPL-2.0-or-later
"""pmipd and pmipctl as a test drives them."""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from netns import PATIENCE, TopoError, end_process, wait_until


def yaml_dump(value, indent=0):
    """Block YAML for dicts, lists and scalars; what a person would have written."""
    pad = "  " * indent
    if isinstance(value, dict):
        out = []
        for k, v in value.items():
            if isinstance(v, (dict, list)) and v:
                out.append(f"{pad}{k}:\n{yaml_dump(v, indent + 1)}")
            else:
                out.append(f"{pad}{k}: {_yaml_scalar(v)}\n")
        return "".join(out)
    if isinstance(value, list):
        out = []
        for v in value:
            if isinstance(v, dict):
                body = yaml_dump(v, indent + 1)
                out.append(f"{pad}- {body[2 * (indent + 1):]}")
            else:
                out.append(f"{pad}- {_yaml_scalar(v)}\n")
        return "".join(out)
    return f"{pad}{_yaml_scalar(value)}\n"


def _yaml_scalar(v):
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, (list, dict)):
        return "[" + ", ".join(_yaml_scalar(x) for x in v) + "]" if isinstance(v, list) else "{}"
    s = str(v)
    quote = s == "" or s[0] in "@*&!%#" or s != s.strip() or re.fullmatch(r"[\d:]+", s) and ":" in s
    return f'"{s}"' if quote else s


class Daemon:
    def __init__(self, topo, name, conf, bindir=None, wrapper=(), env=None, extra=()):
        self.topo, self.name, self.ns = topo, name, topo.ns[name]
        self.bindir = Path(bindir).resolve() if bindir else topo.bindir
        self.wrapper, self.env, self.extra = list(wrapper), env, list(extra)
        self.conf_file = topo.dir / f"{name}.yaml"
        self.log_file = topo.dir / f"{name}.log"
        self.socket = conf["control-socket"]
        self.instance = conf["instance"]
        self.write(conf)
        self.proc, self.monitors = None, []

    def write(self, conf):
        self.conf = conf
        self.conf_file.write_text(yaml_dump(conf))

    def start(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.socket)
        argv = [*self.wrapper, self.bindir / "pmipd", "-c", self.conf_file, *self.extra]
        enter = self.ns.cmd()
        if self.topo.host_pins:
            enter = ["nsenter", f"--net={self.ns.path}"]
        with open(self.log_file, "a") as log:
            self.proc = self.topo.popen([*enter, *argv], stdout=log, stderr=log,
                                        env={**os.environ, **(self.env or {})})

    def wait_ready(self, timeout=15):
        def ready():
            if self.proc.poll() is not None:
                raise TopoError(f"pmipd on {self.name} ended with {self.proc.returncode}:\n"
                                f"{self.log()[-3000:]}")
            return self.try_ctl("status") is not None
        wait_until(ready, timeout, f"pmipd on {self.name}", every=0.05)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def send_signal(self, sig):
        self.proc.send_signal(sig)

    def stop(self, sig=signal.SIGTERM, timeout=10):
        """Returns the exit status."""
        self.proc.send_signal(sig)
        try:
            return self.proc.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            raise TopoError(f"pmipd on {self.name} ignored signal {sig}") from None

    def close(self):
        for m in self.monitors:
            m.stop()
        self.monitors = []
        if self.proc:
            end_process(self.proc)

    # -- the control socket, through the same program as an operator

    def pmipctl(self, *argv, timeout=10):
        return subprocess.run([str(self.topo.bindir / "pmipctl"), "-s", self.socket,
                               *map(str, argv)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=timeout * PATIENCE)

    def ctl(self, *argv):
        """`pmipctl --json`; raises with its message."""
        r = self.pmipctl("--json", *argv)
        if r.returncode != 0:
            raise TopoError(f"pmipctl {' '.join(map(str, argv))} on {self.name}: exit "
                            f"{r.returncode}: {r.stdout}{r.stderr}")
        return json.loads(r.stdout) if r.stdout.strip() else None

    def try_ctl(self, *argv):
        try:
            return self.ctl(*argv)
        except (TopoError, ValueError, subprocess.TimeoutExpired):
            return None

    def monitor(self):
        m = Monitor(self)
        self.monitors.append(m)
        return m


class Monitor:
    """`pmipctl monitor --json`: events as they come, each stamped with our clock as well."""

    def __init__(self, daemon):
        self.daemon, self.events, self.lock = daemon, [], threading.Lock()
        self.proc = daemon.topo.popen([daemon.topo.bindir / "pmipctl", "-s", daemon.socket,
                                       "--json", "monitor"], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.proc.stdout:
            at = time.monotonic_ns()
            with contextlib.suppress(ValueError):
                ev = json.loads(line)
                ev["_at"], ev["_daemon"] = at, self.daemon.name
                with self.lock:
                    self.events.append(ev)

    def take(self):
        """Events since the last call."""
        with self.lock:
            out, self.events = self.events, []
        return out

    def stop(self):
        if self.proc.poll() is None:
            self.proc.terminate()
            self.proc.wait()
        self.thread.join(2)
        self.proc.stdout.close()
