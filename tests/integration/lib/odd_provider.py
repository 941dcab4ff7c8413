#!/usr/bin/env python3
"""The example provider, which records its calls and does what a document's value says:

  sick            never becomes healthy         sick until PATH      not before that file exists
  unknown         cannot be compared            seen until PATH      not once that file exists
  slow until PATH its step ends when that file exists
  busy until PATH its step fails for the time being, with a cause that is tried again
While there is a file `away` in its state directory, nothing can be planned. It gets calls.jsonl, a line for each call with counts of what came with it. Entries are kept in memory
and written when asked for, so that a thousand applications do not measure fsync.
"""
import json
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "conformance"))
import example_provider as example  # noqa: E402


class Store(example.Store):
    def __init__(self, folder):
        super().__init__(folder)
        self.text_now, self.read_at = super().text(), None

    def stamp(self, path):
        """The time alone does not tell two changes of one tick apart."""
        try:
            found = os.stat(path)
            return found.st_mtime_ns, found.st_ino, found.st_size
        except FileNotFoundError:
            return 0

    def text(self):
        with self.lock:
            if (stamp := self.stamp(self.path)) != self.read_at:
                self.read_at, self.text_now = stamp, super().text()
                self.parsed = json.loads(self.text_now)
            return self.text_now

    def load(self):
        with self.lock:
            self.text()
            return dict(getattr(self, "parsed", {}))

    def save(self, entries):
        self.ours = json.dumps(entries)
        with open(self.path + ".new", "w") as file:
            file.write(self.ours)
        self.read_at, self.text_now, self.parsed = self.stamp(self.path + ".new"), self.ours, entries
        os.replace(self.path + ".new", self.path)


def waits_for(value, word):
    """The path in a value such as `slow until PATH`, where that file does not exist yet."""
    path = value.removeprefix(word + " until ") if value.startswith(word + " until ") else None
    return path if path and not os.path.exists(path) else None


class Odd(example.Example):
    def initialize(self, params):
        result = super().initialize(params)
        self.folder = params["stateDirectory"]
        self.store = Store(self.folder)
        self.calls, self.lock = os.path.join(self.folder, "calls.jsonl"), threading.Lock()
        return result

    def note(self, **what):
        with self.lock, open(self.calls, "a") as file:
            file.write(json.dumps(what) + "\n")

    def counted(self, call, params, **more):
        counts = {name: len(params[name]) for name in ("documents", "upsert", "remove", "entries", "steps") if params.get(name)}
        self.note(call=call, application=params.get("application") or params.get("owner", {}).get("application"), **counts, **more)

    def resolve(self, params):
        self.counted("resolve", params)
        return super().resolve(params)

    def plan(self, params):
        self.counted("plan", params)
        if os.path.exists(os.path.join(self.folder, "away")):
            raise example.Refuse(-32006, "it is away", "transient")
        return super().plan(params)

    def apply(self, params):
        self.counted("apply", params, state="begun")
        result = super().apply(params)
        self.counted("apply", params, state="ended")
        return result

    def run_step(self, step, params, documents):
        document = documents.get(step.get("digest"))
        value = self.value_of(document) if document else ""
        if waits_for(value, "busy"):
            raise example.Refuse(-32006, "it is busy", "transient")
        while waits_for(value, "slow") and not self.stop.wait(0.005):
            pass
        return super().run_step(step, params, documents)

    def observe(self, params):
        self.counted("observe", params)
        result = super().observe(params)
        entries = self.store.load()
        for seen in result["observations"]:
            value = entries.get(seen["id"].removeprefix("key:"), {}).get("value", "")
            if seen["live"] == "ours" and (value == "sick" or waits_for(value, "sick")):
                seen.update(health="progressing", reason="it is sick")
            lost = value.startswith("seen until ") and os.path.exists(value.removeprefix("seen until "))
            if seen["live"] == "ours" and (value == "unknown" or lost):
                seen.update(live="unknown", drift="unknown", health="unknown", reason="nobody can tell")
        return result


if __name__ == "__main__":
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    example.Example = Odd
    sys.exit(example.serve(example.Stream(source, sink)))
