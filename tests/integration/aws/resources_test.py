"""Drift of a stack's resources, as CloudFormation's own detection finds it, on the double of tests/aws/replay.py."""
from lib import wait
from lib.aws import stack
from lib.replay import ReplayScene
from lib.replay_templates import BUCKET, QUEUE, with_resources


class Detection(ReplayScene):
    def configure(self):
        super().configure()
        self.daemon.application["check_interval"] = "1s"
        self.policy["driftDetection"] = 1

    def queue(self) -> dict:
        return self.cloud.find("web").resources["Queue"].properties

    def drift(self, **changed) -> None:
        with self.cloud.lock:
            self.cloud.find("web").actual["Queue"] = changed

    def reverts(self) -> list:
        return [f for f in self.cloud.fields_of("CreateChangeSet") if f.get("DeploymentMode") == "REVERT_DRIFT"]

    def test_put_back(self):
        """a property that somebody changed is told with both values and put back by a drift-aware change set"""
        self.web()
        self.drift(DelaySeconds="7")
        wait.until(lambda: not self.cloud.find("web").actual, "it is put back")
        self.assertEqual(len(self.reverts()), 1)
        self.assertIn("DelaySeconds: 7 -> 5", self.plans())
        wait.until(lambda: self.cloud.find("web").drift == "IN_SYNC", "it is found in sync")
        self.assertEqual(len(self.reverts()), 1, "nothing is put back that is in sync")

    def plans(self) -> str:
        return str([self.daemon.get(f"/v1/syncs/{one['id']}") for one in self.daemon.get("/v1/applications/web/syncs")["syncs"]])

    def test_reported(self):
        """where drift is only reported, each property is told and nothing is changed"""
        self.daemon.application["drift"] = "report"
        self.daemon.reload()
        self.web()
        self.drift(DelaySeconds="7")
        self.logged("Queue (AWS::SQS::Queue) /DelaySeconds is 7, applied was 5")
        self.assertEqual(self.reverts(), [])
        self.assertTrue(self.cloud.find("web").actual)

    def logged(self, text: str) -> None:
        wait.until(lambda: text in self.daemon.program.log.read_text(), f"'{text}' is logged")

    def refused(self, why: str) -> None:
        self.web(with_resources(Bucket=BUCKET))
        executed = len(self.cloud.fields_of("ExecuteChangeSet"))
        self.drift(DelaySeconds="7")
        wait.until(lambda: why in str(self.daemon.status()), "it is told")
        self.assertEqual(len(self.cloud.fields_of("ExecuteChangeSet")), executed)
        wait.until(lambda: all(c.execution != "AVAILABLE" for c in list(self.cloud.find("web").change_sets.values())),
                   "its change set is gone")
        self.assertTrue(self.cloud.find("web").actual)

    def test_replacement(self):
        """a heal that would replace a resource is refused, told, and waits for somebody"""
        self.cloud.phantoms = [{"Type": "Resource", "ResourceChange": {
            "Action": "Modify", "LogicalResourceId": "Bucket", "ResourceType": "AWS::S3::Bucket", "PhysicalResourceId": "b",
            "Replacement": "True", "PolicyAction": "ReplaceAndDelete", "Details": []}}]
        self.refused("is not put back by itself: it would replace Bucket (AWS::S3::Bucket)")

    def test_phantom(self):
        """a heal that would change a resource that has not drifted is refused and told"""
        self.cloud.phantoms = [{"Type": "Resource", "ResourceChange": {
            "Action": "Modify", "LogicalResourceId": "Bucket", "ResourceType": "AWS::S3::Bucket", "PhysicalResourceId": "b",
            "Replacement": "False", "Details": []}}]
        self.refused("it would change Bucket (AWS::S3::Bucket), which is not known to have drifted")

    def test_unchecked(self):
        """types that drift detection does not know are named"""
        self.cloud.unchecked = {"AWS::S3::Bucket"}
        self.web(with_resources(Bucket=BUCKET))
        self.logged("drift detection does not know some types, and does not compare them resource=stack/web types=AWS::S3::Bucket")

    def test_unread(self):
        """a resource that drift detection could not read is named, and does not count as compared; the others are"""
        self.cloud.unread = {"AWS::S3::Bucket"}
        self.web(with_resources(Bucket=BUCKET))
        told = ("drift detection could not compare some resources resource=stack/web resources=\"Bucket (AWS::S3::Bucket)\" "
                "reason=")
        self.logged(told)
        self.drift(DelaySeconds="7")
        wait.until(lambda: not self.cloud.find("web").actual, "it is put back")
        self.looks(2)
        self.assertEqual(self.daemon.program.log.read_text().count(told), 1, "it is told once")

    def delete(self) -> str:
        """Somebody does; which one it was."""
        with self.cloud.lock:
            self.cloud.find("web").actual["Queue"] = None
            return self.cloud.find("web").resources["Queue"].physical

    TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Queue"}}}

    def made_again(self) -> None:
        self.web(with_resources(Topic=self.TOPIC))
        before = self.delete()
        wait.until(lambda: not self.cloud.find("web").actual, "it is made again")
        self.assertNotEqual(self.cloud.find("web").resources["Queue"].physical, before)
        self.assertEqual(len(self.reverts()), 1)
        self.assertRegex(self.plans(), r"Topic \(AWS::SNS::Topic\) .* DisplayName \(from Queue\)")

    def test_made_again(self):
        """a resource that somebody deleted is made again, and what refers to it follows"""
        self.made_again()

    def test_replaced(self):
        """likewise where CloudFormation says that it replaces what is not there"""
        self.cloud.recreates = "Modify"
        self.made_again()

    def test_deleted_and_phantom(self):
        """a resource is not made again where another, which was not deleted, would be replaced with it"""
        self.cloud.phantoms = [{"Type": "Resource", "ResourceChange": {
            "Action": "Modify", "LogicalResourceId": "Bucket", "ResourceType": "AWS::S3::Bucket", "PhysicalResourceId": "b",
            "Replacement": "True", "PolicyAction": "ReplaceAndDelete", "ResourceDriftStatus": "DELETED", "Details": [
                {"Target": {"Attribute": "Properties", "Name": "X"}, "CausingEntity": "Queue"}]}}]
        self.web(with_resources(Bucket=BUCKET))
        self.delete()
        wait.until(lambda: "it would replace Bucket (AWS::S3::Bucket)" in str(self.daemon.status()), "it is told")
        self.assertIsNone(self.cloud.find("web").actual["Queue"])

    def test_deleted(self):
        """a resource that somebody deleted is told; CloudFormation, which does not put it back here, is not asked for ever"""
        self.cloud.recreates = None
        self.web()
        with self.cloud.lock:
            told_before = len(self.cloud.fields_of("DescribeStackResourceDrifts"))
            self.delete()
        wait.until(lambda: "CloudFormation finds nothing to put back" in str(self.daemon.status()), "it is told")
        detected = len(self.cloud.fields_of("DetectStackDrift"))
        wait.until(lambda: len(self.cloud.fields_of("DetectStackDrift")) > detected + 1, "it is looked at again")
        with self.cloud.lock:
            told = len(self.cloud.fields_of("DescribeStackResourceDrifts")) - told_before
            self.assertLessEqual(len(self.reverts()), told, "once for each detection")

    def test_busy(self):
        """while an operation runs none is begun"""
        self.web()
        one = self.cloud.find("web")
        with self.cloud.lock:
            one.hold = True
            one.begin("UPDATE_IN_PROGRESS", "theirs", lambda: one.become("UPDATE_COMPLETE", "theirs"))
        self.looks(2)
        begun = len(self.cloud.fields_of("DetectStackDrift"))
        self.looks(2)
        self.assertEqual(len(self.cloud.fields_of("DetectStackDrift")), begun)
        one.hold = False
        wait.until(lambda: len(self.cloud.fields_of("DetectStackDrift")) > begun, "it goes on")

    def test_off(self):
        """a stack that declares so is not looked at"""
        self.web(driftDetection=False)
        self.account.calls()
        wait.until(lambda: self.account.calls().count("DescribeStacks"), "it is looked at")
        self.assertEqual(self.cloud.fields_of("DetectStackDrift"), [])


class Bounds(ReplayScene):
    def configure(self):
        super().configure()
        self.daemon.application["check_interval"] = "1s"
        self.policy["driftDetection"] = True

    def test_one_at_a_time(self):
        """one stack after the other is looked at, each as soon as it stands, and none again before ten minutes are over"""
        self.sync(*(stack(f"web-{i}", "/t.json") for i in range(3)), **self.file(QUEUE))
        wait.until(lambda: all(s.drift == "IN_SYNC" for s in self.cloud.stacks), "all were looked at")
        self.looks(3)
        self.assertEqual(len(self.cloud.fields_of("DetectStackDrift")), 3)
        names = [name for name, _ in self.cloud.asked if "Drift" in name]
        begun = [i for i, name in enumerate(names) if name == "DetectStackDrift"]
        ended = [i for i, name in enumerate(names) if name == "DescribeStackResourceDrifts"]
        self.assertTrue(all(end < begin for end, begin in zip(ended, begun[1:])), names)
        self.sync(*(stack(f"web-{i}", "/t.json") for i in range(4)))
        wait.until(lambda: self.cloud.find("web-3").drift == "IN_SYNC", "one that comes later need not wait for the others")

    def test_forbidden(self):
        """where detection is not allowed, that is told once with the way out, and no stack is asked about for ever"""
        said = "User: u is not authorized to perform: cloudformation:DetectStackDrift on resource: x"
        self.account.fail("DetectStackDrift", "AccessDenied", said, 403, times=100)
        self.sync(*(stack(f"web-{i}", "/t.json") for i in range(3)), **self.file(QUEUE))
        wait.until(lambda: said in str(self.daemon.get("/v1/status")), "it is told")
        self.looks(3)
        self.assertEqual(self.account.calls().count("DetectStackDrift"), 1)
