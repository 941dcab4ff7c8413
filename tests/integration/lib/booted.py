"""A throw-away host with a real systemd, on which gitopsd was installed as `meson install` does it."""
import json
import secrets
import subprocess
from pathlib import Path

from . import certificate, github, gitopsd, process, wait, yaml

HOST = process.ROOT / "tests" / "hosts" / "host"
HERE = "10.77.0.1"  # this machine, on the hosts' network


class Host:
    def __init__(self, name: str):
        # With "vb-" before it the name of a cable, which has 15 characters at most.
        self.name = f"{name}-{secrets.token_hex(3)}"
        self.address = process.run(HOST, "up", self.name, seconds=300).strip()

    def run(self, *command: str, text_input: str | None = None, seconds: float = 60) -> str:
        return process.run(HOST, "run", self.name, *command, text_input=text_input, seconds=seconds)

    def succeeds(self, *command: str) -> bool:
        try:
            self.run(*command)
            return True
        except RuntimeError:
            return False

    def write(self, path: str, content: str, mode: str = "0644") -> None:
        self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && cat > "$1" && chmod "$2" "$1"', "sh", path, mode,
                 text_input=content)

    def read(self, path: str) -> str:
        return self.run("cat", path)

    def show(self, unit: str, property_name: str) -> str:
        return self.run("systemctl", "show", "--value", "-p", property_name, unit).strip()

    def cut(self) -> None:
        process.run(HOST, "cut", self.name)

    def restart(self) -> None:
        process.run(HOST, "restart", self.name)

    def down(self) -> None:
        process.run(HOST, "down", self.name)

    def copy_in(self, folder: Path) -> None:
        """Lays the files of a folder of this machine over the host's."""
        with subprocess.Popen(["tar", "-C", folder, "--owner=0", "--group=0", "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run([HOST, "run", self.name, "tar", "-C", "/", "-x", "--no-overwrite-dir"], stdin=tar.stdout,
                           check=True, timeout=120)


class Installed:
    """gitopsd on a Host: units, user, configuration, secrets by LoadCredential, TLS on port 443."""

    def __init__(self, host: Host, folder: Path, url: str):
        self.host = host
        staging = folder / "staging"
        process.run("meson", "install", "-C", gitopsd.BUILD, "--no-rebuild", "--quiet", "--destdir", staging)
        host.copy_in(staging)
        host.run("systemd-sysusers")
        host.run("systemd-tmpfiles", "--create")
        host.run("systemctl", "daemon-reload")
        self.certificate = certificate.make(folder, host.address)
        host.write("/etc/gitopsd/tls/certificate.pem", self.certificate.certificate.read_text())
        host.write("/etc/gitopsd/tls/key.pem", self.certificate.key.read_text(), "0600")
        host.write("/etc/gitopsd/credentials/hook", gitopsd.SECRET, "0600")
        host.run("chown", "-R", "gitopsd:", "/etc/gitopsd/tls")
        self.config = {
            "server": {"listen": "systemd", "public_url": f"https://{host.address}",
                       "tls": {"certificate": "/etc/gitopsd/tls/certificate.pem", "key": "/etc/gitopsd/tls/key.pem"}},
            "metrics": {"listen": "127.0.0.1:9464"},
            "hooks": [{"name": "forge", "forge": "github", "secrets": [{"credential": "secret_hook"}], "repositories": ["infra"]}],
            "repositories": [{"name": "infra", "url": url, "aliases": ["example/infra"], "poll": "0s"}],
            "destinations": [{"name": "here", "provider": "host", "socket": "/run/gitopsd-provider-host/provider.sock"}],
            "applications": [{"name": "web", "repository": "infra", "path": "web", "destination": "here",
                              "policy": {"paths": ["/srv/web"], "users": ["root"], "groups": ["root"]}}],
        }
        self.write_config()
        host.run("mkdir", "-p", "/srv/web")

    def write_config(self) -> None:
        self.host.write("/etc/gitopsd/gitopsd.yaml", yaml.dump(self.config))

    def start(self) -> None:
        self.host.run("systemctl", "daemon-reload")
        try:
            self.host.run("systemctl", "start", "gitopsd-provider-host.socket", "gitopsd.socket", "gitopsd.service")
        except RuntimeError as error:
            raise AssertionError(f"{error}\n{self.journal()}") from None

    def journal(self) -> str:
        """Of all that was said until now: `--sync` waits until it is written."""
        self.host.run("journalctl", "--sync")
        return self.host.run("journalctl", "--no-pager", "-n", "60", "-o", "cat", "-u", "gitopsd*")

    def accept(self, commit: str) -> int:
        """A signed push that must be answered 202; returns its event."""
        body = github.push_body("example/infra", commit)
        answer = github.post(f"https://{self.host.address}/hooks/forge", body, github.headers(gitopsd.SECRET, body),
                             self.certificate.certificate)
        if answer.status != 202:
            raise AssertionError(f"the delivery was answered {answer.status}: {answer.body}")
        return answer.json["event"]

    def event(self, number: int) -> dict:
        return json.loads(self.host.run("gitopsctl", "--output", "json", "show", str(number)))["event"]

    def wait_succeeded(self, number: int, seconds: float = 60) -> None:
        try:
            event = wait.until(lambda: self.ended(number), f"event {number} ends", seconds, every=0.1)
        except wait.NeverHappened as never:
            raise AssertionError(f"{never}\n{self.journal()}") from None
        if event["state"] not in ("succeeded", "superseded"):
            raise AssertionError(f"event {number} ended {event['state']}: {event['error']}\n{self.journal()}")

    def ended(self, number: int) -> dict | None:
        try:
            event = self.event(number)
        except RuntimeError:
            return None  # the daemon is being started again
        return event if event["ended"] else None
