"""Stacks within stacks: what changes in them is shown and guarded, on the double of tests/aws."""
from lib import wait
from lib.aws import stack
from lib.replay import ReplayScene
from lib.replay_templates import BUCKET, QUEUE, with_resources

QUEUE_ONLY = {"Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": "1"}}}}


def nest(url: str, **more) -> dict:
    return {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}, **more}


def templates(**resources: dict) -> dict:
    return {"Resources": resources}


class Nested(ReplayScene):
    """`web` has the nested stack Store with a bucket, and in that one Inner with a queue."""

    def configure(self):
        super().configure()
        self.cloud.templates = {
            "https://b/store.json": templates(Bucket=BUCKET, Inner=nest("https://b/inner.json")),
            "https://b/inner.json": QUEUE_ONLY,
            "https://b/renamed.json": templates(Bucket={**BUCKET, "Properties": {"BucketName": "other"}},
                                                Inner=nest("https://b/inner.json")),
            "https://b/slow.json": templates(Bucket=BUCKET, Inner=nest("https://b/slow-inner.json")),
            "https://b/slow-inner.json": templates(Jobs={"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": "9"}})}

    OUTER = with_resources(Store=nest("https://b/store.json"))
    RENAMED = with_resources(Store=nest("https://b/renamed.json"))
    SLOW = with_resources(Store=nest("https://b/slow.json"))

    def inner(self, *path: str):
        found = self.cloud.find("web")
        for logical in path:
            found = self.cloud.nested_stack(found, logical)
        return found


class Shown(Nested):
    def configure(self):
        super().configure()
        self.daemon.application["approve"] = True

    def planned(self, template: dict) -> str:
        """What waits for somebody's word, as it is shown."""
        self.event, _ = self.held(stack("web", "/t.json"), **self.file(template))
        return self.daemon.ctl("plan", "web")

    def approved(self) -> None:
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(self.event)["state"], "succeeded")

    def test_shown(self):
        """what a nested stack makes and changes is in the plan under its path, and comes true with the root's change set"""
        plan = self.planned(self.OUTER)
        for line in ("+ Store (AWS::CloudFormation::Stack)", "+ Store/Bucket (AWS::S3::Bucket)", "+ Store/Inner/Jobs (AWS::SQS::Queue)"):
            self.assertIn(line, plan)
        self.assertIn("5 to add", plan)
        self.approved()
        self.assertEqual(self.inner("Store", "Inner").status, "CREATE_COMPLETE")
        self.assertRegex(self.planned(self.SLOW), r"~ Store/Inner/Jobs \(AWS::SQS::Queue\) \S+\n +DelaySeconds: 1 -> 9\n")
        self.approved()
        self.assertEqual(self.inner("Store", "Inner").resources["Jobs"].properties, {"DelaySeconds": "9"})
        self.assertEqual(len(self.cloud.fields_of("ExecuteChangeSet")), 2)

    def test_nothing_left(self):
        """what is rejected leaves neither change sets nor nested stacks, though CloudFormation takes its time to delete them"""
        self.planned(self.OUTER)
        self.assertEqual(len(self.cloud.stacks), 3)
        self.daemon.ctl("reject", "web")
        self.assertEqual(self.daemon.wait_ended(self.event)["state"], "cancelled")
        wait.until(lambda: [s.status for s in self.cloud.stacks if s.status != "DELETE_COMPLETE"] == ["DELETE_IN_PROGRESS"],
                   "nothing is left but the stack on its way out")
        self.assertFalse([s for s in self.cloud.stacks if s.change_sets])

    def test_pages(self):
        """a nested change set has pages, too"""
        self.cloud.page = 2
        many = {f"Queue{i}": {"Type": "AWS::SQS::Queue", "Properties": {}} for i in range(5)}
        self.cloud.templates["https://b/many.json"] = templates(**many)
        plan = self.planned(with_resources(Many=nest("https://b/many.json")))
        for name in many:
            self.assertIn(f"+ Many/{name} (AWS::SQS::Queue)", plan)


class Changes(Nested):
    def test_unchanged(self):
        """a nested stack in which nothing changes is not changed, though CloudFormation is asked"""
        self.web(self.OUTER)
        self.web(self.OUTER, driftDetection=False)
        self.assertEqual(len(self.cloud.fields_of("CreateChangeSet")), 2)
        self.assertEqual(len(self.cloud.fields_of("ExecuteChangeSet")), 1)

    def test_ordinary(self):
        """a template without nested stacks is planned as before, by the calls that it took before"""
        self.web()
        self.account.calls()
        self.web(with_resources(Bucket=BUCKET))
        self.assertEqual(set(self.account.calls()), {"DescribeStacks", "CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet",
                                                     "DescribeStackEvents"})
        self.assertFalse(any("IncludeNestedStacks" in f for f in self.cloud.fields_of("CreateChangeSet")))

    def test_failed(self):
        """a nested change set that fails is told with its reason and its path, and all of them are"""
        self.cloud.templates["https://b/bad.json"] = QUEUE_ONLY
        self.cloud.nested_fails = {"Inner": "Template format error: unsupported structure", "Other": "Parameters: [X] must have values"}
        event = self.web(with_resources(Store=nest("https://b/store.json"), Other=nest("https://b/bad.json")), state="failed")
        self.assertIn("Store/Inner: Template format error: unsupported structure", event["error"])
        self.assertIn("Other: Parameters: [X] must have values", event["error"])
        self.assertIn("nestedChanges: false", event["error"])
        self.assertFalse([s for s in self.cloud.stacks if s.change_sets], "its change sets are deleted")


class Guard(Nested):
    def test_replacement(self):
        """a bucket of a nested stack that would be replaced waits for somebody's word"""
        self.web(self.OUTER)
        event, why = self.held(stack("web", "/t.json"), **self.file(self.RENAMED))
        self.assertIn("would destroy data", why)
        plan = self.daemon.ctl("plan", "web")
        self.assertIn("-/+ Store/Bucket (AWS::S3::Bucket)", plan)
        self.assertIn("BucketName: data -> other (forces a replacement)", plan)
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual(self.inner("Store").resources["Bucket"].properties, {"BucketName": "other"})

    def test_declared(self):
        """a declaration lets a nested stack's resource be replaced by its path, and by nothing else"""
        self.policy["data"] = {"declared": ["replace"]}
        self.daemon.reload()
        self.web(self.OUTER)
        _, why = self.held(stack("web", "/t.json", allow={"replace": ["Bucket", "Store"]}), **self.file(self.RENAMED))
        self.assertIn("would destroy data", why)
        self.web(self.RENAMED, allow={"replace": ["Store/Bucket"]})
        self.assertEqual(self.inner("Store").resources["Bucket"].properties, {"BucketName": "other"})

    def test_removal(self):
        """a nested stack that goes takes its resources with it, at any depth: each is told and counts"""
        self.policy["data"] = {"declared": ["delete"]}
        self.daemon.reload()
        self.web(self.OUTER)
        gone = self.inner("Store", "Inner")
        self.held(stack("web", "/t.json", allow={"delete": ["Store", "Store/Inner", "Store/Inner/Jobs"]}), **self.file(QUEUE))
        plan = self.daemon.ctl("plan", "web")
        for line in (r"- Store/Bucket \(AWS::S3::Bucket\)", r"- Store/Inner/Jobs \(AWS::SQS::Queue\)"):
            self.assertRegex(plan, line)
        self.assertIn("4 to delete", plan)
        self.web(QUEUE, allow={"delete": ["Store", "Store/Bucket", "Store/Inner", "Store/Inner/Jobs"]})
        self.assertEqual(gone.status, "DELETE_COMPLETE")

    def test_retained(self):
        """what a nested template retains stays, and counts for nothing"""
        self.policy["data"] = {"declared": ["delete"]}
        self.daemon.reload()
        self.cloud.templates["https://b/store.json"] = templates(Bucket={**BUCKET, "DeletionPolicy": "Retain"})
        self.web(self.OUTER)
        self.web(QUEUE, allow={"delete": ["Store"]})
        self.assertNotIn("Store", self.cloud.find("web").resources)

    def test_deletion(self):
        """the plan of a stack's deletion tells what goes and what stays of its nested stacks"""
        self.cloud.templates["https://b/store.json"] = templates(
            Bucket={**BUCKET, "DeletionPolicy": "Retain"}, Inner=nest("https://b/inner.json"), Kept=nest(
                "https://b/inner.json", DeletionPolicy="Retain"))
        self.web(self.OUTER)
        event, _ = self.held(**self.file(QUEUE))
        plan = self.daemon.ctl("plan", "web")
        self.assertRegex(plan, r"= Store/Bucket \(AWS::S3::Bucket\) \S+ stays: DeletionPolicy is Retain")
        self.assertRegex(plan, r"- Store/Inner/Jobs \(AWS::SQS::Queue\)")
        self.assertRegex(plan, r"= Store/Kept/Jobs \(AWS::SQS::Queue\) \S+ stays")
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        wait.until(lambda: self.cloud.find("web") is None, "it is gone")

    def test_gone(self):
        """nested stacks that somebody deleted already stand in no deletion's way, and nothing of them is told to go"""
        self.web(self.OUTER)
        with self.cloud.lock:
            self.cloud.end_deletion(self.inner("Store", "Inner"), None)
        event, _ = self.held(**self.file(QUEUE))
        plan = self.daemon.ctl("plan", "web")
        self.assertIn("- Store/Bucket (AWS::S3::Bucket)", plan)
        self.assertNotIn("Jobs", plan)
        with self.cloud.lock:  # long ago
            self.cloud.stacks.remove(self.inner("Store", "Inner"))
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")

    def test_unknown(self):
        """without change sets of nested stacks, by declaration or since there are none, each change of one waits"""
        self.web(self.OUTER, nestedChanges=False)
        self.assertFalse(any("IncludeNestedStacks" in f for f in self.cloud.fields_of("CreateChangeSet")))
        self.held(stack("web", "/t.json", nestedChanges=False), **self.file(self.SLOW))
        self.assertRegex(self.daemon.ctl("plan", "web"), r"~ Store \(AWS::CloudFormation::Stack\) \S+: what changes in it is not known")
        self.cloud.silent = True
        self.held(stack("web", "/t.json"), **self.file(self.SLOW))


class Failure(Nested):
    def test_creation(self):
        """the first cause of a failure in nested stacks is the resource that failed, at any depth"""
        self.cloud.fails = {"Jobs": "You must wait 60 seconds after deleting a queue"}
        event = self.web(self.OUTER, state="failed")
        self.assertIn("Store/Inner/Jobs (AWS::SQS::Queue): You must wait 60 seconds after deleting a queue", event["error"])

    def test_update(self):
        """likewise of an update"""
        self.web(self.OUTER)
        self.cloud.fails = {"Jobs": "no such delay"}
        event = self.web(self.SLOW, state="failed")
        self.assertIn("Store/Inner/Jobs (AWS::SQS::Queue): no such delay", event["error"])

    def test_deletion(self):
        """likewise of a deletion"""
        self.policy["data"] = {"allow": ["delete"]}
        self.daemon.reload()
        self.web(self.OUTER)
        self.cloud.delete_fails = {"Bucket": "The bucket you tried to delete is not empty"}
        event = self.sync(state="failed", **self.file(QUEUE))
        self.assertIn("Store/Bucket (AWS::S3::Bucket): The bucket you tried to delete is not empty", event["error"])


class Drift(Nested):
    def configure(self):
        super().configure()
        self.daemon.application["check_interval"] = "1s"
        self.policy["driftDetection"] = 1

    def drift(self, *path: str, **changed) -> None:
        *stacks, resource = path
        with self.cloud.lock:
            self.inner(*stacks).actual[resource] = changed

    def reverts(self) -> list:
        return [f for f in self.cloud.fields_of("CreateChangeSet") if f.get("DeploymentMode") == "REVERT_DRIFT"]

    def test_reported(self):
        """drift in a nested stack, at any depth, is told by its path with both values, and that it is not put back"""
        self.web(self.OUTER)
        self.drift("Store", "Inner", "Jobs", DelaySeconds="7")
        why = "CloudFormation has no drift-aware change sets of nested stacks (Store/Inner/Jobs)"
        wait.until(lambda: why in str(self.daemon.status()), "it is told")
        self.assertIn("Store/Inner/Jobs (AWS::SQS::Queue) /DelaySeconds is 7, applied was 1", str(self.daemon.status()))
        self.assertEqual(self.reverts(), [])
        with self.cloud.lock:
            self.inner("Store", "Inner").actual.clear()
        wait.until(lambda: self.daemon.status()["health"] == "healthy" and why not in str(self.daemon.status()), "it is right again")

    def test_both(self):
        """drift of the stack itself is not put back either where that would change a nested one"""
        self.web(self.OUTER)
        self.drift("Queue", DelaySeconds="7")
        wait.until(lambda: "it would change Store (AWS::CloudFormation::Stack)" in str(self.daemon.status()), "it is told")
        self.assertFalse(any("IncludeNestedStacks" in f for f in self.reverts()))

    def test_one_at_a_time(self):
        """one after the other is looked at, the nested ones after their own"""
        self.policy["driftDetection"] = True
        self.daemon.reload()
        self.web(self.OUTER)
        wait.until(lambda: self.inner("Store", "Inner").drift == "IN_SYNC", "all were looked at")
        asked = [f["StackName"] for f in self.cloud.fields_of("DetectStackDrift")]
        self.assertEqual(asked, [self.inner(*path).id for path in ((), ("Store",), ("Store", "Inner"))])
        names = [name for name, _ in self.cloud.asked if "Drift" in name]
        begun = [i for i, name in enumerate(names) if name == "DetectStackDrift"]
        ended = [i for i, name in enumerate(names) if name == "DescribeStackResourceDrifts"]
        self.assertTrue(all(end < begin for end, begin in zip(ended, begun[1:])), names)

    def test_refused(self):
        """a nested stack of which drift cannot be detected is named, and the others are looked at"""
        self.web(self.OUTER)
        with self.cloud.lock:
            self.inner("Store").status = "UPDATE_ROLLBACK_FAILED"
            self.inner().actual["Queue"] = {"DelaySeconds": "7"}
        wait.until(lambda: "drift of a nested stack cannot be detected" in self.daemon.program.log.read_text(), "it is named")
        wait.until(lambda: "it would change Store" in str(self.daemon.status()), "the rest is looked at")
