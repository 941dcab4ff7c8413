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
    def configure(self):
        super().configure()
        self.daemon.application["check_interval"] = "1s"

    def quiet(self) -> None:
        """All is in sync, and looks go by without another change set."""
        wait.until(lambda: self.daemon.status()["phase"] == "idle", "nothing runs")
        wait.until(lambda: self.daemon.status()["status"] == "synced", "all is well")
        made = len(self.cloud.fields_of("CreateChangeSet"))
        self.looks(9)
        self.assertEqual(len(self.cloud.fields_of("CreateChangeSet")), made)

    def taken(self) -> str:
        return self.cloud.find("web").resources["Topic"].properties["DisplayName"]

    def test_follows(self):
        """an output that a commit changes reaches the stack that takes it, by itself, and then all is quiet"""
        self.sync(takes(), gives(5), **FILES)
        self.assertEqual(self.taken(), "5")
        self.sync(takes(), gives(7))
        wait.until(lambda: self.taken() == "7", "it is taken")
        self.quiet()
        self.assertEqual(len(self.cloud.fields_of("CreateChangeSet")), 4)

    def test_again(self):
        """so does the next change, and what somebody changes after such a heal is put back as well"""
        self.sync(takes(), gives(5), **FILES)
        for number in (7, 9):
            self.sync(takes(), gives(number))
            wait.until(lambda number=number: self.taken() == str(number), "it is taken")
        self.quiet()
        with self.cloud.lock:
            one = self.cloud.find("web")
            one.parameters["Wait"], one.resources["Topic"].properties["DisplayName"] = "77", "77"
            one.updated = self.cloud.now()
        wait.until(lambda: self.taken() == "9", "it is put back")
        self.quiet()

    def test_by_hand(self):
        """where somebody gave the taker the new value already, that is taken up, and all is quiet"""
        self.daemon.application["drift"] = "report"
        self.daemon.reload()
        self.sync(takes(), gives(5), **FILES)
        self.sync(takes(), gives(7))
        wait.until(lambda: self.daemon.status()["status"] == "out_of_sync", "it is seen")
        with self.cloud.lock:
            one = self.cloud.find("web")
            one.parameters["Wait"], one.resources["Topic"].properties["DisplayName"] = "7", "7"
            one.updated = self.cloud.now()
        made = len(self.cloud.fields_of("CreateChangeSet"))
        self.daemon.application["drift"] = "heal"
        self.daemon.reload()
        wait.until(lambda: len(self.cloud.fields_of("CreateChangeSet")) > made, "it is to be put back")
        self.quiet()
        self.assertEqual(len(self.cloud.fields_of("ExecuteChangeSet")), 3, "there was nothing to execute")

    def test_fails(self):
        """a taker that cannot take it is rolled back, told, and not tried again at each look; the source's next value is taken"""
        self.sync(takes(), gives(5), **FILES)
        self.cloud.fails = {"Topic": "no such name"}
        self.sync(takes(), gives(7))
        wait.until(lambda: self.cloud.find("web").status == "UPDATE_ROLLBACK_COMPLETE", "it is rolled back")
        executed = len(self.cloud.fields_of("ExecuteChangeSet"))
        self.looks(9)
        self.assertEqual(len(self.cloud.fields_of("ExecuteChangeSet")), executed)
        self.assertIn("no such name", str(self.daemon.get("/v1/applications/web")))
        self.cloud.fails = {}
        self.sync(takes(), gives(8))
        wait.until(lambda: self.taken() == "8", "it is taken")
        self.quiet()

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
        wait.until(lambda: "its parameters take outputs that are others now, of web-source"
                   in self.daemon.program.log.read_text(), "it is told")
        self.assertEqual((self.taken(), self.daemon.status()["status"]), ("5", "out_of_sync"))
        event = self.daemon.act("/v1/applications/web/sync")["event"]
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual(self.taken(), "7")
