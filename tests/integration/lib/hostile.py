"""Commits that no well-meaning person makes, put straight into a bare repository."""
import subprocess
import zlib
from hashlib import sha1
from pathlib import Path

from . import git


class Author:
    """Writes objects without git's own care, and moves a branch to them."""

    def __init__(self, repository: Path, branch: str = "main"):
        self.repository = repository
        self.branch = branch

    def blob(self, content: str | bytes) -> str:
        return self.write("blob", content if isinstance(content, bytes) else content.encode())

    def tree(self, entries: list[tuple[str, str, str]]) -> str:
        """(mode, name, id), sorted as git sorts where that matters to nobody but git."""
        ordered = sorted(entries, key=lambda entry: entry[1] + ("/" if entry[0] == "40000" else ""))
        return self.write("tree", b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for mode, name, oid in ordered))

    def write(self, kind: str, content: bytes) -> str:
        whole = f"{kind} {len(content)}\0".encode() + content
        oid = sha1(whole).hexdigest()
        path = self.repository / "objects" / oid[:2] / oid[2:]
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.write_bytes(zlib.compress(whole, 1))
        return oid

    def zeros(self, size: int) -> str:
        """A blob of that many zero bytes, which takes next to nothing on the wire."""
        head, block = f"blob {size}\0".encode(), bytes(1 << 20)
        digest, packer = sha1(head), zlib.compressobj(1)
        pieces = [packer.compress(head)]
        for _ in range(size // len(block)):
            digest.update(block)
            pieces.append(packer.compress(block))
        oid = digest.hexdigest()
        path = self.repository / "objects" / oid[:2] / oid[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(pieces) + packer.flush())
        return oid

    def many_files(self, folder: str, count: int, content: str) -> str:
        """A tree with that many files of one content, in one pack."""
        lines = [b"commit refs/heads/made-of-many\ncommitter Ada <ada@example.com> 1767600000 +0000\ndata 4\nmany\n"]
        lines += [f"M 100644 inline {folder}/d{n // 1000:03}/f{n}.yaml\ndata {len(content)}\n{content}\n".encode() for n in range(count)]
        subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=self.repository, input=b"".join(lines), check=True,
                       env=git.ENVIRONMENT)
        return git.git(self.repository, "rev-parse", "refs/heads/made-of-many^{tree}")

    def commit(self, tree: str) -> str:
        """Of that tree, as the branch's next."""
        try:
            parents = ["-p", git.git(self.repository, "rev-parse", "--verify", "-q", f"refs/heads/{self.branch}")]
        except RuntimeError:
            parents = []
        commit = git.git(self.repository, "commit-tree", tree, "-m", "Change", *parents)
        git.git(self.repository, "update-ref", f"refs/heads/{self.branch}", commit)
        return commit
