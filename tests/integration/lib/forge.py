"""A real forge: Gitea, built once from its Go module and started on a free port."""
import base64
import getpass
import http.client
import json
import os
from pathlib import Path

from . import go, process

MODULE = process.ROOT / "tests" / "forge"
USER, PASSWORD = "ada", "correct-horse-battery-staple"


def module_folder() -> Path:
    """Where Go keeps Gitea's source: its templates and texts are read from there."""
    return go.module_folder("code.gitea.io/gitea", MODULE)


def build() -> Path:
    """The gitea executable; building it takes about five minutes and is done once for each version."""
    return go.build(f"gitea-{go.version('code.gitea.io/gitea', MODULE)}", "code.gitea.io/gitea", MODULE,
                    tags="sqlite sqlite_unlock_notify", cgo=True)


class Forge:
    def __init__(self, directory: Path):
        self.directory = directory
        directory.mkdir(parents=True)
        self.port = process.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = directory / "app.ini"
        self.config.write_text(self.settings())
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "USER": getpass.getuser(),
                            "GITEA_WORK_DIR": str(directory), "GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT": "1"}
        self.gitea = build()
        self.program = process.Program([self.gitea, "web", "--config", self.config], directory / "gitea.log",
                                       env=self.environment)

    def settings(self) -> str:
        return f"""\
RUN_MODE = prod
RUN_USER = {getpass.getuser()}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = {self.directory}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {self.port}
ROOT_URL = {self.url}/
STATIC_ROOT_PATH = {module_folder()}
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = {self.directory}/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = only-for-this-test
PASSWORD_HASH_ALGO = pbkdf2_v1
[webhook]
ALLOWED_HOST_LIST = loopback
SKIP_TLS_VERIFY = true
DELIVER_TIMEOUT = 60
[log]
MODE = console
LEVEL = Info
[cron]
ENABLED = false
[indexer]
ISSUE_INDEXER_TYPE = db
"""

    def start(self) -> "Forge":
        process.run(self.gitea, "migrate", "--config", self.config, env=self.environment)
        process.run(self.gitea, "admin", "user", "create", "--config", self.config, "--admin", "--username", USER, "--password",
                    PASSWORD, "--email", "ada@example.com", "--must-change-password=false", env=self.environment)
        self.program.start()
        self.program.wait_until(lambda: process.listens(self.port) and self.api("GET", "/version"), "Gitea answers", 60)
        return self

    def stop(self) -> None:
        self.program.stop(seconds=60)

    def api(self, method: str, path: str, body: dict | None = None) -> dict | list:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            link.request(method, f"/api/v1{path}", json.dumps(body or {}) if method != "GET" else None,
                         {"Authorization": f"Basic {token}", "Content-Type": "application/json"})
            answer = link.getresponse()
            text = answer.read().decode()
            if answer.status >= 300:
                raise AssertionError(f"Gitea answered {method} {path} with {answer.status}: {text}")
            return json.loads(text) if text else {}
        finally:
            link.close()

    def make_repository(self, name: str) -> str:
        """Returns the URL that people push to, with the password in it."""
        self.api("POST", "/user/repos", {"name": name, "private": True, "default_branch": "main"})
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{USER}/{name}.git"

    def clone_url(self, name: str) -> str:
        return f"{self.url}/{USER}/{name}.git"

    def make_hook(self, name: str, url: str, secret: str, events: tuple[str, ...] = ("push",)) -> int:
        made = self.api("POST", f"/repos/{USER}/{name}/hooks", {
            "type": "gitea", "active": True, "events": list(events),
            "config": {"url": url, "content_type": "json", "secret": secret}})
        return made["id"]


def encode(text: str) -> str:
    """Content as Gitea's API takes it."""
    return base64.b64encode(text.encode()).decode()
