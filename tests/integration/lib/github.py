"""Push deliveries as GitHub sends them: its headers, its JSON, its signature over the raw body.

As a program it is a bare repository's post-receive hook:
  github.py --url URL --secret-file FILE --certificate FILE --repository OWNER/NAME
"""
import argparse
import hashlib
import hmac
import http.client
import json
import ssl
import subprocess
import sys
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


def commit(repository: str, oid: str, message: str = "Change", who: str = "ada", tree: str = "",
           timestamp: str = "2026-01-05T10:00:00Z", changes: dict[str, list[str]] | None = None) -> dict:
    """One entry of `commits`; `changes` are the paths added, removed and modified."""
    person = {"name": who, "email": f"{who}@example.com", "username": who}
    return {"id": oid, "tree_id": tree or oid, "distinct": True, "message": message, "timestamp": timestamp,
            "url": f"https://github.com/{repository}/commit/{oid}", "author": person, "committer": person,
            **(changes or {"added": [], "removed": [], "modified": ["README.md"]})}


def push_body(repository: str, after: str, ref: str = "refs/heads/main", before: str = ZERO, forced: bool = False,
              who: str = "ada", commits: list[dict] | None = None) -> bytes:
    """`repository` is OWNER/NAME, as in GitHub's own addresses; `commits` defaults to `after` alone."""
    owner, name = repository.split("/")
    gone = after == ZERO
    url = f"https://github.com/{repository}"
    if commits is None:
        commits = [] if gone else [commit(repository, after, who=who)]
    return json.dumps({
        "ref": ref, "before": before, "after": after, "created": before == ZERO, "deleted": gone, "forced": forced,
        "base_ref": None, "compare": f"{url}/compare/{before[:12]}...{after[:12]}",
        "commits": commits, "head_commit": commits[-1] if commits else None,
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


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def pushed_commits(repository: str, before: str, after: str) -> list[dict]:
    """Oldest first, with the paths that each changed; at most 2048, as GitHub does."""
    span = [after] if before == ZERO else [f"{before}..{after}"]
    found = []
    for line in git("log", "--reverse", "--format=%H%x00%T%x00%aI%x00%an%x00%s", "-2048", *span).splitlines():
        oid, tree, when, who, subject = line.split("\0")
        changes = {"added": [], "removed": [], "modified": []}
        for change in git("diff-tree", "--root", "--no-commit-id", "--name-status", "-r", oid).splitlines():
            kind, path = change.split("\t", 1)
            changes[{"A": "added", "D": "removed"}.get(kind, "modified")].append(path)
        found.append(commit(repository, oid, subject, who, tree, when, changes))
    return found


def post_receive(url: str, secret: str, certificate: Path, repository: str) -> int:
    """Tells of each ref that standard input names, as git does: OLD NEW REF."""
    status = 0
    for line in sys.stdin:
        before, after, ref = line.split()
        commits = None
        forced = False
        if after != ZERO and ref.startswith("refs/heads/"):
            commits = pushed_commits(repository, before, after)
            forced = before != ZERO and git("merge-base", before, after).strip() != before
        body = push_body(repository, after, ref, before, forced, who=commits[-1]["author"]["name"] if commits else "ada",
                         commits=commits)
        answer = post(url, body, headers(secret, body), certificate)
        print(f"webhook: {ref.rsplit('/', 1)[-1]} is now {after[:7]} -> {answer.status} {answer.body.strip()}", flush=True)
        if not 200 <= answer.status < 300:
            status = 1
    return status


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    for name in ("--url", "--secret-file", "--certificate", "--repository"):
        options.add_argument(name, required=True)
    given = options.parse_args()
    sys.exit(post_receive(given.url, Path(given.secret_file).read_text().strip(), Path(given.certificate), given.repository))
