"""The CloudFormation of tests/aws/replay.py in this process, behind the door of tests/aws, and a gitopsd that uses it."""
import json
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from . import process, wait
from .aws import KEY, KEY_SECRET, AwsScene, credentials_in, stack
from .replay_templates import QUEUE

sys.path.insert(0, str(process.ROOT / "tests" / "aws"))

import replay  # noqa: E402
from door import Door  # noqa: E402


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class ReplayAccount:
    """`cloud` is the account itself: tests make stacks in it, and say what fails."""

    def __init__(self, folder):
        self.folder, self.cloud = folder, replay.Replay()
        self.door = Door(self.cloud)
        self.door.keys = {KEY: {"secret": KEY_SECRET}}
        self.server = Server(("127.0.0.1", 0), Quiet)
        self.server.set_app(self.door)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def calls(self) -> list[str]:
        """Since the last time."""
        found = self.door.calls[:]
        del self.door.calls[:len(found)]  # others may have come meanwhile
        return found

    def fail(self, action: str, code: str, message: str, status: int = 400, times: int = 1) -> None:
        """The next answers of the action."""
        self.door.failures += [[action, status, code, message] for _ in range(times)]

    def credentials(self):
        return credentials_in(self.folder)


class ReplayScene(AwsScene):
    """`self.cloud` is what AWS is to the daemon; the application may make stacks `web*`."""

    def setUp(self):
        self.account = None
        super().setUp()

    def configure(self) -> None:
        self.account = ReplayAccount(self.folder)
        self.addCleanup(self.account.stop)
        self.cloud = self.account.cloud
        self.addCleanup(lambda: self.assertEqual(self.cloud.invented, [], "answers that AWS's models do not have"))
        super().configure()
        self.daemon.application["policy"] = {"stacks": ["web*"]}

    @staticmethod
    def file(template: dict) -> dict[str, str]:
        return {"t.json": json.dumps(template)}

    def looks(self, count: int) -> None:
        """The daemon has asked for stacks that often again."""
        before = len(self.cloud.fields_of("DescribeStacks"))
        wait.until(lambda: len(self.cloud.fields_of("DescribeStacks")) >= before + count, "it looks")

    def web(self, template: dict = QUEUE, name: str = "web", state: str = "succeeded", **spec) -> dict:
        """A commit with this one stack, delivered; returns the event at its end."""
        return self.sync(stack(name, "/t.json", **spec), state=state, **self.file(template))
