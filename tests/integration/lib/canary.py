"""Secrets that can be found again wherever they leak to, in whatever coding."""
import base64
import hashlib
import secrets
import threading
import urllib.parse
from pathlib import Path

from . import process


class Canary:
    """A secret of its own. Its text has characters that every coding writes differently; what is searched is its middle,
    which none of them hides."""

    def __init__(self, name: str, core: bytes | None = None):
        self.name = name
        self.core = core or secrets.token_hex(12).encode()
        self.text = f'k"{{ {self.core.decode()} é/+%}}' if core is None else ""

    def forms(self) -> dict[str, bytes]:
        core = self.core
        found = {"as it is": core, "hex": core.hex().encode(), "HEX": core.hex().upper().encode(),
                 "URL-encoded": "".join(f"%{byte:02x}" for byte in core).encode(),
                 "URL-ENCODED": "".join(f"%{byte:02X}" for byte in core).encode(),
                 "JSON-escaped": "".join(f"\\u{byte:04x}" for byte in core).encode(),
                 "backwards": core[::-1]}
        for shift in range(3):  # base64 looks different at each offset; the edges depend on the neighbours
            plain = base64.b64encode(b"\0" * shift + core)
            inner = plain[-(-shift * 4 // 3):len(plain) - 4]
            found[f"base64 at offset {shift}"] = inner
            found[f"base64url at offset {shift}"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
        return found

    def guessable(self) -> dict[str, bytes]:
        """Digests of the whole text that anybody could compute: of a short secret they are as good as the secret."""
        whole = self.text.encode()
        blob = b"blob %d\0" % len(whole) + whole
        found = {}
        for name, bytes_ in (("sha256", hashlib.sha256(whole).digest()), ("sha1", hashlib.sha1(whole).digest()),
                             ("md5", hashlib.md5(whole).digest()), ("git blob", hashlib.sha1(blob).digest())):
            found |= {f"{name} in hex": bytes_.hex().encode(), f"{name} in base64": base64.b64encode(bytes_).rstrip(b"=")}
        return found

    def quoted(self) -> str:
        """For the user part of a URL."""
        return urllib.parse.quote(self.text, safe="")


def ssh_key(path: Path) -> Canary:
    """The 32 secret bytes of an ed25519 key file, which are what must not be seen."""
    body = "".join(path.read_text().splitlines()[1:-1])
    whole = base64.b64decode(body)
    public = base64.b64decode(path.with_suffix(".pub").read_text().split()[1])[-32:]
    at = whole.rindex(public)
    return Canary("ssh key", whole[at - 32:at])


def found_in(canaries: list[Canary], where: str, content: bytes, digests: bool = True) -> list[str]:
    """A line for each form of each secret that is in there."""
    lines = []
    for canary in canaries:
        forms = canary.forms() | (canary.guessable() if digests and canary.text else {})
        lines += [f"{where}: {canary.name}, {form}" for form, bytes_ in forms.items() if bytes_ in content]
    return lines


class Watch(threading.Thread):
    """Collects the command lines and environments of all that a program starts, as often as it can look."""

    def __init__(self, program: process.Program):
        super().__init__(daemon=True)
        self.program = program
        self.ending = threading.Event()
        self.command_lines: set[bytes] = set()
        self.environments: set[bytes] = set()

    def run(self):
        while not self.ending.wait(0.001):
            if self.program.running():
                self.look(self.program.pid)

    def look(self, pid: int) -> None:
        try:
            command_line = Path(f"/proc/{pid}/cmdline").read_bytes()
            self.command_lines.add(command_line)
            # Its own environment is where a secret may be (also while setpriv becomes it), and a child is its likeness
            # until it runs its program.
            if pid != self.program.pid and command_line != Path(f"/proc/{self.program.pid}/cmdline").read_bytes():
                self.environments.add(Path(f"/proc/{pid}/environ").read_bytes())
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                for child in children.read_text().split():
                    self.look(int(child))
        except OSError:
            pass  # it ended meanwhile

    def stop(self) -> None:
        self.ending.set()
        self.join()
