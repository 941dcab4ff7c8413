"""What holds data is not lost without somebody's word, on the double of tests/aws/replay.py."""
import json

from lib import wait
from lib.aws import stack
from lib.replay import ReplayScene, replay
from lib.replay_templates import BUCKET, QUEUE, with_resources


class Guard(ReplayScene):
    REPLACED = with_resources(Bucket={**BUCKET, "Properties": {"BucketName": "other"}})

    def test_replacement(self):
        """a bucket that would be replaced waits for somebody's word, and the plan tells which property does it"""
        self.web(with_resources(Bucket=BUCKET))
        event, why = self.held(stack("web", "/t.json"), **self.file(self.REPLACED))
        self.assertIn("would destroy data", why)
        plan = self.daemon.ctl("plan", "web")
        self.assertRegex(plan, r"-/\+ Bucket \(AWS::S3::Bucket\) .*\[holds data\]")
        self.assertIn("BucketName: data -> other (forces a replacement)", plan)
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")

    def test_snapshot(self):
        """what is deleted after a snapshot waits for somebody's word as well: the resource itself is gone then"""
        database = {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Snapshot", "Properties": {"Engine": "postgres"}}
        self.web(with_resources(Db=database))
        _, why = self.held(stack("web", "/t.json"), **self.file(QUEUE))
        self.assertIn("would destroy data", why)
        plan = self.daemon.ctl("plan", "web")
        self.assertRegex(plan, r"- Db \(AWS::RDS::DBInstance\) \S+ after a snapshot \[holds data\]")
        self.assertIn("1 to delete", plan)

    def test_heal(self):
        """a heal loses no data: what somebody added to a stack stays until somebody's word, and that is told"""
        self.daemon.application["check_interval"] = "1s"
        self.daemon.reload()
        self.web()
        with self.cloud.lock:
            one = self.cloud.find("web")
            one.template = json.dumps(with_resources(Bucket=BUCKET))
            one.resources["Bucket"] = replay.Resource("Bucket", BUCKET, BUCKET["Properties"], one)
            one.updated = self.cloud.now()
        told = "the stack 'web' is not put back by itself: data would be lost with Bucket (AWS::S3::Bucket)"
        wait.until(lambda: told in str(self.daemon.status()["error"]), "it is told")
        self.assertIn("Bucket", one.resources)
        wait.until(lambda: all(c.execution != "AVAILABLE" for c in list(one.change_sets.values())), "nothing is left")
        made = len(self.cloud.fields_of("CreateChangeSet"))
        self.looks(9)
        self.assertEqual(len(self.cloud.fields_of("CreateChangeSet")), made, "it is not planned again while nothing moved")
        event = self.daemon.act("/v1/applications/web/sync")["event"]
        wait.until(lambda: "would destroy data" in (self.daemon.status()["waits_for"] or ""), "it asks")
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertNotIn("Bucket", one.resources)

    def test_approved_after_reload(self):
        """what is approved after the destination's settings were reloaded goes on without a second word, at the same account and region"""
        self.web(with_resources(Bucket=BUCKET))
        event, _ = self.held(stack("web", "/t.json"), **self.file(self.REPLACED))
        self.daemon.config["destinations"][0]["settings"]["artifacts"] = {"bucket": "code"}
        self.daemon.reload()
        self.daemon.ctl("approve", "web", "--no-wait")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")

    def test_declared(self):
        """a declaration lets a bucket be replaced where the policy lets it do so, and only that bucket"""
        self.policy["data"] = {"declared": ["replace"]}
        self.daemon.reload()
        self.web(with_resources(Bucket=BUCKET))
        _, why = self.held(stack("web", "/t.json", allow={"replace": ["Other"]}), **self.file(self.REPLACED))
        self.assertIn("would destroy data", why)
        self.web(self.REPLACED, allow={"replace": ["Bucket"]})
        self.assertEqual(self.cloud.find("web").resources["Bucket"].properties, {"BucketName": "other"})

    def test_declared_alone(self):
        """a declaration that allows losses without the policy's leave is refused by file and line"""
        event = self.web(with_resources(Bucket=BUCKET), allow={"replace": ["Bucket"]}, state="failed")
        self.assertIn("the policy does not allow declarations to let resources with data be replaced", event["error"])
        self.assertIn("web/all.yaml:2:", event["error"])
        self.assertEqual(self.account.calls(), [])

    def test_types(self):
        """the policy names further types that hold data, and may allow their loss itself"""
        self.policy["data"] = {"types": ["AWS::EC2::NatGateway"]}
        self.daemon.reload()
        self.web(with_resources(Gate={"Type": "AWS::EC2::NatGateway"}))
        _, why = self.held(stack("web", "/t.json"), **self.file(QUEUE))
        self.assertIn("would destroy data", why)
        self.policy["data"]["allow"] = ["delete"]
        self.daemon.reload()
        self.web(QUEUE, tags={"a": "b"})
        self.assertNotIn("Gate", self.cloud.find("web").resources)

    def test_deletion(self):
        """the plan of a deletion tells each resource that goes, and each that stays"""
        self.web(with_resources(Bucket={**BUCKET, "DeletionPolicy": "Retain"}))
        event, _ = self.held(**self.file(QUEUE))
        plan = self.daemon.ctl("plan", "web")
        self.assertRegex(plan, r"= Bucket \(AWS::S3::Bucket\) web-Bucket-\d+ stays: DeletionPolicy is Retain")
        self.assertRegex(plan, r"- Queue \(AWS::SQS::Queue\) web-Queue-\d+")
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        wait.until(lambda: self.cloud.find("web") is None, "it is gone")
