"""An AWS account of tests: moto behind the door of tests/aws, and what tests ask it themselves."""
import atexit
import itertools
import json
import os
import shutil
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from . import gitopsd, process, wait
from .case import Scene

PROVIDER = gitopsd.BUILD / "providers" / "aws" / "gitopsd-provider-aws"
ACCOUNT, REGION = "123456789012", "eu-central-1"
KEY, KEY_SECRET = "AKIDOFTHESETESTS0000", "the secret access key of these tests"
_numbers = itertools.count(1)
_shared: list["Account"] = []


class Account:
    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        (self.port,) = process.free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.program = process.Program([os.environ["MOTO"], str(process.ROOT / "tests" / "aws" / "account.py"), str(self.port)],
                                       directory / "account.log")

    def start(self) -> "Account":
        self.program.start()
        wait.until(lambda: "ready" in self.program.log.read_text() or not self.program.running(), "the account answers", 60)
        assert self.program.running(), self.program.tail(20)
        self.door("keys", {KEY: {"secret": KEY_SECRET}})
        return self

    def stop(self) -> None:
        self.program.stop()

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        asked = urllib.request.Request(self.url + path, body or None, method=method)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.read()

    def door(self, path: str, value) -> None:
        self.request("PUT", f"/_door/{path}", json.dumps(value).encode())

    def calls(self) -> list[str]:
        """Since the last time."""
        return json.loads(self.request("DELETE", "/_door/calls"))

    def stacks(self) -> dict[str, dict]:
        """As they are, by name."""
        return {stack["name"]: stack for stack in json.loads(self.request("GET", "/_account/stacks"))
                if stack["status"] != "DELETE_COMPLETE"}

    def by_hand(self, name: str, template: str, parameters: dict | None = None, tags: dict | None = None) -> None:
        """Makes or updates a stack past gitopsd."""
        wanted = {"name": name, "template": template, "parameters": parameters or {}, "tags": tags or {}}
        told = json.loads(self.request("PUT", "/_account/stacks", json.dumps(wanted).encode()))
        (made,) = [stack for stack in told if stack["name"] == name and stack["status"] != "DELETE_COMPLETE"]
        assert made["template"] == template and made["parameters"].items() >= wanted["parameters"].items(), made

    def delete_by_hand(self, name: str) -> None:
        self.request("PUT", "/_account/stacks", json.dumps({"name": name, "template": None}).encode())

    def objects(self, bucket: str) -> dict[str, dict]:
        """As they are, by key; none where there is no such bucket."""
        return json.loads(self.request("GET", "/_account/objects")).get(bucket, {})

    def object_bytes(self, bucket: str, key: str) -> bytes:
        return self.request("GET", "/_account/object?" + urllib.parse.quote(f"{bucket}/{key}", safe="/"))

    def put_by_hand(self, bucket: str, key: str | None = None, text: str | None = None) -> None:
        """Past gitopsd: an object, or, without a text, its deletion; without a key the bucket alone."""
        wanted = {"bucket": bucket} if key is None else {"bucket": bucket, "key": key, "text": text}
        self.request("PUT", "/_account/objects", json.dumps(wanted).encode())

    def let_age(self, bucket: str, key: str, days: int) -> None:
        """An object is from then on as old as that."""
        self.request("PUT", "/_account/objects", json.dumps({"bucket": bucket, "key": key, "days": days}).encode())

    def credentials(self) -> Path:
        return credentials_in(self.directory)


def credentials_in(folder: Path) -> Path:
    file = folder / "credentials"
    file.write_text(f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {KEY_SECRET}\n")
    file.chmod(0o600)
    return file


def shared_account() -> Account:
    """Runs until the tests' program ends."""
    if not _shared:
        folder = Path(tempfile.mkdtemp(prefix="gitopsd-account-"))
        account = Account(folder).start()
        atexit.register(lambda: (account.stop(), shutil.rmtree(folder, ignore_errors=True)))
        _shared.append(account)
    return _shared[0]


def stack(name: str, template: str, **spec) -> dict:
    """A declaration; `template` is a path from the repository's root."""
    return {"apiVersion": "aws.gitopsd.io/v1", "kind": "Stack", "metadata": {"name": name},
            "spec": {"template": template, **spec}}


def content(name: str, bucket: str, folder: str, **spec) -> dict:
    """A declaration; `folder` is a path from the repository's root."""
    return {"apiVersion": "aws.gitopsd.io/v1", "kind": "BucketContent", "metadata": {"name": name},
            "spec": {"bucket": bucket, "folder": folder, **spec}}


def counted(calls: list[str]) -> dict[str, int]:
    """Calls of S3 by what they ask: {"PUT object": 3, "GET bucket": 1}, others by their name."""
    found: dict[str, int] = {}
    for call in calls:
        if call.startswith("S3 "):
            _, method, path = call.split(" ", 2)
            call = f"{method} {'object' if path.strip('/').count('/') else 'bucket'}"
        found[call] = found.get(call, 0) + 1
    return found


class AwsScene(Scene):
    """A destination `here` of an account that answers at `self.account.url`."""

    def configure(self) -> None:
        self.daemon.config["destinations"] = [{
            "name": "here", "provider": "aws", "command": str(PROVIDER),
            "settings": {"region": REGION, "account": ACCOUNT, "endpoint": self.account.url,
                         "credentialsFile": str(self.account.credentials())}}]

    @property
    def policy(self) -> dict:
        return self.daemon.application["policy"]

    def push(self, *documents: dict, **files: str | None) -> str:
        """Commits the documents as the application's one manifest, and other files; returns the commit."""
        text = "".join(f"---\n{json.dumps(document)}\n" for document in documents)
        commit = self.checkout.commit({"web/all.yaml": text, **files}, "Change")
        self.checkout.push()
        return commit

    def sync(self, *documents: dict, state: str = "succeeded", **files: str | None) -> dict:
        """The same, delivered; returns the event at its end."""
        return self.daemon.push_and_wait(self.push(*documents, **files), state)

    def held(self, *documents: dict, **files: str | None) -> tuple[int, str]:
        """The same, which has to wait for somebody's word; returns the event and what it waits for."""
        commit = self.push(*documents, **files)
        event = self.daemon.accept(commit)
        status = wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s["wanted"] == commit and s, "it is held")
        return event, status["waits_for"]


class AccountScene(AwsScene):
    """`self.prefix` begins the names of the test's stacks, which its application may all make."""

    def setUp(self):
        self.account = shared_account()
        self.prefix = f"t{next(_numbers)}-"
        super().setUp()
        self.account.calls()

    def configure(self) -> None:
        super().configure()
        self.daemon.application["policy"] = {"stacks": [self.prefix + "*"]}
