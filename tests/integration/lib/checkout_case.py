"""gitopsctl validate on a checkout in a folder, with a configuration beside it and no daemon."""
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from . import gitopsd


class CheckoutScene(unittest.TestCase):
    """`self.config` is the configuration as it is when it is asked about; tests set it up."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.config: dict = {}

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.root / "checkout" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def validate(self, *more: str, expect: int = 0, path: str | None = None) -> dict:
        """What it says of the checkout; `path` instead of this machine's PATH."""
        (self.root / "gitopsd.yaml").write_text(json.dumps(self.config))
        told = subprocess.run([gitopsd.CTL, "validate", self.root / "checkout", "--output", "json", *more], capture_output=True,
                              text=True, timeout=60, env={**os.environ, **({"PATH": path} if path else {})})
        self.assertEqual(told.returncode, expect, told.stdout + told.stderr)
        return json.loads(told.stdout)

    def configured(self, expect: int = 0) -> dict:
        """The same by the configuration's applications."""
        return self.validate("--config", str(self.root / "gitopsd.yaml"), expect=expect)
