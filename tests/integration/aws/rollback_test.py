"""An application that goes back to what it was before."""
from lib.aws import AccountScene, stack

from .line_test import QUEUE


class Rollback(AccountScene):
    def test_rollback(self):
        """a rollback brings back template, parameters and tags of the revision before, and takes away what came since"""
        name, other = self.prefix + "queue", self.prefix + "other"
        self.policy["data"] = {"allow": ["delete"]}
        self.daemon.reload()
        self.sync(stack(name, "/templates/queue.yaml", parameters={"Wait": 7}, tags={"team": "web"}),
                  **{"templates/queue.yaml": QUEUE})
        before = self.account.stacks()[name]
        changed = QUEUE.replace("Outputs:", "  Topic: {Type: AWS::SNS::Topic}\nOutputs:")
        self.sync(stack(name, "/templates/queue.yaml", parameters={"Wait": 9}, tags={"team": "other"}),
                  stack(other, "/templates/queue.yaml"), **{"templates/queue.yaml": changed})
        self.assertIn("Topic", self.account.stacks()[name]["resources"])
        self.assertIn(other, self.account.stacks())

        self.daemon.ctl("rollback", "web")
        after = self.account.stacks()
        self.assertNotIn(other, after)
        for what in ("id", "template", "parameters", "tags"):
            self.assertEqual(after[name][what], before[what], what)
        self.assertNotIn("Topic", after[name]["resources"])
