"""A daemon's end of the provider protocol, for tests: one provider process over its standard streams."""
import base64
import hashlib
import json
import os
import queue
import subprocess
import tempfile
import threading
import time

MAX_FRAME = 4 << 20
PATIENCE = float(os.environ.get("CONFORMANCE_PATIENCE", "60"))


class Refused(Exception):
    """The provider answered an error."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error.get("code")
        self.error = error


class Ended(Exception):
    """The stream ended while an answer was still to come."""


class Late(Exception):
    """Nothing came in time."""


def frame(payload):
    return b"Content-Length: %d\r\n\r\n" % len(payload) + payload


class Provider:
    """Starts `command`; answers its `blob` requests from `blobs`, keeps its notifications in `notes`."""

    def __init__(self, command, state=None):
        self.state = state or tempfile.mkdtemp(prefix="conformance-")
        # Its log goes to a file: a pipe that nobody reads would stop it.
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.blobs, self.notes, self.open_blobs, self.most_open_blobs, self.blob_faults = {}, [], 0, 0, []
        self.answers, self.changed = {}, threading.Condition()
        self.ended = None
        self.last_id = 0
        self.hold_blobs = False
        self.writing = threading.Lock()
        self.outgoing = queue.Queue()
        self.paused = threading.Event()
        self.paused.set()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._answer_blobs, daemon=True).start()

    # --- bytes

    def send_bytes(self, data, patience=PATIENCE):
        """Writes all of it, or raises Late when the provider does not read."""
        done = threading.Event()

        def write():
            try:
                with self.writing:
                    self.process.stdin.write(data)
                    self.process.stdin.flush()
            except (BrokenPipeError, ValueError):
                pass
            done.set()

        threading.Thread(target=write, daemon=True).start()
        if not done.wait(patience):
            raise Late("the provider does not read while it has answers to write")

    def send(self, message, patience=PATIENCE):
        self.send_bytes(frame(json.dumps(message).encode()), patience)

    def _read(self):
        stream = self.process.stdout
        try:
            while True:
                self.paused.wait()
                length = None
                while True:
                    line = stream.readline(1025)
                    if not line:
                        return self._end("end of file")
                    if not line.endswith(b"\r\n"):
                        return self._end(f"garbage instead of a header: {line[:80]!r}")
                    if line == b"\r\n":
                        break
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                if length is None or length > MAX_FRAME:
                    return self._end(f"a frame of {length} bytes")
                payload = stream.read(length)
                if len(payload) < length:
                    return self._end("end of file inside a frame")
                self._take(json.loads(payload))
        except Exception as error:  # whatever it was, the waiting tests must hear of it
            self._end(f"{type(error).__name__}: {error}")

    def _end(self, why):
        with self.changed:
            self.ended = why
            self.changed.notify_all()

    def _take(self, message):
        with self.changed:
            if message.get("jsonrpc") != "2.0":
                return self._end(f"no JSON-RPC 2.0: {message}")
            if "method" in message and "id" in message:
                self.open_blobs += 1
                self.most_open_blobs = max(self.most_open_blobs, self.open_blobs)
                self.outgoing.put(message)
            elif "method" in message:
                self.notes.append(message)
            else:
                if message.get("id") in self.answers:
                    return self._end(f"two answers for {message.get('id')}")
                self.answers[message.get("id")] = message
            self.changed.notify_all()

    def _answer_blobs(self):
        while True:
            message = self.outgoing.get()
            params = message.get("params", {})
            data = self.blobs.get(params.get("digest"))
            answer = {"jsonrpc": "2.0", "id": message["id"]}
            if message["method"] != "blob":
                self.blob_faults.append(f"a request '{message['method']}' of the provider")
                answer["error"] = {"code": -32601, "message": "unknown method"}
            elif data is None:
                self.blob_faults.append("a blob that no open call names")
                answer["error"] = {"code": -32602, "message": "unknown blob"}
            else:
                if params["length"] > 192 << 10:
                    self.blob_faults.append(f"{params['length']} bytes at once")
                piece = data[params.get("offset", 0):][:params["length"]]
                eof = params.get("offset", 0) + len(piece) == len(data)
                answer["result"] = {"data": base64.b64encode(piece).decode(), "eof": eof}
            with self.changed:
                self.open_blobs -= 1
            self.send(answer)

    # --- calls

    def start(self, method, params=None):
        """Sends a request and returns its id."""
        self.last_id += 1
        self.send({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params or {}})
        return self.last_id

    def wait(self, identity, patience=PATIENCE):
        """The result of a request. Raises Refused, Ended or Late."""
        with self.changed:
            if not self.changed.wait_for(lambda: identity in self.answers or self.ended, patience):
                raise Late(f"no answer within {patience} s")
            if identity not in self.answers:
                raise Ended(self.ended)
            answer = self.answers.pop(identity)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def call(self, method, **params):
        return self.wait(self.start(method, params))

    def refusal(self, method, **params):
        """The code of the error that the call is answered with; None when it was not refused."""
        try:
            self.call(method, **params)
        except Refused as error:
            return error.code
        return None

    def initialize(self, settings=None, **more):
        return self.call("initialize", protocols=[1], destination="conformance", settings=settings,
                         installation="conformance", stateDirectory=self.state, **more)

    def wait_note(self, condition, patience=PATIENCE):
        """Waits for a notification; False when none came."""
        with self.changed:
            return self.changed.wait_for(lambda: any(condition(note) for note in self.notes), patience)

    def progress(self, sync):
        with self.changed:
            return [n["params"] for n in self.notes if n["method"] == "progress" and n["params"].get("sync") == sync]

    # --- ends

    def close_input(self):
        with self.writing:
            self.process.stdin.close()

    def exit_status(self, patience=PATIENCE):
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def log_text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def digest_of(document):
    """Any digest will do: the daemon's is opaque to a provider."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def blob_of(data):
    return {"digest": hashlib.sha256(data).hexdigest(), "size": len(data)}


def eventually(condition, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
