"""What somebody changes past gitopsd is seen by the next look, and put back."""
from lib import wait
from lib.aws import AccountScene, stack

from .line_test import QUEUE


class Drift(AccountScene):
    def configure(self):
        super().configure()
        self.daemon.application["check_interval"] = "1s"

    def put_back(self, template: str, wait_seconds: str) -> None:
        """Somebody makes it so, and it does not stay so."""
        name = self.prefix + "queue"
        self.sync(stack(name, "/templates/queue.yaml", parameters={"Wait": 9}, tags={"team": "web"}),
                  **{"templates/queue.yaml": QUEUE})
        self.account.by_hand(name, template, {"Wait": wait_seconds}, self.account.stacks()[name]["tags"])
        wait.until(lambda: (s := self.account.stacks()[name])["template"] == QUEUE and s["parameters"]["Wait"] == "9",
                   "it is put back", 20)

    def test_parameter(self):
        """a parameter that somebody changed is put back"""
        self.put_back(QUEUE, "11")

    def test_template(self):
        """a template that somebody changed is put back"""
        self.put_back(QUEUE.replace("A queue", "Another queue"), "9")

    def test_deleted(self):
        """a stack that somebody deleted is made again"""
        name = self.prefix + "queue"
        self.sync(stack(name, "/templates/queue.yaml"), **{"templates/queue.yaml": QUEUE})
        before = self.account.stacks()[name]["id"]
        self.account.delete_by_hand(name)
        wait.until(lambda: (s := self.account.stacks().get(name)) and s["id"] != before and s["status"] == "CREATE_COMPLETE",
                   "it is there again", 20)

    def test_nothing_moved(self):
        """a look at stacks that nobody touched asks for a page of them, and for nothing else"""
        self.sync(*(stack(f"{self.prefix}{i}", "/templates/queue.yaml") for i in range(5)), **{"templates/queue.yaml": QUEUE})
        self.account.calls()
        calls = wait.until(lambda: self.account.calls(), "it looks", 20)
        self.assertEqual(set(calls), {"DescribeStacks"})


class NoDetection(AccountScene):
    def configure(self):
        super().configure()
        self.daemon.application["check_interval"] = "1s"
        self.policy["driftDetection"] = True

    def test_not_there(self):
        """an endpoint without drift detection is noticed once, told with the way out, and all else goes on"""
        name = self.prefix + "queue"
        self.sync(stack(name, "/templates/queue.yaml"), **{"templates/queue.yaml": QUEUE})
        wait.until(lambda: "CloudFormation detects no drift of resources here" in str(self.daemon.get("/v1/status")), "it is told")
        self.account.calls()
        wait.until(lambda: self.account.calls().count("DescribeStacks") > 0, "it goes on looking")
        self.account.by_hand(name, QUEUE, {"Wait": 11}, self.account.stacks()[name]["tags"])
        wait.until(lambda: self.account.stacks()[name]["parameters"].get("Wait") != "11", "what it sees itself is put back")
        self.assertNotIn("DetectStackDrift", self.account.calls())
