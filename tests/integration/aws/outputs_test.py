"""Parameters that take outputs of other stacks, which change later, on the double of tests/aws/replay.py."""
import json

from lib import wait
from lib.aws import stack
from lib.replay import ReplayScene
from lib.replay_templates import QUEUE

GIVES = {**QUEUE, "Outputs": {"Wait": {"Value": {"Ref": "Wait"}}}}
TAKES = {"Parameters": {"Wait": {"Type": "String"}},
         "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Wait"}}}}}
FILES = {"gives.json": json.dumps(GIVES), "takes.json": json.dumps(TAKES)}


def takes() -> dict:
    return stack("web", "/takes.json", parameters={"Wait": {"stack": "web-source", "output": "Wait"}})


def gives(wait_seconds: int) -> dict:
    return stack("web-source", "/gives.json", parameters={"Wait": wait_seconds})


class Outputs(ReplayScene):
    def taken(self) -> str:
        return self.cloud.find("web").resources["Topic"].properties["DisplayName"]

    def test_follows(self):
        """an output that a commit changes reaches the stack that takes it, by itself, and then all is quiet"""
        self.sync(takes(), gives(5), **FILES)
        self.assertEqual(self.taken(), "5")
        self.sync(takes(), gives(7))
        wait.until(lambda: self.taken() == "7", "it is taken")
        wait.until(lambda: self.daemon.status()["status"] == "synced", "all is well")
        made = len(self.cloud.fields_of("CreateChangeSet"))
        self.assertEqual(made, 4)
        self.sync(takes(), gives(7), docs="nothing of it")
        self.assertEqual(len(self.cloud.fields_of("CreateChangeSet")), made)

    def test_of_another_application(self):
        """so does one of another application's stack"""
        self.daemon.config["applications"].append({**self.daemon.application, "name": "net", "path": "net"})
        self.daemon.reload()
        net = {"net/all.yaml": json.dumps(gives(5))}
        self.sync(**FILES, **net)
        wait.until(lambda: self.daemon.status("net")["status"] == "synced", "it gives")
        self.sync(takes())
        self.assertEqual(self.taken(), "5")
        self.sync(takes(), **{"net/all.yaml": json.dumps(gives(7))})
        wait.until(lambda: self.taken() == "7", "it is taken")

    def test_reported(self):
        """where drift is only reported, it is told which parameter takes which output, and a sync that is asked for takes it"""
        self.daemon.application["drift"] = "report"
        self.daemon.reload()
        self.sync(takes(), gives(5), **FILES)
        self.sync(takes(), gives(7))
        wait.until(lambda: "its parameter 'Wait' takes the output 'Wait' of the stack 'web-source', which is another one now"
                   in self.daemon.program.log.read_text(), "it is told")
        self.assertEqual((self.taken(), self.daemon.status()["status"]), ("5", "out_of_sync"))
        event = self.daemon.act("/v1/applications/web/sync")["event"]
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual(self.taken(), "7")
