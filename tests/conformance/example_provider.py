#!/usr/bin/env python3
"""A whole provider in one file: a key-value store in one JSON file. Written from providers/protocol/README.md alone.

Three kinds of threads keep it from ever standing still: one only reads, one only writes from a queue, and each call
runs on one of its own. A program that wrote its answers where it reads its requests would stop for ever as soon as
both pipes are full.
"""
import base64
import hashlib
import hmac
import json
import os
import queue
import sys
import threading

MAX_FRAME, MAX_HEADER, CHUNK = 4 << 20, 1024, 192 << 10
API_VERSION = "example.gitopsd.io/v1"


class Refuse(Exception):
    """Answers a request with an error."""

    def __init__(self, code, message, cause="internal", hint=""):
        super().__init__(message)
        self.error = {"code": code, "message": message, "data": {"cause": cause, "hint": hint}}


class Stream:
    """Frames, requests and answers."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.outbox = queue.Queue()
        self.waiting, self.lock, self.last_id = {}, threading.Lock(), 0
        self.writer = threading.Thread(target=self._write)
        self.writer.start()

    def _write(self):
        while (message := self.outbox.get()) is not None:
            payload = json.dumps(message).encode()
            try:
                self.sink.write(b"Content-Length: %d\r\n\r\n" % len(payload) + payload)
                self.sink.flush()
            except OSError:
                return  # nobody reads any more; the reader sees the end, too

    def send(self, **message):
        self.outbox.put({"jsonrpc": "2.0", **message})

    def close(self):
        self.outbox.put(None)
        self.writer.join()

    def read(self):
        """The next frame's payload, or None at the end of the stream or where it is lost."""
        header, length = 0, None
        while True:
            line = self.source.readline(MAX_HEADER + 1)
            header += len(line)
            if line == b"\r\n" and length is not None:
                break
            name, colon, value = line.partition(b":")
            if not line.endswith(b"\r\n") or header > MAX_HEADER or not colon:
                return None
            if name.lower() == b"content-length":
                if length is not None or not value.strip().isdigit():
                    return None
                length = int(value)
        if length > MAX_FRAME:
            return None
        payload = self.source.read(length)
        return payload if len(payload) == length else None

    def call(self, method, **params):
        """Asks the daemon; for threads other than the reader."""
        with self.lock:
            self.last_id += 1
            identity, answer = self.last_id, queue.Queue()
            self.waiting[identity] = answer
        self.send(id=identity, method=method, params=params)
        message = answer.get()
        if message is None or "error" in message:
            raise Refuse(-32006, f"{method} failed", "transient")
        return message["result"]

    def answered(self, message):
        with self.lock:
            waiting = self.waiting.pop(message.get("id"), None)
        if waiting:
            waiting.put(message)

    def ended(self):
        with self.lock:
            for waiting in self.waiting.values():
                waiting.put(None)
            self.waiting.clear()


class Store:
    """The destination: {key: {value, owner, digest, version}} in one file, replaced whole."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.path, self.lock = os.path.join(folder, "store.json"), threading.RLock()
        self.ours = ""  # the bytes that we wrote last: no news to anybody
        # Content is remembered by an HMAC: the plain digest of a short secret could be guessed.
        key = os.path.join(folder, "key")
        if not os.path.exists(key):
            with open(key + ".new", "wb") as file:
                file.write(os.urandom(32))
            os.replace(key + ".new", key)
        with open(key, "rb") as file:
            self.key = file.read()
        # As old as the destination itself, and no other has it.
        self.identity = self.mac("identity")

    def text(self):
        try:
            with open(self.path) as file:
                return file.read()
        except FileNotFoundError:
            return "{}"

    def load(self):
        try:
            return json.loads(self.text())
        except ValueError as error:
            raise Refuse(-32006, f"{self.path}: {error}", "transient", "put back a whole file")

    def save(self, entries):
        self.ours = json.dumps(entries, indent=1)
        with open(self.path + ".new", "w") as file:
            file.write(self.ours)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)

    def mac(self, value):
        return hmac.new(self.key, value.encode(), hashlib.sha256).hexdigest()


def counts_as(mark, owner, given_by):
    """Whether a mark is the owner's, or still that of the application that handed the thing over to it."""
    return mark == owner or bool(given_by) and mark == {**owner, "application": given_by}


class Example:
    """The calls. Each returns its result or raises Refuse."""

    def __init__(self, stream):
        self.stream, self.store, self.blob_slots = stream, None, threading.Semaphore(4)
        self.cancelled, self.watched, self.stop = {}, {}, threading.Event()

    # --- what a document means

    def problem(self, document, pointer, message, hint="", cause="input"):
        return {"code": "spec", "message": message, "hint": hint, "cause": cause, "document": document["digest"],
                "pointer": pointer}

    def read(self, document, policy):
        """(key, problems): every problem, not the first."""
        body, problems = document["json"], []

        def bad(pointer, message, hint="", cause="input"):
            problems.append(self.problem(document, pointer, message, hint, cause))

        if not isinstance(body, dict):
            bad("", "the document must be a mapping")
            return None, problems
        if body.get("apiVersion") != API_VERSION:
            bad("/apiVersion" if "apiVersion" in body else "", f"apiVersion must be {API_VERSION}")
        if body.get("kind") != "Entry":
            bad("/kind" if "kind" in body else "", "unknown kind", "the only kind is Entry")
        metadata, spec = body.get("metadata"), body.get("spec")
        key = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(key, str) or not 0 < len(key) <= 200:
            bad("", "metadata.name must be a string of 1 to 200 characters")
            key = None
        elif not any(key.startswith(p) for p in (policy or {}).get("prefixes", [])):
            bad("/metadata/name", f"'{key}' has no prefix that this application may use", "change `policy.prefixes`",
                "permission")
        if not isinstance(spec, dict):
            bad("", "spec must be a mapping")
            return None, problems
        for name in sorted(set(spec) - {"value", "source", "sensitive"}):
            bad("/spec/" + name.replace("~", "~0").replace("/", "~1"), f"unknown field '{name}'",
                "known are value, source and sensitive")
        if sum(isinstance(spec.get(name), str) for name in ("value", "source")) != 1:
            bad("/spec", "give exactly one of value and source, as a string")
        return key, problems

    def blob_of(self, document):
        source = document["json"]["spec"].get("source")
        return next((b["blob"] for b in document.get("blobs", []) if b["path"] == source), None)

    def value_of(self, document):
        """The wanted value; a blob is read in chunks and verified whole."""
        spec = document["json"]["spec"]
        if "value" in spec:
            return spec["value"]
        blob, data = self.blob_of(document), b""
        while len(data) < blob["size"]:
            with self.blob_slots:
                piece = self.stream.call("blob", digest=blob["digest"], offset=len(data),
                                         length=min(CHUNK, blob["size"] - len(data)))
            data += base64.b64decode(piece["data"])
            if not piece["data"]:
                break
        if hashlib.sha256(data).hexdigest() != blob["digest"]:
            raise Refuse(-32006, "the blob's bytes are not those that its digest names", "destination")
        return data.decode(errors="surrogateescape")

    # --- the calls

    def initialize(self, params):
        if 1 not in params.get("protocols", []):
            raise Refuse(-32005, "this provider speaks protocol 1", "destination", "install matching versions")
        if not params.get("stateDirectory"):
            raise Refuse(-32006, "stateDirectory is missing", "input")
        self.store = Store(params["stateDirectory"])
        self.meant = params.get("identity") or self.store.identity
        threading.Thread(target=self.look_for_changes, daemon=True).start()
        self.stream.send(method="changed", params={"all": True})
        schema = {"type": "object", "required": ["apiVersion", "kind", "metadata", "spec"]}
        return {"protocol": 1, "name": "example", "version": "1", "kinds": {"Entry": schema}, "features": ["watch", "conditions"],
                "parallel": 1, "renderContext": {}, "renderContextDigest": "none", "identity": self.store.identity}

    def check_identity(self):
        """Nothing is done, and nothing said, of another destination than is meant."""
        if self.meant != self.store.identity:
            raise Refuse(-32006, f"this is {self.store.identity}, not {self.meant}", "transient", "connect what is meant")

    def resolve(self, params):
        resources, problems, needs = [], [], []
        for document in params["documents"]:
            key, found = self.read(document, params.get("policy"))
            problems += found
            if found:
                continue
            spec = document["json"]["spec"]
            if "source" in spec and not self.blob_of(document):
                needs.append({"document": document["digest"], "path": spec["source"]})
            sensitive = ["/spec/value"] if spec.get("sensitive") is True else []
            resources.append({"id": "key:" + key, "kind": "Entry", "name": key, "document": document["digest"],
                              "requires": [], "options": params.get("defaults") or {}, "sensitive": sensitive})
        return {"resources": resources, "problems": problems, "needs": needs}

    def precondition(self, entry):
        return "absent" if entry is None else "is " + self.store.mac(entry["value"])

    def plan(self, params):
        documents = {d["digest"]: d for d in params.get("documents", [])}
        entries, steps, problems = self.store.load(), [], []
        given_by = {e["id"]: e.get("from", "") for e in params.get("entries", [])}

        def step(action, identity, entry, reason, digest="", diff=""):
            steps.append({"key": f"{action} {identity}", "id": identity, "wave": 0, "after": [], "action": action,
                          "reason": reason, "precondition": self.precondition(entry), "diff": diff,
                          "destroys": "nothing", "rerun": "safe", "digest": digest, "from": given_by.get(identity, "")})

        def foreign(identity, entry):
            if entry is None or counts_as(entry["owner"], params["owner"], given_by.get(identity)):
                return False
            other = entry["owner"]
            same = other["installation"] == params["owner"]["installation"]
            problems.append({"code": "owner", "cause": "conflict", "id": identity,
                             "message": f"{identity} belongs to {other['application']}",
                             "hint": "let one application declare it", "owner": other["application"] if same else ""})
            return True

        for resource in params.get("upsert", []):
            document = documents[resource["document"]]
            key, found = self.read(document, params.get("policy"))
            problems += found
            entry = entries.get(key)
            if found or foreign(resource["id"], entry):
                continue
            value = self.value_of(document)
            shown = "value is not shown\n" if resource.get("sensitive") else f"+{value[:200]}\n"
            if entry is None:
                step("create", resource["id"], None, "it does not exist", document["digest"], shown)
            elif entry["value"] == value and entry["owner"] != params["owner"]:
                step("adopt", resource["id"], entry, f"it was of {entry['owner']['application']}", document["digest"])
            elif entry["value"] == value:
                step("none", resource["id"], entry, "it is as declared", document["digest"])
            else:
                step("update", resource["id"], entry, "its value differs", document["digest"], shown)
        for identity in params.get("remove", []):
            entry = entries.get(identity.removeprefix("key:"))
            if not foreign(identity, entry):
                step("delete", identity, entry, "no longer declared")
        return {"steps": [] if problems else steps, "problems": problems}

    def apply(self, params):
        sync, results, outcome = params["sync"], [], "done"
        documents = {d["digest"]: d for d in params.get("documents", [])}
        for step in params["steps"]:
            result = {"key": step["key"], "state": "skipped"}
            results.append(result)
            if self.cancelled.get(sync) or self.stop.is_set():
                outcome = "cancelled"
                continue
            self.stream.send(method="progress", params={"sync": sync, "key": step["key"], "state": "begun"})
            try:
                result["receipt"] = self.run_step(step, params, documents)
                result["state"] = "done"
            except Refuse as refused:
                data = refused.error["data"]
                result.update(state="failed", problem={"code": data["hint"] or "apply", "cause": data["cause"],
                                                       "message": str(refused), "id": step["id"], "step": step["key"]})
                outcome = "stale" if data["hint"] == "stale" or outcome == "stale" else "failed"
            self.stream.send(method="progress", params={"sync": sync, **result})
        return {"outcome": outcome, "steps": results}

    def run_step(self, step, params, documents):
        """Looks, decides and writes under one lock; returns the receipt."""
        key, removes = step["id"].removeprefix("key:"), step["action"] == "delete"
        value = None
        if not removes:
            document = documents.get(step.get("digest"))
            if document is None:
                raise Refuse(-32602, f"the document of {step['id']} was not sent", "input")
            declared, problems = self.read(document, params.get("policy"))
            if problems or declared != key:
                raise Refuse(-32602, problems[0]["message"] if problems else "another document's step",
                             problems[0]["cause"] if problems else "input")
            value = self.value_of(document)
        with self.store.lock:
            entries = self.store.load()
            entry = entries.get(key)
            as_wanted = entry and entry["value"] == value and entry["owner"] == params["owner"]
            if entry is None if removes else as_wanted:
                return "" if removes else self.store.mac(value)  # done before: (sync, key) is idempotent
            if self.precondition(entry) != step["precondition"]:
                raise Refuse(-32006, f"{step['id']} changed since the plan", "conflict", "stale")
            if entry and not counts_as(entry["owner"], params["owner"], step.get("from")):
                raise Refuse(-32006, f"{step['id']} belongs to another application", "conflict", "stale")
            if removes:
                del entries[key]
            else:
                entries[key] = {"value": value, "owner": params["owner"], "digest": step["digest"]}
            self.store.save(entries)
        return "" if removes else self.store.mac(value)

    def observe(self, params):
        observations = []
        if params.get("watch"):
            self.watched[params["owner"]["application"]] = True
        entries = self.store.load()
        for wanted in params["entries"]:
            seen = {"id": wanted["id"], "live": "unknown", "drift": "unknown", "health": "unknown"}
            observations.append(seen)
            entry = entries.get(wanted["id"].removeprefix("key:"))
            if not wanted["id"].startswith("key:"):
                seen["reason"] = "no id of this provider"
            elif entry is None:
                seen.update(live="absent", drift="yes", health="missing", reason="it does not exist")
            elif not counts_as(entry["owner"], params["owner"], wanted.get("from")):
                seen.update(live="foreign", reason="it belongs to another application")
            elif entry["owner"] != params["owner"]:
                seen.update(live="ours", drift="yes", health="healthy", reason="its mark is still another's")
            else:
                receipt = self.store.mac(entry["value"])
                drifted = receipt != (wanted.get("owned") or {}).get("receipt", receipt)
                seen.update(live="ours", drift="yes" if drifted else "no", receipt=receipt,
                            health="degraded" if drifted else "healthy", reason="its value differs" if drifted else "")
        return {"observations": observations}

    def list(self, params):
        return {"items": [{"id": "key:" + key, "owner": entry["owner"], "digest": entry["digest"]}
                          for key, entry in self.store.load().items()]}

    def discard(self, params):
        return {}

    def look_for_changes(self):
        """`changed` is a hint: it may be spurious, and says nothing but where to look."""
        last, away = self.store.text(), False
        while not self.stop.wait(0.02):
            with self.store.lock:
                now, ours = self.store.text(), self.store.ours
            if self.tell_condition(away) != away:
                away = not away
            elif now not in (last, ours):
                for application in list(self.watched):
                    self.stream.send(method="changed", params={"application": application, "all": True})
            last = now


    def tell_condition(self, before):
        """Whether nothing can be read, which is told when it begins and when it has passed."""
        try:
            self.store.load()
        except Refuse as refused:
            if not before:
                self.stream.send(method="condition", params={
                    "key": "store", "message": str(refused), "hint": refused.error["data"]["hint"], "unreachable": True})
            return True
        if before:
            self.stream.send(method="condition", params={"key": "store"})
            self.stream.send(method="changed", params={"all": True})
        return False


NEEDED = {"resolve": {"documents": list}, "plan": {"owner": dict}, "apply": {"sync": str, "owner": dict, "steps": list},
          "observe": {"owner": dict, "entries": list}, "list": {}, "discard": {}}


def serve(stream):
    provider, phase, calls, goodbye = Example(stream), "fresh", [], None

    def run(identity, method, params):
        try:
            if method in ("plan", "apply", "observe", "list"):
                provider.check_identity()
            stream.send(id=identity, result=getattr(provider, method)(params))
        except Refuse as refused:
            stream.send(id=identity, error=refused.error)
        except Exception as error:  # a bug in one call must not end the others
            stream.send(id=identity, error={"code": -32603, "message": f"{type(error).__name__}: {error}"})

    def handle(message):
        nonlocal phase, goodbye
        identity, method, params = message.get("id"), message.get("method"), message.get("params") or {}
        if method == "shutdown":
            goodbye = identity
        elif method == "initialize":
            if phase == "ready":
                raise Refuse(-32600, "initialize comes once per stream")
            stream.send(id=identity, result=provider.initialize(params))
            phase = "ready"
        elif method != "cancel" and method not in NEEDED:
            raise Refuse(-32601, f"unknown method '{method}'")
        elif phase != "ready":
            raise Refuse(-32002, "initialize must be answered first")
        elif method == "cancel":
            provider.cancelled[params.get("sync")] = True
            stream.send(id=identity, result={})
        else:
            for field, kind in NEEDED[method].items():
                if not isinstance(params.get(field), kind):
                    raise Refuse(-32602, f"'/{field}': {kind.__name__} is needed")
            calls.append(threading.Thread(target=run, args=(identity, method, params)))
            calls[-1].start()

    status = 0
    while goodbye is None and (payload := stream.read()) is not None:
        try:
            message = json.loads(payload)
        except ValueError:
            stream.send(id=None, error={"code": -32700, "message": "no JSON"})
            continue
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or \
                not isinstance(message.get("method", ""), str):
            identity = message.get("id") if isinstance(message, dict) else None
            stream.send(id=identity, error={"code": -32600, "message": "no JSON-RPC 2.0 request"})
        elif "method" not in message:
            stream.answered(message)
        elif "id" in message:
            try:
                handle(message)
            except Refuse as refused:
                stream.send(id=message["id"], error=refused.error)
    provider.stop.set()
    stream.ended()
    for call in calls:
        call.join()
    if goodbye is not None:
        stream.send(id=goodbye, result={})
    stream.close()
    return status


if __name__ == "__main__":
    # The protocol's descriptors are ours alone: whatever else prints goes to the log.
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.exit(serve(Stream(source, sink)))
