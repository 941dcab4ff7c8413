"""The programs that are measured and the one that measures: nginx, Debian's webhook, the door, wrk."""
import json
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from lib import gitopsd, process

HERE = Path(__file__).resolve().parent
DOOR = gitopsd.BUILD / "tests" / "bench" / "door" / "bench-door"
EPOCH_1582 = 122192928000000000


def ticks_now() -> int:
    return EPOCH_1582 + time.time_ns() // 100


@dataclass
class Load:
    """How wrk asks. `forged`: the share of requests whose signature is wrong."""
    connections: int = 64
    forged: float = 0
    close: bool = False


@dataclass
class Result:
    rate: float
    p50_ms: float
    p99_ms: float
    requests: int
    not_2xx: int
    errors: str = ""


def milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


def wrk(port: int, load: Load, bodies: Path, seconds: float) -> Result:
    out = process.run("wrk", "--threads", 1, "--connections", load.connections, "--duration", f"{round(seconds)}s",
                      "--latency", "--script", HERE / "deliver.lua", f"https://127.0.0.1:{port}/hooks/forge", "--", bodies,
                      ticks_now(), load.forged, "close" if load.close else "keep", seconds=seconds + 60)

    def find(pattern: str, otherwise: str = "0") -> str:
        found = re.search(pattern, out)
        return found.group(1) if found else otherwise

    return Result(rate=float(find(r"Requests/sec:\s+([\d.]+)")), p50_ms=milliseconds(find(r"\n\s+50%\s+(\S+)", "0us")),
                  p99_ms=milliseconds(find(r"\n\s+99%\s+(\S+)", "0us")), requests=int(find(r"(\d+) requests in")),
                  not_2xx=int(find(r"Non-2xx or 3xx responses: (\d+)")), errors=find(r"(Socket errors: .*)", ""))


@dataclass
class Server:
    """A started program with a port."""
    program: process.Program
    port: int

    def start(self) -> "Server":
        self.program.start()
        self.program.wait_until(lambda: process.listens(self.port), f"port {self.port} answers", 60)
        return self

    def stop(self) -> None:
        if self.program.running():
            self.program.signal(signal.SIGTERM)
            self.program.child.wait(30)

    def memory_mib(self) -> float:
        """Resident memory of it and its children."""
        total = 0
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
            except OSError:
                continue
            pid, parent = (int(re.search(rf"{key}:\s+(\d+)", text).group(1)) for key in ("Pid", "PPid"))
            if self.program.pid in (pid, parent) and (size := re.search(r"VmRSS:\s+(\d+)", text)):
                total += int(size.group(1))
        return total / 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.program.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def nginx(folder: Path, certificate) -> Server:
    folder.mkdir()
    port = process.free_port()
    (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 3600; client_max_body_size 25m;
  client_body_temp_path {folder}/body; client_body_buffer_size 64k; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl reuseport backlog=1024;
    ssl_certificate {certificate.certificate}; ssl_certificate_key {certificate.key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets off; ssl_session_cache off;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384;
    location / {{ return 200; }}
  }}
}}
""")
    return Server(process.Program(["nginx", "-c", folder / "nginx.conf"], folder / "log"), port)


def webhook(folder: Path, certificate, secret: str) -> Server:
    """Debian's webhook: checks the same signature, starts a command for each delivery and stores nothing."""
    folder.mkdir()
    port = process.free_port()
    (folder / "hooks.json").write_text(json.dumps([{
        "id": "forge", "execute-command": "/bin/true",
        "trigger-rule": {"match": {"type": "payload-hmac-sha256", "secret": secret,
                                   "parameter": {"source": "header", "name": "X-Hub-Signature-256"}}}}]))
    return Server(process.Program(["webhook", "-hooks", folder / "hooks.json", "-ip", "127.0.0.1", "-port", port, "-secure",
                                   "-cert", certificate.certificate, "-key", certificate.key], folder / "log"), port)


class Door(Server):
    """The door and the store, or with GITOPSD_BENCH_DAEMON=1 the whole daemon."""

    def __init__(self, folder: Path):
        self.daemon = gitopsd.Gitopsd(folder, f"file://{folder}/nowhere")
        self.daemon.config["server"]["limits"] = {
            "failed_proofs_per_minute": 1_000_000, "connections": 16384, "connections_per_address": 16384}
        self.daemon.write_config()
        program = gitopsd.DAEMON if os.environ.get("GITOPSD_BENCH_DAEMON") else DOOR
        super().__init__(process.Program([program, "--config", self.daemon.file], folder / "door.log"), self.daemon.port)

    def fill(self, rows: int) -> None:
        process.run(DOOR, "--config", self.daemon.file, "--fill", rows, seconds=3600)

    def count(self) -> int:
        """Deliveries that are stored; to be asked when it has stopped."""
        return int(process.run(DOOR, "--config", self.daemon.file, "--count", 1))
