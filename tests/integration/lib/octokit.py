"""GitHub's own example payloads, as octokit publishes them on npm. Fetched into the tests' cache, never committed."""
import json
import os
import tarfile
import tempfile
from pathlib import Path

from . import process

PACKAGE = "@octokit/webhooks-examples@7.6.1"


def cache() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "gitopsd-tests" / "octokit-7.6.1"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fetch(into: Path) -> None:
    """npm checks the package's integrity; the file takes its name only when it is whole."""
    with tempfile.TemporaryDirectory(dir=into.parent) as work:
        name = process.run("npm", "pack", "--silent", PACKAGE, cwd=work).strip().splitlines()[-1]
        with tarfile.open(Path(work) / name) as package:
            text = package.extractfile("package/api.github.com/index.json").read()
        fresh = Path(work) / "index.json"
        fresh.write_bytes(text)
        fresh.rename(into)


def examples() -> list[tuple[str, dict]]:
    """Pairs of event name and payload."""
    index = cache() / "index.json"
    if not index.exists():
        fetch(index)
    return [(event["name"], example) for event in json.loads(index.read_text()) for example in event["examples"]]
