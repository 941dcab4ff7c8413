"""What AWS refuses, or answers late, and what people are told of it."""
import re
import time

from lib import wait
from lib.aws import KEY, KEY_SECRET, AccountScene, stack

from .line_test import QUEUE

FILES = {"templates/queue.yaml": QUEUE}


class Errors(AccountScene):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.account.door, "clock", 0)
        self.addCleanup(self.account.door, "fail", [])
        self.addCleanup(self.account.door, "keys", {KEY: {"secret": KEY_SECRET}})
        self.declared = stack(self.prefix + "queue", "/templates/queue.yaml")

    def test_secret(self):
        """a secret that is not the key's is told with the way out, and once it is corrected the push goes through"""
        self.account.door("keys", {KEY: {"secret": "another"}})
        event = self.sync(self.declared, state="failed", **FILES)
        self.assertIn("sts:GetCallerIdentity was refused", event["error"])
        self.assertIn("correct the credentials", event["error"])
        self.account.door("keys", {KEY: {"secret": KEY_SECRET}})
        self.daemon.ctl("sync", "web")
        self.assertIn(self.prefix + "queue", self.account.stacks())

    def test_unknown_key(self):
        """a key that AWS does not know is told with its region, which the account may have to enable"""
        self.account.door("keys", {})
        event = self.sync(self.declared, state="failed", **FILES)
        self.assertIn("(InvalidClientTokenId)", event["error"])
        self.assertIn("correct the credentials, or enable the region eu-central-1 in the account", event["error"])

    def test_clock(self):
        """with a clock that is an hour off it signs by AWS's clock"""
        self.account.door("clock", 3600)
        began = time.monotonic()
        self.sync(self.declared, **FILES)
        took = time.monotonic() - began
        told = int(re.search(r"the clock of this machine is wrong seconds=(\d+)\b", self.daemon.program.log.read_text())[1])
        # Dates are in whole seconds, and the answer took its time.
        self.assertTrue(3600 - took - 2 <= told <= 3600, (told, took))

    def test_throttled(self):
        """a call that is throttled is made again"""
        self.account.door("fail", [["CreateChangeSet", 400, "Throttling", "Rate exceeded"],
                                   ["DescribeStacks", 503, "ServiceUnavailable", "Service is unavailable"]])
        self.sync(self.declared, **FILES)
        self.assertEqual(self.account.calls().count("CreateChangeSet"), 2)

    def test_forbidden(self):
        """an action that the identity may not do is told in AWS's words, with the way out"""
        said = "User: arn:aws:iam::123456789012:user/u is not authorized to perform: cloudformation:CreateChangeSet on resource: x"
        self.account.door("fail", [["CreateChangeSet", 403, "AccessDenied", said]])
        event = self.sync(self.declared, state="failed", **FILES)
        self.assertIn(said, event["error"])
        self.assertIn("IAM policy", event["error"])

    def test_too_many(self):
        """a stack that has all change sets that AWS keeps of one is told with the way out, and not taken for throttling"""
        self.account.door("fail", [["CreateChangeSet", 400, "LimitExceededException", "ChangeSet limit exceeded for stack x"]])
        event = self.sync(self.declared, state="failed", **FILES)
        self.assertIn("ChangeSet limit exceeded for stack x", event["error"])
        self.assertIn(f"delete change sets of the stack '{self.prefix}queue'", event["error"])

    def test_unseen(self):
        """a change set that cannot be looked at is thrown away, with the stack that was made for it"""
        self.account.door("fail", [["DescribeChangeSet", 403, "AccessDenied", "no right to"]] * 50)
        self.sync(self.declared, state="failed", **FILES)
        wait.until(lambda: self.prefix + "queue" not in self.account.stacks(), "nothing is left")

    def test_refused_stack(self):
        """what CloudFormation refuses of a stack is told in its words, by file and line, and nothing is made"""
        self.account.door("fail", [["CreateChangeSet", 400, "ValidationError", "Parameters: [Needed] must have values"]])
        event = self.sync(self.declared, state="failed", **FILES)
        self.assertIn("web/all.yaml:2:", event["error"])
        self.assertIn("CloudFormation refuses the stack", event["error"])
        self.assertIn("Parameters: [Needed] must have values", event["error"])
        self.assertNotIn(self.prefix + "queue", self.account.stacks())

    def test_policy(self):
        """a stack that the policy does not name is refused by file and line before AWS is asked"""
        event = self.sync(stack("somebody-elses", "/templates/queue.yaml"), state="failed", **FILES)
        self.assertIn("web/all.yaml:2:", event["error"])
        self.assertIn("the policy does not allow the stack 'somebody-elses'", event["error"])
        self.assertEqual(self.account.calls(), [])


class Account(AccountScene):
    def configure(self):
        super().configure()
        self.daemon.config["destinations"][0]["settings"]["account"] = "210987654321"

    def test_other_account(self):
        """credentials of another account change nothing there"""
        event = self.sync(stack(self.prefix + "queue", "/templates/queue.yaml"), state="failed", **FILES)
        self.assertIn("the credentials are of account 123456789012, and the destination is 210987654321", event["error"])
        wait.until(lambda: set(self.account.calls()) <= {"GetCallerIdentity"}, "nothing else is asked")


class Elsewhere(AccountScene):
    def test_another_region(self):
        """a destination that gets another region is another one: nothing is done there until somebody says that it is meant"""
        name = self.prefix + "queue"
        self.sync(stack(name, "/templates/queue.yaml"), **FILES)
        self.daemon.config["destinations"][0]["settings"]["region"] = "eu-west-1"
        self.daemon.reload()
        told = ("since ", "it was 123456789012/eu-central-1, and now 123456789012/eu-west-1 answers; nothing is done there")
        wait.until(lambda: all(part in str(self.daemon.status()) for part in told), "it is told")
        self.account.calls()
        event = self.push(stack(name, "/templates/queue.yaml", tags={"a": "b"}))
        self.daemon.accept(event)
        wait.until(lambda: self.daemon.status()["phase"] == "backing_off", "it waits")
        self.assertEqual([call for call in self.account.calls() if call != "GetCallerIdentity"], [])
        self.daemon.ctl("destination", "accept", "here", "--identity", "123456789012/eu-west-1")
        wait.until(lambda: self.daemon.status()["status"] == "synced", "it is made there")
        self.assertIn("CreateChangeSet", self.account.calls())
