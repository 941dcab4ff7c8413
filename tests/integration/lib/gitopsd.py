"""A gitopsd of the test's own: configuration, start, deliveries, and questions to its API."""
import http.client
import json
import signal
import os
import socket
import subprocess
from pathlib import Path

from . import certificate, github, process, wait, yaml

BUILD = Path(os.environ.get("GITOPSD_BUILD", process.ROOT / "build"))
DAEMON = BUILD / "daemon" / "gitopsd"
CTL = BUILD / "ctl" / "gitopsctl"
PROVIDER = BUILD / "providers" / "host" / "gitopsd-provider-host"
SECRET = "a secret of these tests, never shown"
ENDED = ("succeeded", "failed", "superseded", "ignored", "cancelled")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, seconds: float):
        super().__init__("gitopsd", timeout=seconds)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Gitopsd:
    """`directory` holds all of it: configuration, certificate, state, log. `target` is where files may be written."""

    def __init__(self, directory: Path, url: str, target: Path | None = None, repository: dict | None = None,
                 application: dict | None = None):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.target = target or directory / "target"
        self.target.mkdir(exist_ok=True)
        self.port, self.metrics_port = process.free_ports(2)
        self.socket = directory / "api.sock"
        self.certificate = certificate.make(directory)
        (directory / "hook-secret").write_text(SECRET + "\n")
        (directory / "hook-secret").chmod(0o600)
        self.config = {
            "server": {
                "listen": f"127.0.0.1:{self.port}",
                "tls": {"certificate": str(self.certificate.certificate), "key": str(self.certificate.key)},
                "public_url": f"https://127.0.0.1:{self.port}",
            },
            "metrics": {"listen": f"127.0.0.1:{self.metrics_port}"},
            "api": {"socket": str(self.socket)},
            "store": {"path": str(directory / "state")},
            "hooks": [{"name": "forge", "forge": "github", "secrets": [{"file": str(directory / "hook-secret")}],
                       "repositories": ["infra"]}],
            "repositories": [{"name": "infra", "url": url, "aliases": ["example/infra"], "poll": "0s", **(repository or {})}],
            "destinations": [{"name": "here", "provider": "host"}],
            "applications": [{"name": "web", "repository": "infra", "ref": "main", "path": "web", "destination": "here",
                              "policy": {"paths": [str(self.target)]}, **(application or {})}],
        }
        self.program = process.Program([DAEMON, "--config", self.file], directory / "gitopsd.log")

    @property
    def file(self) -> Path:
        return self.directory / "gitopsd.yaml"

    @property
    def application(self) -> dict:
        """The configuration's first application, to be changed before `start` or `reload`."""
        return self.config["applications"][0]

    def write_config(self) -> None:
        (self.directory / "state").mkdir(exist_ok=True)
        fresh = self.file.with_suffix(".new")
        fresh.write_text(yaml.dump(self.config))
        fresh.rename(self.file)

    def start(self, reachable: bool = True) -> "Gitopsd":
        """Until it is ready; where its destinations cannot be reached, until their providers are there."""
        self.write_config()
        self.program.start()
        self.program.wait_until(self.ready if reachable else self.connected, "gitopsd is ready", 60)
        return self

    def __enter__(self) -> "Gitopsd":
        return self.start()

    def __exit__(self, kind, *_):
        if kind is not None:
            print(f"---- end of {self.program.log}\n{self.program.tail()}")
            self.program.kill()
        else:
            self.program.stop()

    def reload(self) -> None:
        """The configuration as it is now is in force when this returns."""
        before = self.program.log.read_text().count("configuration reloaded")
        self.write_config()
        self.program.signal(signal.SIGHUP)
        self.program.wait_until(lambda: self.program.log.read_text().count("configuration reloaded") > before,
                                "the configuration is in force")

    def ready(self) -> bool:
        return self.get_health("/readyz") == 200

    def connected(self) -> bool:
        return all(one["connected"] for one in self.get("/v1/destinations")["destinations"])

    def get_health(self, path: str) -> int:
        return self.ask_health(path)[0]

    def metrics(self) -> str:
        return self.ask_health("/metrics")[1]

    def ask_health(self, path: str) -> tuple[int, str]:
        link = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=5)
        try:
            link.request("GET", path)
            answer = link.getresponse()
            return answer.status, answer.read().decode()
        finally:
            link.close()

    # ---- deliveries

    def deliver(self, after: str, secret: str = SECRET, delivery: str = "", **push) -> github.Answer:
        body = github.push_body("example/infra", after, **push)
        return self.post(body, github.headers(secret, body, delivery=delivery))

    def post(self, body: bytes, headers: dict[str, str]) -> github.Answer:
        return github.post(f"https://127.0.0.1:{self.port}/hooks/forge", body, headers, self.certificate.certificate)

    # ---- questions

    @staticmethod
    def connect(path: Path) -> None:
        """Raises OSError when nobody answers there."""
        link = UnixConnection(path, 5)
        link.connect()
        link.close()

    def api(self, method: str, path: str, body: dict | None = None, seconds: float = 30) -> tuple[int, dict]:
        link = UnixConnection(self.socket, seconds)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            link.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = link.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            link.close()

    def get(self, path: str) -> dict:
        status, answer = self.api("GET", path)
        if status != 200:
            raise AssertionError(f"GET {path}: {status} {answer}")
        return answer

    def act(self, path: str, body: dict | None = None) -> dict:
        """POST; anything but success is an error."""
        status, answer = self.api("POST", path, body)
        if status not in (200, 202):
            raise AssertionError(f"POST {path}: {status} {answer}")
        return answer

    def events(self, **query) -> list[dict]:
        text = "&".join(f"{key}={value}" for key, value in {"limit": 500, **query}.items())
        return self.get(f"/v1/events?{text}")["events"]

    def event(self, number: int) -> dict:
        return self.get(f"/v1/events/{number}")["event"]

    def status(self, application: str = "web") -> dict:
        return self.get(f"/v1/applications/{application}")["application"]

    def wait_ended(self, number: int, seconds: float = 90) -> dict:
        try:
            self.program.wait_until(lambda: self.event(number)["ended"], f"event {number} ends", seconds)
        except AssertionError as late:
            if self.program.running():
                raise AssertionError(f"{late}\n{self.event(number)}\n{self.get('/v1/status')}") from None
            raise
        return self.event(number)

    def accept(self, after: str, **push) -> int:
        """Delivers a push that must be answered 202; returns its event."""
        answer = self.deliver(after, **push)
        if answer.status != 202:
            raise AssertionError(f"the delivery was answered {answer.status}: {answer.body}")
        return answer.json["event"]

    def push_and_wait(self, after: str, state: str = "succeeded", **push) -> dict:
        """The same, and its event must end in `state`; returns the event."""
        event = self.wait_ended(self.accept(after, **push))
        if event["state"] != state:
            raise AssertionError(f"event {event['id']} ended {event['state']}, not {state}: {event}")
        return event

    def ctl(self, *arguments: str, expect: int = 0) -> str:
        """Output of gitopsctl, which must end with the status `expect`."""
        done = subprocess.run([str(CTL), "--socket", str(self.socket), *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        if done.returncode != expect:
            raise AssertionError(f"gitopsctl {' '.join(arguments)} ended with {done.returncode}, not {expect}:\n{done.stdout}")
        return done.stdout

    def wait_file(self, path: Path, content: str, seconds: float = 60) -> None:
        self.program.wait_until(lambda: path.exists() and path.read_text() == content, f"{path} holds {content!r}", seconds)
