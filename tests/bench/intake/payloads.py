"""512 distinct pushes as GitHub writes them (compact, its key order), 7.2 kB each, signed beforehand."""
import hashlib
import hmac
import json
import random
from pathlib import Path

OWNER, NAME = "example", "infra"
API = "https://api.github.com"
TEMPLATES = ("keys{/key_id}", "collaborators{/collaborator}", "teams", "hooks", "issues/events{/number}", "events",
             "assignees{/user}", "branches{/branch}", "tags", "git/blobs{/sha}", "git/tags{/sha}", "git/refs{/sha}",
             "git/trees{/sha}", "statuses/{sha}", "languages", "stargazers", "contributors", "subscribers",
             "subscription", "commits{/sha}", "git/commits{/sha}", "comments{/number}", "issues/comments{/number}",
             "contents/{+path}", "compare/{base}...{head}", "merges", "{archive_format}{/ref}", "downloads",
             "issues{/number}", "pulls{/number}", "milestones{/number}", "notifications{?since,all,participating}",
             "labels{/name}", "releases{/id}", "deployments")


def user(login: str, number: int) -> dict:
    base = f"{API}/users/{login}"
    return {"login": login, "id": number, "node_id": "MDQ6VXNlcjIxMDMxMDY3", "gravatar_id": "",
            "avatar_url": f"https://avatars1.githubusercontent.com/u/{number}?v=4", "url": base,
            "html_url": f"https://github.com/{login}", "followers_url": f"{base}/followers",
            "following_url": f"{base}/following{{/other_user}}", "gists_url": f"{base}/gists{{/gist_id}}",
            "starred_url": f"{base}/starred{{/owner}}{{/repo}}", "subscriptions_url": f"{base}/subscriptions",
            "organizations_url": f"{base}/orgs", "repos_url": f"{base}/repos", "events_url": f"{base}/events{{/privacy}}",
            "received_events_url": f"{base}/received_events", "type": "User", "site_admin": False}


def repository() -> dict:
    full, html = f"{OWNER}/{NAME}", f"https://github.com/{OWNER}/{NAME}"
    links = {template.split("{")[0].rstrip("/").replace("/", "_") + "_url": f"{API}/repos/{full}/{template}"
             for template in TEMPLATES}
    return {"id": 186853002, "node_id": "MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=", "name": NAME, "full_name": full,
            "private": False, "owner": {"name": OWNER, "email": f"{OWNER}@users.noreply.github.com", **user(OWNER, 21031067)},
            "html_url": html, "description": None, "fork": False, "url": html, **links, "created_at": 1557933565,
            "updated_at": "2026-05-15T15:20:41Z", "pushed_at": 1557933657, "git_url": f"git://github.com/{full}.git",
            "ssh_url": f"git@github.com:{full}.git", "clone_url": f"{html}.git", "svn_url": html, "homepage": None,
            "size": 0, "stargazers_count": 0, "watchers_count": 0, "language": "YAML", "has_issues": True,
            "has_projects": True, "has_downloads": True, "has_wiki": True, "has_pages": True, "forks_count": 1,
            "mirror_url": None, "archived": False, "disabled": False, "open_issues_count": 2, "license": None, "forks": 1,
            "open_issues": 2, "watchers": 0, "default_branch": "main", "stargazers": 0, "master_branch": "main"}


def body(random_: random.Random) -> bytes:
    before, after, tree = (f"{random_.getrandbits(160):040x}" for _ in range(3))
    html = f"https://github.com/{OWNER}/{NAME}"
    person = {"name": "Ada", "email": "ada@example.com", "username": "ada"}
    commit = {"id": after, "tree_id": tree, "distinct": True,
              "message": "Change the site " + "x" * random_.randrange(255, 410), "timestamp": "2026-05-15T15:20:41Z",
              "url": f"{html}/commit/{after}", "author": person, "committer": person, "added": [], "removed": [],
              "modified": ["web/site.yaml"]}
    return json.dumps({"ref": "refs/heads/main", "before": before, "after": after, "created": False, "deleted": False,
                       "forced": False, "base_ref": None, "compare": f"{html}/compare/{before[:12]}...{after[:12]}",
                       "commits": [commit], "head_commit": commit, "repository": repository(),
                       "pusher": {"name": "ada", "email": "ada@example.com"}, "sender": user("ada", 21031068)},
                      separators=(",", ":")).encode()


def write(path: Path, secret: str, count: int = 512) -> float:
    """A line `SIZE SIGNATURE`, the body, a newline, for each. Returns the mean size."""
    random_ = random.Random(7)
    total = 0
    with open(path, "wb") as out:
        for _ in range(count):
            one = body(random_)
            total += len(one)
            out.write(f"{len(one)} {hmac.new(secret.encode(), one, hashlib.sha256).hexdigest()}\n".encode() + one + b"\n")
    return total / count


if __name__ == "__main__":
    print(len(body(random.Random(7))))
