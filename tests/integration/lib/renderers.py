"""kustomize and Helm, as their projects release them: built once from Go modules and kept in the tests' cache."""
import os
import tempfile
from pathlib import Path

from . import go


def kustomize() -> Path:
    return _install("kustomize", "v5.7.1", "sigs.k8s.io/kustomize/kustomize/v5")


def helm() -> Path:
    return _install("helm", "v3.19.0", "helm.sh/helm/v3/cmd/helm", "helm.sh/helm/v3/internal/version.version")


def _install(name: str, version: str, package: str, says_version: str = "") -> Path:
    """`go install`, so that the module's own go.mod decides what it is made of, as in a release."""
    program = go.CACHE / f"{name}-{version}"
    if not program.exists():
        go.CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=go.CACHE) as folder:
            linker = "-s -w" + (f" -X {says_version}={version}" if says_version else "")
            go.run("install", "-trimpath", f"-ldflags={linker}", f"{package}@{version}", cwd=folder,
                   env={**os.environ, "CGO_ENABLED": "0", "GOBIN": folder}, seconds=1800)
            (Path(folder) / name).rename(program)
    return program
