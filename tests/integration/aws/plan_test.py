"""What is shown before anything is done, and what waits for somebody's word."""
from lib import wait
from lib.aws import AccountScene, stack

from .line_test import QUEUE

TWO = QUEUE.replace("Outputs:", "  Other: {Type: AWS::SNS::Topic}\nOutputs:")


class Plan(AccountScene):
    def test_preview(self):
        """a plan shows each resource that would change, and leaves neither change set nor stack"""
        first, second = self.prefix + "first", self.prefix + "second"
        self.sync(stack(first, "/templates/queue.yaml"), **{"templates/queue.yaml": QUEUE})
        self.daemon.application["suspended"] = True
        self.daemon.reload()
        self.daemon.accept(self.push(stack(first, "/templates/queue.yaml"), stack(second, "/templates/queue.yaml"),
                                     **{"templates/queue.yaml": TWO}))
        wait.until(lambda: self.daemon.status()["phase"] == "held", "the push is seen")
        shown = self.daemon.ctl("plan", "web")
        self.assertIn(f"create  stack/{second}", shown.replace("create stack", "create  stack"))
        self.assertIn("+ Other (AWS::SNS::Topic)", shown)
        self.assertIn("+ Queue (AWS::SQS::Queue)", shown)
        there = self.account.stacks()
        self.assertNotIn(second, there)
        self.assertEqual((there[first]["changeSets"], there[first]["template"]), ([], QUEUE))

    def test_rejected(self):
        """what would lose data waits, and once it is rejected nothing of it is left"""
        name = self.prefix + "two"
        self.sync(stack(name, "/templates/two.yaml"),
                  **{"templates/two.yaml": QUEUE.replace("Outputs:", "  Bucket: {Type: AWS::S3::Bucket}\nOutputs:")})
        event = self.daemon.accept(self.push(stack(name, "/templates/two.yaml"), **{"templates/two.yaml": QUEUE}))
        held = wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "it is held")
        self.assertIn("would destroy data", held["waits_for"])
        self.assertIn("- Bucket (AWS::S3::Bucket)", self.daemon.ctl("plan", "web"))
        self.assertEqual(len(self.account.stacks()[name]["changeSets"]), 1)
        self.daemon.ctl("reject", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "cancelled")
        wait.until(lambda: self.account.stacks()[name]["changeSets"] == [], "its change set is gone")
        self.assertIn("Bucket", self.account.stacks()[name]["resources"])

    def test_approved(self):
        """what was approved is the change set that was shown, by its id"""
        name = self.prefix + "two"
        self.sync(stack(name, "/templates/two.yaml"),
                  **{"templates/two.yaml": QUEUE.replace("Outputs:", "  Bucket: {Type: AWS::S3::Bucket}\nOutputs:")})
        event = self.daemon.accept(self.push(stack(name, "/templates/two.yaml"), **{"templates/two.yaml": QUEUE}))
        wait.until(lambda: self.daemon.status()["phase"] == "held", "it is held")
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertNotIn("Bucket", self.account.stacks()[name]["resources"])
