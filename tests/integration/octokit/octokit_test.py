"""Every payload that GitHub itself gives as an example is answered as the table of answers says."""
import collections
import http.client
import json
import shutil
import ssl
import tempfile
import unittest
from pathlib import Path
from urllib.parse import urlencode

from lib import github, gitopsd, octokit

FORM = "application/x-www-form-urlencoded"


class Octokit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.examples = octokit.examples()
        cls.folder = Path(tempfile.mkdtemp(prefix="gitopsd-octokit-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    def setUp(self):
        """The hook speaks for the examples' repository, whose remote is out of reach: only the answers matter."""
        folder = self.folder / self.id().rsplit(".", 1)[1]
        self.daemon = gitopsd.Gitopsd(folder, f"file://{folder}/nowhere", repository={"aliases": ["Codertocat/Hello-World"]})
        web = self.daemon.application
        web["ref"] = "master"
        tags = {**web, "name": "tags", "tag_pattern": "*", "path": "tags"}
        tags.pop("ref")
        self.daemon.config["applications"].append(tags)
        self.daemon.config["server"]["limits"] = {"failed_proofs_per_minute": 100000}
        self.daemon.start()
        self.addCleanup(self.daemon.program.stop)
        context = ssl.create_default_context(cafile=str(self.daemon.certificate.certificate))
        self.link = http.client.HTTPSConnection("127.0.0.1", self.daemon.port, timeout=15, context=context)
        self.addCleanup(self.link.close)

    def post(self, body: bytes, headers: dict[str, str]) -> github.Answer:
        """On one connection for the whole test."""
        self.link.request("POST", "/hooks/forge", body, headers)
        answer = self.link.getresponse()
        return github.Answer(answer.status, dict(answer.getheaders()), answer.read().decode())

    def answers(self, make) -> collections.Counter:
        """What each example is answered, as (event, status); `make` gives body and headers."""
        counted = collections.Counter()
        for event, example in self.examples:
            body, headers = make(event, example)
            answer = self.post(body, headers)
            self.assertIn(answer.status, (200, 202, 400, 401), (event, answer.body))
            if answer.status == 202:
                self.assertEqual(answer.json["link"], f"/v1/events/{answer.json['event']}")
            elif answer.status == 200:
                self.assertTrue(answer.json["ignored"])
            counted[event, answer.status] += 1
        return counted

    def test_json(self):
        """329 examples of 58 events: pushes 202 and stored, all others 200 with the reason"""
        self.assertEqual((len(self.examples), len({event for event, _ in self.examples})), (329, 58))

        def make(event, example):
            body = json.dumps(example).encode()
            return body, github.headers(gitopsd.SECRET, body, event)

        counted = self.answers(make)
        pushes = [example for event, example in self.examples if event == "push"]
        self.assertEqual({key: n for key, n in counted.items() if key[1] != 200}, {("push", 202): len(pushes)})
        stored = [event for event in self.daemon.events() if event["cause"] == "push"]
        self.assertEqual(sorted((event["ref"], event["deleted"]) for event in stored),
                         sorted((push["ref"], push["deleted"]) for push in pushes))
        self.assertEqual(self.daemon.get("/v1/hooks")["refused"], [])

    def test_form(self):
        """the same 329 as forms, signed over the raw form"""
        def make(event, example):
            body = urlencode({"payload": json.dumps(example)}).encode()
            return body, {**github.headers(gitopsd.SECRET, body, event), "Content-Type": FORM}

        counted = self.answers(make)
        self.assertEqual(sum(n for (event, status), n in counted.items() if status == 202 and event == "push"), 7)
        self.assertEqual({status for (event, status) in counted}, {200, 202})

    def test_forged(self):
        """the same 329 with another secret's signature, without one, and with GitHub's old one: 401, all alike"""
        alike = set()
        for event, example in self.examples:
            body = json.dumps(example).encode()
            headers = github.headers("another secret of these tests", body, event)
            bare = {name: value for name, value in headers.items() if name != "X-Hub-Signature-256"}
            for wrong in (headers, bare, {**bare, "X-Hub-Signature": "sha1=" + "0" * 40}):
                answer = self.post(body, wrong)
                self.assertEqual(answer.status, 401)
                answer.headers.pop("Date")
                alike.add((answer.body, tuple(answer.headers.items())))
        self.assertEqual(len(alike), 1)
        self.assertEqual(self.daemon.events(), [])

    def test_mislabelled(self):
        """all other events' payloads sent as pushes are 400 with a reason, and nothing is stored"""
        def make(event, example):
            body = json.dumps(example).encode()
            return body, github.headers(gitopsd.SECRET, body, "push" if event != "push" else "ping")

        counted = self.answers(make)
        self.assertEqual({status for (event, status) in counted if event != "push"}, {400})
        self.assertEqual({status for (event, status) in counted if event == "push"}, {200})
        self.assertEqual(self.daemon.events(), [])
