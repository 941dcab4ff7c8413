"""Push deliveries as GitHub sends them: its headers, its JSON, its signature over the raw body."""
import hashlib
import hmac
import http.client
import json
import ssl
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ZERO = "0" * 40


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict:
        return json.loads(self.body)


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def push_body(repository: str, after: str, ref: str = "refs/heads/main", before: str = ZERO, forced: bool = False,
              message: str = "Change", who: str = "ada") -> bytes:
    """`repository` is OWNER/NAME, as in GitHub's own addresses."""
    owner, name = repository.split("/")
    gone = after == ZERO
    url = f"https://github.com/{repository}"
    person = {"name": who, "email": f"{who}@example.com", "username": who}
    commit = {"id": after, "tree_id": after, "distinct": True, "message": message, "timestamp": "2026-01-05T10:00:00Z",
              "url": f"{url}/commit/{after}", "author": person, "committer": person, "added": [], "removed": [],
              "modified": ["README.md"]}
    return json.dumps({
        "ref": ref, "before": before, "after": after, "created": before == ZERO, "deleted": gone, "forced": forced,
        "base_ref": None, "compare": f"{url}/compare/{before[:12]}...{after[:12]}",
        "commits": [] if gone else [commit], "head_commit": None if gone else commit,
        "repository": {
            "id": 186853002, "name": name, "full_name": repository, "private": True,
            "owner": {"name": owner, "login": owner, "id": 21031067, "type": "User"}, "html_url": url, "url": url,
            "git_url": f"git://github.com/{repository}.git", "ssh_url": f"git@github.com:{repository}.git",
            "clone_url": f"{url}.git", "default_branch": "main", "master_branch": "main",
        },
        "pusher": {"name": who, "email": f"{who}@example.com"},
        "sender": {"login": who, "id": 21031067, "type": "User", "site_admin": False},
    }, separators=(",", ":")).encode()


def headers(secret: str, body: bytes, event: str = "push", delivery: str = "") -> dict[str, str]:
    return {
        "Accept": "*/*", "User-Agent": "GitHub-Hookshot/044aadd", "Content-Type": "application/json",
        "X-GitHub-Event": event, "X-GitHub-Delivery": delivery or str(uuid.uuid1()), "X-GitHub-Hook-ID": "292430182",
        "X-GitHub-Hook-Installation-Target-ID": "79929171", "X-GitHub-Hook-Installation-Target-Type": "repository",
        "X-Hub-Signature-256": signature(secret, body),
    }


def post(url: str, body: bytes, extra: dict[str, str], certificate: Path | None = None, seconds: float = 15) -> Answer:
    """One request on a connection of its own; HTTPS is verified against `certificate`."""
    target = urlsplit(url)
    if target.scheme == "https":
        context = ssl.create_default_context(cafile=str(certificate) if certificate else None)
        link = http.client.HTTPSConnection(target.hostname, target.port, timeout=seconds, context=context)
    else:
        link = http.client.HTTPConnection(target.hostname, target.port, timeout=seconds)
    try:
        link.request("POST", target.path, body, extra)
        answer = link.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read().decode(errors="replace"))
    finally:
        link.close()
