"""The register of checks: each is a function that takes a World and fails by raising."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile

from client import Provider, digest_of

CHECKS = []


def check(function):
    """Its docstring is the rule that it checks."""
    CHECKS.append(function)
    return function


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


class Skip(Exception):
    """The provider's documents do not cover this."""


class World:
    """One provider command, and the documents to try it with (documents/*.json tells their form)."""

    def __init__(self, command, documents):
        self.command = command
        self.folder = tempfile.mkdtemp(prefix="conformance-")
        self.root, self.state = self.folder + "/root", self.folder + "/state"
        os.mkdir(self.root)
        text = json.dumps(documents or {}).replace("{root}", self.root).replace("{state}", self.state)
        self.documents = json.loads(text)
        self.owner = {"installation": "conformance", "application": "app"}
        if "clean" in self.documents:  # where what a check made is not in its folder
            run(self.documents["clean"])

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def provider(self, initialize=True):
        provider = Provider(self.command, self.state)
        try:
            if initialize:
                provider.initialize(self.documents.get("settings"))
            yield provider
        finally:
            provider.kill()

    def need(self, name):
        if name not in self.documents:
            raise Skip(f"no '{name}' in its documents")
        return self.documents[name]

    def set_of(self, name):
        return [{"digest": digest_of(d), "json": d} for d in self.need(name)]

    def policy(self):
        return self.documents.get("policy", {})

    def resolve(self, provider, documents, **more):
        return provider.call("resolve", application="app", documents=documents,
                             policy=more.pop("policy", self.policy()), **more)

    def plan(self, provider, documents, remove=(), sync="1", mode="changed", owner=None, entries=()):
        resources = self.resolve(provider, documents)["resources"] if documents else []
        plan = provider.call("plan", sync=sync, owner=owner or self.owner, policy=self.policy(), mode=mode,
                             upsert=resources, documents=documents, remove=list(remove), entries=list(entries))
        return plan, resources

    def apply(self, provider, plan, resources=(), documents=(), sync="1", owner=None):
        return provider.call("apply", sync=sync, owner=owner or self.owner, policy=self.policy(), steps=plan["steps"],
                             resources=list(resources), documents=list(documents), parallel=4)

    def sync(self, provider, name, sync="1"):
        """Converges to a named set of documents; returns the entries that a daemon would keep."""
        documents = self.set_of(name)
        plan, resources = self.plan(provider, documents, sync=sync)
        expect(not plan.get("problems"), f"planning '{name}': {plan.get('problems')}")
        result = self.apply(provider, plan, resources, documents, sync=sync)
        expect(result["outcome"] == "done", f"applying '{name}': {result}")
        return self.entries(plan, result)

    @staticmethod
    def entries(plan, result):
        receipts = {s["key"]: s.get("receipt", "") for s in result["steps"]}
        return [{"id": s["id"], "owned": {"digest": s.get("digest", ""), "receipt": receipts[s["key"]]}}
                for s in plan["steps"]]

    def observe(self, provider, entries, owner=None, **more):
        result = provider.call("observe", owner=owner or self.owner, policy=self.policy(), entries=entries, **more)
        return {o["id"]: o for o in result["observations"]}

    @contextlib.contextmanager
    def away(self):
        """The destination is out of reach."""
        away = self.need("away")
        with open(away["file"]) as file:
            before = file.read()
        for text in (away["text"], before):
            with open(away["file"] + ".new", "w") as file:
                file.write(text)
            os.replace(away["file"] + ".new", away["file"])
            if text != before:
                yield

    def disturb(self):
        """Changes the live state behind the provider's back."""
        drift = self.need("drift")
        if "command" in drift:
            return run(drift["command"])
        with open(drift["file"]) as file:
            text = file.read()
        text = drift["text"] if "text" in drift else text.replace(*drift["replace"])
        with open(drift["file"], "w") as file:
            file.write(text)

    def disturbed(self):
        """What disturb() changed, as it is now."""
        drift = self.need("drift")
        if "show" in drift:
            return run(drift["show"])
        with open(drift["file"], "rb") as file:
            return file.read()


def run(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=60).stdout
