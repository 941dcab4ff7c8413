"""What people see while a stack takes its time, and how operations that fail come to an end."""
import json

from lib import wait
from lib.aws import stack
from lib.replay import ReplayScene
from lib.replay_templates import QUEUE, with_resources

TOPIC = {"Topic": {"Type": "AWS::SNS::Topic"}}


class Progress(ReplayScene):
    def test_events(self):
        """while a stack is made, status and log tell of each resource what it is at"""
        self.cloud.hold_next = True
        event = self.daemon.accept(self.push(stack("web", "/t.json"), **self.file(with_resources(**TOPIC))))
        wait.until(lambda: "CREATE_IN_PROGRESS: Queue (AWS::SQS::Queue) CREATE_IN_PROGRESS; Topic (AWS::SNS::Topic) CREATE_IN_PROGRESS"
                   in (self.daemon.status()["waits_for"] or ""), "the resources are told")
        one = self.cloud.find("web")
        with self.cloud.lock:
            token = one.events[-1]["ClientRequestToken"]
            one.tell("Queue", "AWS::SQS::Queue", "CREATE_COMPLETE", None, token)
            one.tell("Topic", "AWS::SNS::Topic", "CREATE_FAILED", "no right to", token)
        wait.until(lambda: "CREATE_IN_PROGRESS: Topic (AWS::SNS::Topic) CREATE_FAILED: no right to; 1 done"
                   in (self.daemon.status()["waits_for"] or ""), "the failure comes first")
        one.hold = False
        self.daemon.wait_ended(event)

    def test_somebody_else(self):
        """an operation of somebody else is waited for, and nothing is begun meanwhile"""
        self.web()
        one = self.update()
        made = len(self.cloud.fields_of("ExecuteChangeSet"))
        event = self.daemon.accept(self.push(stack("web", "/t.json", parameters={"Wait": 9})))
        self.wait_for_them()
        self.assertEqual(len(self.cloud.fields_of("ExecuteChangeSet")), made)
        one.hold = False
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual(one.resources["Queue"].properties, {"DelaySeconds": "9"})


    def test_somebody_else_keeps(self):
        """a stack that is to go while somebody updates it is waited for"""
        self.web()
        one = self.update()
        event = self.daemon.accept(self.push())
        self.wait_for_them()
        self.assertEqual(self.cloud.fields_of("DeleteStack"), [])
        one.hold = False
        wait.until(lambda: self.daemon.status()["phase"] == "held", "it is over")
        self.daemon.act("/v1/applications/web/approve")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        wait.until(lambda: self.cloud.find("web") is None, "it is gone")

    def test_somebody_else_begins(self):
        """a deletion that CloudFormation refuses since an update began after the plan is tried again"""
        self.policy["data"] = {"allow": ["delete"]}
        self.daemon.reload()
        self.web()
        self.account.fail("DeleteStack", "ValidationError", f"Stack [{self.cloud.find('web').id}] cannot be deleted while in status UPDATE_IN_PROGRESS")
        self.account.calls()
        self.sync()
        wait.until(lambda: self.cloud.find("web") is None, "it is gone")
        self.assertEqual(self.account.calls().count("DeleteStack"), 2)

    def update(self):
        """By somebody else, until `hold` is taken away."""
        one = self.cloud.find("web")
        one.hold = True
        one.begin("UPDATE_IN_PROGRESS", "theirs", lambda: one.become("UPDATE_COMPLETE", "theirs"))
        return one

    def wait_for_them(self) -> None:
        wait.until(lambda: "an operation on the stack 'web' is under way: UPDATE_IN_PROGRESS" in str(self.daemon.status()), "it is told")


class Ends(ReplayScene):
    def fail_update(self) -> dict:
        """Leaves `web` in UPDATE_ROLLBACK_FAILED."""
        self.web()
        self.cloud.fails = self.cloud.rollback_fails = {"Queue": "somebody deleted it"}
        event = self.web(parameters={"Wait": 7}, state="failed")
        self.assertEqual(self.cloud.find("web").status, "UPDATE_ROLLBACK_FAILED")
        self.cloud.fails = {}
        return event

    def test_rolled_back(self):
        """an update that fails is rolled back, and the first cause is told; the next commit goes on"""
        self.web()
        self.cloud.fails = {"Queue": "no such key"}
        event = self.web(with_resources(**TOPIC), parameters={"Wait": 7}, state="failed")
        self.assertIn("UPDATE_ROLLBACK_COMPLETE: Queue (AWS::SQS::Queue) at /t.json:1: no such key", event["error"])
        self.cloud.fails = {}
        self.web(parameters={"Wait": 8})

    def test_hook(self):
        """of a resource that a Hook refuses, the Hook's own words are told; those of another that only warns are not"""
        said = {"HookType": "Company::Rules::Delay", "HookStatus": "HOOK_COMPLETE_FAILED", "HookFailureMode": "FAIL",
                "HookStatusReason": "Hook failed with message: no delay above 5"}
        self.cloud.hooks = {"Queue": [{**said, "HookType": "Company::Rules::Del", "HookStatusReason": "an odd name", "HookFailureMode": "WARN"},
                                      said]}
        event = self.web(state="failed")
        self.assertIn("Queue (AWS::SQS::Queue) at /t.json:1: The following hook(s) failed: [Company::Rules::Delay]; "
                      "Company::Rules::Delay: Hook failed with message: no delay above 5", event["error"])
        self.assertNotIn("an odd name", event["error"])

    def test_continued(self):
        """a rollback that failed is continued once the next commit comes, which is applied after it"""
        event = self.fail_update()
        self.assertIn("UPDATE_ROLLBACK_FAILED: Queue (AWS::SQS::Queue) at /t.json:1: somebody deleted it", event["error"])
        self.cloud.rollback_fails = {}
        self.web(parameters={"Wait": 8})
        self.assertEqual(len(self.cloud.fields_of("ContinueUpdateRollback")), 1)
        self.assertEqual(self.cloud.find("web").resources["Queue"].properties, {"DelaySeconds": "8"})

    def test_continued_once(self):
        """a rollback that fails again is told with its cause and the way out, and not continued for ever"""
        self.fail_update()
        event = self.web(parameters={"Wait": 8}, state="failed")
        self.assertIn("the rollback of the stack 'web' was continued, and failed again: Queue (AWS::SQS::Queue)", event["error"])
        self.assertIn("skipInRollback", event["error"])
        tried = len(self.cloud.fields_of("DescribeStacks"))
        wait.until(lambda: len(self.cloud.fields_of("DescribeStacks")) > tried + 2, "it is tried again", 60)
        # Once for the commit that failed, which was tried again, and once for this one.
        self.assertLessEqual(len(self.cloud.fields_of("ContinueUpdateRollback")), 2)
        tokens = [f["ClientRequestToken"] for f in self.cloud.fields_of("ContinueUpdateRollback")]
        self.assertEqual(len(set(tokens)), len(tokens))

    def test_skipped(self):
        """resources that a declaration names are skipped by the continued rollback, which the plan says"""
        self.fail_update()
        self.daemon.application["approve"] = True
        self.daemon.reload()
        event, _ = self.held(stack("web", "/t.json", parameters={"Wait": 8}, skipInRollback=["Queue"]))
        self.assertRegex(self.daemon.ctl("plan", "web"), r"its rollback failed \(Queue .*\): it is continued, without Queue")
        self.approve()
        wait.until(lambda: self.cloud.skipped == ["Queue"], "it is skipped")
        wait.until(lambda: self.daemon.status()["phase"] == "held", "what comes after it is a plan of its own")
        self.approve()
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")

    def test_left_in_review(self):
        """a stack that a change set made and nobody executed is taken up"""
        left = self.cloud.put("web", {}, status="REVIEW_IN_PROGRESS")
        self.web()
        self.assertEqual((self.cloud.find("web").id, left.status), (left.id, "CREATE_COMPLETE"))

    def test_adoption_fails(self):
        """the first change of a stack that becomes ours fails like any other, though it has no tags of ours yet"""
        self.cloud.put("web", QUEUE)
        self.cloud.fails = {"Queue": "no such key"}
        event = self.web(parameters={"Wait": 7}, state="failed")
        self.assertIn("UPDATE_ROLLBACK_COMPLETE: Queue (AWS::SQS::Queue) at /t.json:1: no such key", event["error"])
        self.cloud.fails = {}
        self.web(parameters={"Wait": 8})
        self.assertEqual(self.cloud.find("web").resources["Queue"].properties, {"DelaySeconds": "8"})

    def test_stillborn(self):
        """what a creation that failed left is deleted, and the stack made anew"""
        self.cloud.fails = {"Queue": "it exists already"}
        event = self.web(state="failed")
        self.assertIn("ROLLBACK_COMPLETE: Queue (AWS::SQS::Queue) at /t.json:1: it exists already", event["error"])
        self.cloud.fails = {}
        self.web(parameters={"Wait": 8})
        self.assertEqual([s.status for s in self.cloud.stacks], ["DELETE_COMPLETE", "CREATE_COMPLETE"])

    def test_foreign_stillborn(self):
        """what somebody else's creation that failed left is nobody's to delete, which is told"""
        self.cloud.put("web", QUEUE, status="ROLLBACK_COMPLETE")
        event = self.web(state="failed")
        self.assertIn("the stack 'web' is in ROLLBACK_COMPLETE, of a creation by somebody else that failed", event["error"])
        self.assertEqual(self.cloud.fields_of("DeleteStack"), [])

    def test_deletion_fails(self):
        """a deletion that fails is told with its reason, and the next sync tries again"""
        self.web()
        self.cloud.delete_fails = {"Queue": "it is in use"}
        event, _ = self.held()
        self.approve()
        error = self.daemon.wait_ended(event)["error"]
        self.assertIn("the stack 'web' cannot be deleted: Queue (AWS::SQS::Queue): it is in use", error)
        self.cloud.delete_fails = {}
        wait.until(lambda: self.daemon.status()["phase"] == "held", "the next one asks again")
        self.approve()
        wait.until(lambda: self.cloud.find("web") is None, "it is gone")

    def begin_slow_deletion(self) -> None:
        """Of the stack `web`, whose sync has ended before."""
        self.web()
        self.cloud.hold_next = True
        event, _ = self.held()
        self.approve()
        self.daemon.wait_ended(event)

    def test_slow_deletion(self):
        """a deletion that takes its time is asked for once, told, and its end is seen"""
        self.begin_slow_deletion()
        one = self.cloud.find("web")
        self.assertEqual(one.status, "DELETE_IN_PROGRESS")
        self.assertIn("stack/web", self.owned())
        one.hold = False
        wait.until(lambda: self.owned() == set(), "it is gone from the inventory")
        self.assertEqual((one.status, len(self.cloud.fields_of("DeleteStack"))), ("DELETE_COMPLETE", 1))

    def test_slow_deletion_fails(self):
        """a deletion that fails after its sync has ended is told with its reason, until the next one gets it done"""
        self.begin_slow_deletion()
        self.cloud.delete_fails = {"Queue": "it is in use"}
        self.cloud.find("web").hold = False
        told = wait.until(lambda: self.daemon.status()["conditions"], "it is told")
        self.assertEqual([(one["message"], one["hint"]) for one in told],
                         [("stack/web is not deleted: Queue (AWS::SQS::Queue): it is in use", "mend that: the next sync tries again")])
        self.cloud.delete_fails = {}
        self.daemon.act("/v1/applications/web/sync")
        wait.until(lambda: self.daemon.status()["phase"] == "held", "the next one asks again")
        self.assertIn("it is no longer declared; its deletion failed before: Queue (AWS::SQS::Queue): it is in use",
                      self.daemon.ctl("plan", "web"))
        self.approve()
        wait.until(lambda: self.cloud.find("web") is None and not self.daemon.status()["conditions"], "it is gone, and nothing is told")

    def test_imported(self):
        """a stack of which another one imports something is not taken for deleted, and what imports goes first"""
        exports = {**QUEUE, "Outputs": {"Url": {"Value": {"Ref": "Queue"}, "Export": {"Name": "queue-url"}}}}
        imports = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::ImportValue": "queue-url"}}}}}
        uses = stack("web-uses", "/imports.json", requires=["web"])
        self.policy["data"] = {"allow": ["delete"]}
        self.daemon.reload()
        self.sync(uses, stack("web", "/t.json"), **self.file(exports), **{"imports.json": json.dumps(imports)})
        event = self.sync(uses, state="failed")
        self.assertIn("the stack 'web' cannot be deleted: Export queue-url cannot be deleted as it is in use by web-uses", event["error"])
        wait.until(lambda: self.cloud.find("web").status == "CREATE_COMPLETE", "it is as before")  # it may be tried again
        event, _ = self.held()
        self.cloud.hold_next = True
        self.approve()
        uses = wait.until(lambda: (one := self.cloud.find("web-uses")) and one.status == "DELETE_IN_PROGRESS" and one, "the one that imports goes")
        tried = len(self.cloud.fields_of("DeleteStack"))
        wait.until(lambda: "stack/web-uses" in str(self.daemon.status()["waits_for"]), "it is waited for")
        uses.hold = False
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        wait.until(lambda: self.cloud.find("web") is None, "the other one follows")
        self.assertEqual(len(self.cloud.fields_of("DeleteStack")), tried + 1)

    def approve(self) -> None:
        """Without waiting for what comes of it."""
        self.daemon.act("/v1/applications/web/approve")

    def owned(self) -> set[str]:
        return {entry["id"] for entry in self.daemon.get("/v1/applications/web/inventory")["entries"]}


class Stale(ReplayScene):
    """The first looks at a stack still show it as it was before what was asked for."""

    def test_change(self):
        """a change is waited for while its stack shows the success of the one before, and fails with its own cause"""
        self.web()
        self.cloud.stale_looks, self.cloud.fails = 2, {"Queue": "no such key"}
        event = self.web(parameters={"Wait": 7}, state="failed")
        self.assertIn("UPDATE_ROLLBACK_COMPLETE: Queue (AWS::SQS::Queue) at /t.json:1: no such key", event["error"])

    def test_mended(self):
        """a change that goes well is not taken for the failure of the one before"""
        self.web()
        self.cloud.fails = {"Queue": "no such key"}
        self.web(parameters={"Wait": 7}, state="failed")
        self.cloud.stale_looks, self.cloud.fails = 2, {}
        self.web(parameters={"Wait": 8})
        self.assertEqual(self.cloud.find("web").status, "UPDATE_COMPLETE")

    def test_creation(self):
        """a stack that does not show yet that it is being made is waited for, and is no drift"""
        self.cloud.stale_looks = 2
        self.web()
        self.assertEqual((self.cloud.find("web").status, len(self.cloud.fields_of("ExecuteChangeSet"))), ("CREATE_COMPLETE", 1))

    def test_adoption(self):
        """a stack that does not show yet that it becomes ours is waited for"""
        self.cloud.put("web", QUEUE)
        self.cloud.stale_looks = 2
        self.web(parameters={"Wait": 7})
        self.assertEqual(self.cloud.find("web").status, "UPDATE_COMPLETE")

    def test_rollback(self):
        """a rollback that is continued has not failed again while its stack shows the failure before"""
        self.web()
        self.cloud.fails = self.cloud.rollback_fails = {"Queue": "somebody deleted it"}
        self.web(parameters={"Wait": 7}, state="failed")
        self.cloud.fails, self.cloud.rollback_fails, self.cloud.stale_looks = {}, {}, 2
        event = self.web(parameters={"Wait": 8})
        self.assertEqual((event["state"], len(self.cloud.fields_of("ContinueUpdateRollback"))), ("succeeded", 1))

    def test_deletion(self):
        """a deletion has not failed again while its stack shows the failure before"""
        self.web()
        self.cloud.delete_fails = {"Queue": "it is in use"}
        self.held()
        self.daemon.act("/v1/applications/web/approve")
        wait.until(lambda: self.daemon.status()["phase"] == "held" and self.cloud.find("web").status == "DELETE_FAILED", "it failed")
        self.cloud.delete_fails, self.cloud.stale_looks = {}, 2
        self.daemon.act("/v1/applications/web/approve")
        wait.until(lambda: self.cloud.find("web") is None, "it is gone")
        self.assertEqual(len(self.cloud.fields_of("DeleteStack")), 2)

    def test_calls(self):
        """a change that shows at once costs no question for events but for those that tell how far it is"""
        self.web()
        self.account.calls()
        self.web(tags={"a": "b"})
        calls = self.account.calls()
        self.assertEqual(calls[calls.index("ExecuteChangeSet") + 1:], ["DescribeStacks", "DescribeStackEvents", "DescribeStacks"])
