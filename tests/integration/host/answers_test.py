"""What the door answers, and what stays out."""
import concurrent.futures
import uuid

from lib import github, gitopsd
from lib.case import Scene


class Answers(Scene):
    def test_table(self):
        """every kind of delivery gets the answer that forges and operators expect"""
        commit = self.commit({"one": "1\n"})
        body = github.push_body("example/infra", commit)
        good = github.headers(gitopsd.SECRET, body)
        foreign = github.push_body("example/other", commit)
        ping = b'{"zen":"Keep it logically awesome.","hook_id":1,"repository":{"full_name":"example/infra"}}'
        broken = b'{"ref": "refs/heads/main", '
        unsigned = {key: value for key, value in good.items() if key != "X-Hub-Signature-256"}
        old = {**unsigned, "X-Hub-Signature": "sha1=" + "0" * 40}
        for name, sent, headers, wanted in (
                ("unsigned", body, unsigned, 401),
                ("only SHA-1", body, old, 401),
                ("wrong secret", body, github.headers("another secret of 16 bytes", body), 401),
                ("body changed after signing", body + b" ", good, 401),
                ("signature in capitals", body, {**good, "X-Hub-Signature-256": good["X-Hub-Signature-256"].upper()}, 401),
                ("signature too short", body, {**good, "X-Hub-Signature-256": good["X-Hub-Signature-256"][:-2]}, 401),
                ("repository of somebody else", foreign, github.headers(gitopsd.SECRET, foreign), 401),
                ("broken JSON", broken, github.headers(gitopsd.SECRET, broken), 400),
                ("text", body, {**good, "Content-Type": "text/plain"}, 415),
                ("ping", ping, github.headers(gitopsd.SECRET, ping, "ping"), 200),
                ("other event", ping, github.headers(gitopsd.SECRET, ping, "star"), 200),
                ("push", body, good, 202),
                ("the same again", body, good, 200)):
            with self.subTest(name):
                self.assertEqual(self.daemon.post(sent, headers).status, wanted)
        answers = [self.daemon.post(body, unsigned), self.daemon.post(foreign, github.headers(gitopsd.SECRET, foreign))]
        self.assertEqual(answers[0].body, answers[1].body, "a 401 tells nothing")
        refused = self.daemon.get("/v1/hooks")["refused"]
        self.assertGreaterEqual(len(refused), 7)
        self.assertNotIn(gitopsd.SECRET, str(refused))

    def test_same_delivery_a_hundred_times(self):
        """promise 1: the same delivery 100 times at once is one event"""
        commit = self.commit({"one": "1\n"})
        body = github.push_body("example/infra", commit)
        headers = github.headers(gitopsd.SECRET, body, delivery=str(uuid.uuid1()))
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: self.daemon.post(body, headers).status, range(100)))
        self.assertEqual(sorted(answers), [200] * 99 + [202])
        events = [event for event in self.daemon.events() if event["cause"] == "push"]  # not what a look finds
        self.assertEqual(len(events), 1)
        self.assertEqual(self.daemon.wait_ended(events[0]["id"])["state"], "succeeded")
