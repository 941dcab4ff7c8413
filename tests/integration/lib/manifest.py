"""Documents for the host provider."""
from pathlib import Path

from . import yaml


def document(kind: str, name: str, **spec) -> dict:
    return {"apiVersion": "host.gitopsd.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def file(path: Path, content: str, **more) -> str:
    """YAML of one File, named for its path."""
    return yaml.dump(document("File", path.name, path=str(path), content=content, **more))


def files(folder: Path, contents: dict[str, str]) -> str:
    """YAML of several Files in one folder: name -> content."""
    return "---\n".join(file(folder / name, content) for name, content in contents.items())
