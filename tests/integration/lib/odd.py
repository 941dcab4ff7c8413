"""A scene on the provider of odd_provider.py: entries with values in place of files with content."""
import json
import os
from pathlib import Path

from . import files, yaml
from .case import Scene


class OddScene(Scene):
    def configure(self):
        self.daemon.config["destinations"] = [
            {"name": "here", "provider": "odd", "command": str(Path(__file__).with_name("odd_provider.py"))}]
        self.daemon.application["policy"] = {"prefixes": [""]}
        self.state = self.daemon.directory / "state" / "providers" / "here"

    @staticmethod
    def entry(key: str, **spec) -> str:
        return yaml.dump({"apiVersion": "example.gitopsd.io/v1", "kind": "Entry", "metadata": {"name": key}, "spec": spec})

    def declare(self, values: dict[str, str], folder: str = "web", message: str = "Change") -> str:
        """Each in a file of its own; returns the commit, which is pushed."""
        commit = self.checkout.commit({f"{folder}/{key}.yaml": self.entry(key, value=value) for key, value in values.items()}, message)
        self.checkout.push()
        return commit

    def values(self) -> dict[str, str]:
        try:
            return {key: entry["value"] for key, entry in json.loads((self.state / "store.json").read_text()).items()}
        except FileNotFoundError:
            return {}

    def change_by_hand(self, key: str, value: str) -> None:
        path = self.state / "store.json"
        entries = json.loads(path.read_text())
        entries[key]["value"] = value
        path.with_suffix(".hand").write_text(json.dumps(entries))
        os.replace(path.with_suffix(".hand"), path)

    def calls(self) -> list[dict]:
        """What the daemon asked the provider for since `forget_calls`."""
        path = self.state / "calls.jsonl"
        return files.json_lines(path) if path.exists() else []

    def forget_calls(self) -> None:
        (self.state / "calls.jsonl").unlink(missing_ok=True)
