"""What a stack has beside its template: region, protection, stack policy, topics, what happens when it fails."""
import json

from lib import wait
from lib.aws import ACCOUNT, stack
from lib.replay import ReplayScene
from lib.replay_templates import BUCKET, QUEUE, with_resources

POLICY = {"Statement": [{"Effect": "Deny", "Action": "Update:Replace", "Principal": "*", "Resource": "*"}]}
TOPICS = [f"arn:aws:sns:eu-central-1:123456789012:{name}" for name in ("first", "second")]


class Protection(ReplayScene):
    def configure(self):
        super().configure()
        self.daemon.application["check_interval"] = "1s"

    def test_protected(self):
        """a stack is protected once it stands, again where somebody switches that off, and told where it is to be deleted"""
        self.web(terminationProtection=True)
        self.assertTrue(self.cloud.find("web").protected)
        calls = self.account.calls()
        self.assertEqual(calls.count("UpdateTerminationProtection"), 1)
        self.assertGreater(calls.index("UpdateTerminationProtection"), calls.index("ExecuteChangeSet") + 1, "it stood before")
        self.cloud.find("web").protected = False
        wait.until(lambda: self.cloud.find("web").protected, "it is protected again")

        event = self.sync(state="failed", **self.file(QUEUE))
        self.assertIn("the stack 'web' is no longer declared, and its termination protection is on", event["error"])
        self.assertIn("switch the protection off in CloudFormation", event["error"])
        self.assertEqual(self.cloud.fields_of("DeleteStack"), [])
        self.assertTrue(self.cloud.find("web").protected)

    def test_unprotected(self):
        """protection that the declaration switches off is switched off, one that it does not name stays"""
        self.web(terminationProtection=True)
        self.web(tags={"a": "b"})
        self.assertTrue(self.cloud.find("web").protected)
        self.web(terminationProtection=False)
        self.assertFalse(self.cloud.find("web").protected)

    def test_failed_creation(self):
        """a stack of which the creation failed is not protected, so that the next commit can make it anew"""
        self.cloud.fails = {"Queue": "it exists already"}
        event = self.web(terminationProtection=True, state="failed")
        self.assertIn("Queue (AWS::SQS::Queue) at /t.json:1: it exists already", event["error"])
        self.assertEqual(self.cloud.fields_of("UpdateTerminationProtection"), [])
        self.cloud.fails = {}
        self.web(terminationProtection=True, tags={"a": "b"})
        self.assertTrue(self.cloud.find("web").protected)


class StackPolicy(ReplayScene):
    def test_file(self):
        """a stack policy of the repository is set once the stack stands, with each change of it, and else costs nothing"""
        files = {"policies/web.json": json.dumps(POLICY)}
        self.sync(stack("web", "/t.json", stackPolicy="/policies/web.json"), **self.file(QUEUE), **files)
        self.assertEqual(self.cloud.find("web").policy, files["policies/web.json"])
        self.account.calls()
        self.sync(stack("web", "/t.json", stackPolicy="/policies/web.json", tags={"a": "b"}))
        self.assertNotIn("SetStackPolicy", self.account.calls())
        changed = json.dumps({**POLICY, "Statement": []})
        self.sync(stack("web", "/t.json", stackPolicy="/policies/web.json", tags={"a": "b"}), **{"policies/web.json": changed})
        self.assertEqual(self.cloud.find("web").policy, changed)

    def test_inline(self):
        """a stack policy in the declaration is set before the change that comes with it; one taken back allows every update"""
        self.web()
        self.account.calls()
        self.web(stackPolicy=POLICY, parameters={"Wait": 9})
        self.assertEqual(json.loads(self.cloud.find("web").policy), POLICY)
        calls = self.account.calls()
        self.assertLess(calls.index("SetStackPolicy"), calls.index("ExecuteChangeSet"))
        self.web(parameters={"Wait": 9})
        self.assertEqual(json.loads(self.cloud.find("web").policy)["Statement"][0]["Action"], "Update:*")

    def test_no_policy(self):
        """a file that is no stack policy is told, and nothing is made"""
        event = self.sync(stack("web", "/t.json", stackPolicy="/policies/web.json"), state="failed", **self.file(QUEUE),
                          **{"policies/web.json": "{}"})
        self.assertIn("'/policies/web.json' is no stack policy", event["error"])
        self.assertEqual((self.cloud.fields_of("CreateChangeSet"), self.cloud.stacks), ([], []))
        self.assertEqual(self.cloud.fields_of("ExecuteChangeSet"), [])


class Words(ReplayScene):
    """What goes into the change set."""

    def test_notifications(self):
        """topics are set, changed and taken away; where CloudFormation does not change them alone, that is told"""
        self.policy["notifications"] = ["arn:aws:sns:*"]
        self.daemon.reload()
        self.web(notifications=TOPICS)
        self.assertEqual(self.cloud.find("web").notifications, TOPICS)
        self.web(notifications=TOPICS[:1], tags={"a": "b"})
        self.assertEqual(self.cloud.find("web").notifications, TOPICS[:1])
        event = self.web(notifications=TOPICS, tags={"a": "b"}, state="failed")
        self.assertIn("CloudFormation does not change the topics of the stack 'web' alone", event["error"])
        self.web(notifications=[], tags={"a": "c"})
        self.assertEqual(self.cloud.find("web").notifications, [])

    def test_role_alone(self):
        """another role alone changes nothing now, which is told; it is the stack's with its next change"""
        self.policy["roles"] = [f"arn:aws:iam::{ACCOUNT}:role/*"]
        self.daemon.reload()
        old, new = f"arn:aws:iam::{ACCOUNT}:role/old", f"arn:aws:iam::{ACCOUNT}:role/new"
        self.web(role=old)
        self.web(role=new)
        self.assertEqual(self.cloud.find("web").role, old)
        self.assertIn(f"it has the declared one from its next change on stack=web role={old} declared={new}",
                      self.daemon.program.log.read_text())
        self.web(role=new, tags={"a": "b"})
        self.assertEqual(self.cloud.find("web").role, new)

    def test_foreign_topic(self):
        """a topic that the policy does not name is refused"""
        event = self.web(notifications=TOPICS[:1], state="failed")
        self.assertIn(f"the policy does not allow the topic {TOPICS[0]}", event["error"])
        self.assertEqual(self.account.calls(), [])

    def test_deleted_on_failure(self):
        """a stack that CloudFormation deletes since its creation failed tells the first cause, and is made anew"""
        self.cloud.fails = {"Queue": "it exists already"}
        event = self.web(onFailure="delete", state="failed")
        self.assertIn("its creation failed, and it was deleted: Queue (AWS::SQS::Queue) at /t.json:1: it exists already", event["error"])
        self.assertIsNone(self.cloud.find("web"))
        self.cloud.fails = {}
        self.web(onFailure="delete", tags={"a": "b"})
        self.web(onFailure="delete", tags={"a": "c"})
        self.assertEqual([f.get("OnStackFailure") for f in self.cloud.fields_of("CreateChangeSet")][-2:], ["DELETE", None])

    def test_kept_on_failure(self):
        """a stack that stops where it failed goes on from there with the next commit"""
        self.cloud.fails = {"Queue": "no capacity"}
        event = self.web(onFailure="keep", state="failed")
        self.assertIn("CREATE_FAILED: Queue (AWS::SQS::Queue) at /t.json:1: no capacity", event["error"])
        first = self.cloud.find("web")
        self.cloud.fails = {}
        self.web(onFailure="keep", tags={"a": "b"})
        self.assertEqual((self.cloud.find("web").id, first.status), (first.id, "UPDATE_COMPLETE"))
        self.assertEqual([f.get("DisableRollback") for f in self.cloud.fields_of("ExecuteChangeSet")], ["true", "true"])

    def test_kept_no_more(self):
        """a stack that stopped where it failed goes on from there, too, where its declaration says nothing of it any more"""
        self.web(onFailure="keep")
        self.cloud.fails = {"Queue": "no capacity"}
        self.web(onFailure="keep", parameters={"Wait": 7}, state="failed")
        self.assertEqual(self.cloud.find("web").status, "UPDATE_FAILED")
        self.cloud.fails = {}
        self.web(parameters={"Wait": 8})
        self.web(parameters={"Wait": 9})
        self.assertEqual([f.get("DisableRollback") for f in self.cloud.fields_of("ExecuteChangeSet")], ["true", "true", "true", None])

    def test_kept_replaced(self):
        """what CloudFormation would refuse to replace without a rollback is refused before anything is done"""
        self.web(with_resources(Bucket=BUCKET), onFailure="keep")
        other = with_resources(Bucket={**BUCKET, "Properties": {"BucketName": "other"}})
        event = self.web(other, onFailure="keep", state="failed")
        self.assertIn("the stack 'web' has `onFailure: keep`, and CloudFormation replaces nothing without a rollback: "
                      "Bucket (AWS::S3::Bucket)", event["error"])
        self.assertIn("leave `onFailure` out for this change", event["error"])
        one = self.cloud.find("web")
        self.assertEqual((len(self.cloud.fields_of("ExecuteChangeSet")), [c for c in one.change_sets.values() if c.execution == "AVAILABLE"]),
                         (1, []))

    def test_imports(self):
        """resources that exist are taken in, and the plan says so"""
        self.daemon.application["approve"] = True
        self.daemon.reload()
        self.held(stack("web", "/t.json", importExisting=True), **self.file(with_resources(Bucket=BUCKET)))
        self.assertIn("2 to adopt", self.daemon.ctl("plan", "web"))
        self.assertEqual(self.cloud.fields_of("CreateChangeSet")[0]["ImportExistingResources"], "true")

    def test_no_time_limit(self):
        """a time limit, which change sets do not take, is refused with what to use instead"""
        event = self.web(timeoutMinutes=5, state="failed")
        self.assertIn("a change set, which makes and changes stacks here, takes no time limit", event["error"])
        self.assertIn("health_timeout", event["error"])


class Regions(ReplayScene):
    TAKES = {"Parameters": {"Url": {"Type": "String"}},
             "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Url"}}}}}

    def declared(self, **more) -> list[dict]:
        return [stack("web", "/takes.json", parameters={"Url": {"stack": "web", "region": "eu-west-1", "output": "Url"}}),
                stack("web", "/t.json", region="eu-west-1", **more)]

    def test_other_region(self):
        """a stack in another region is made there, and its output is another one's parameter"""
        files = {**self.file(QUEUE), "takes.json": json.dumps(self.TAKES)}
        self.policy["regions"] = ["eu-west-1"]
        self.daemon.reload()
        self.sync(*self.declared(), **files)
        there, here = self.cloud.find("web", "eu-west-1"), self.cloud.find("web")
        self.assertEqual(here.parameters["Url"], there.outputs["Url"])
        owned = {entry["id"] for entry in self.daemon.get("/v1/applications/web/inventory")["entries"]}
        self.assertEqual(owned, {"stack/web", "stack/eu-west-1/web"})
        self.sync(*self.declared(parameters={"Wait": 9}))
        self.assertEqual(there.resources["Queue"].properties, {"DelaySeconds": "9"})
        event, why = self.held(self.declared()[1] | {"spec": {"template": "/t.json", "region": "eu-west-1", "parameters": {"Wait": 9}}})
        self.assertIn("delete stack/web would destroy data", why)
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        wait.until(lambda: self.cloud.find("web") is None, "it is gone")
        self.assertEqual(there.status, "UPDATE_COMPLETE")

    def test_foreign_region(self):
        """a region that the policy does not name is refused"""
        event = self.web(region="eu-west-1", state="failed")
        self.assertIn("the policy does not allow the region eu-west-1", event["error"])
        self.assertEqual(self.account.calls(), [])
