"""Programs built from Go modules, once for each version, and kept in the tests' cache."""
import json
import os
import re
from pathlib import Path

from . import process

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "gitopsd-tests"


def go() -> str:
    return os.environ.get("GO", "go")


def run(*arguments, **how) -> str:
    """The go command, which ends at the first download that breaks; what has come by then is kept."""
    for tries_left in (2, 1, 0):
        try:
            return process.run(go(), *arguments, **how)
        except RuntimeError:
            if not tries_left:
                raise


def module_folder(module: str, directory: Path) -> Path:
    """Where Go keeps the source of a module that `directory`'s go.mod requires."""
    # Not `go list`, which knows no folder until something else has downloaded the module.
    found = run("mod", "download", "-json", module, cwd=directory, seconds=600)
    return Path(json.loads(found)["Dir"])


def version(module: str, directory: Path) -> str:
    """What `directory`'s go.mod requires of it; read without Go, which what is built already does not need."""
    return re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", (directory / "go.mod").read_text(), re.MULTILINE)[1]


def build(name: str, package: str, directory: Path, variables: dict[str, str] | None = None, tags: str = "",
          cgo: bool = False) -> Path:
    """The executable of `package`; `name` holds its version. `variables` are package.name -> text, set by the linker."""
    program = CACHE / name
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        fresh = CACHE / f"{name}.{os.getpid()}.new"
        linker = ["-s", "-w", *(f"-X {variable}={text}" for variable, text in (variables or {}).items())]
        run("build", "-trimpath", f"-ldflags={' '.join(linker)}", f"-tags={tags}", "-o", fresh, package, cwd=directory,
            env={**os.environ, "CGO_ENABLED": "1" if cgo else "0"}, seconds=1800)
        fresh.rename(program)
    return program
