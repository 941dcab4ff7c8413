"""Answers that AWS documents and moto does not give, from the double of tests/aws/replay.py."""
from lib import wait
from lib.aws import stack
from lib.replay import ReplayScene
from lib.replay_templates import QUEUE, with_resources


class Line(ReplayScene):
    def test_asynchronous(self):
        """a change set and a stack that take their time are waited for, a no-op and a change cost what they have to"""
        self.web()
        self.assertEqual(self.cloud.find("web").status, "CREATE_COMPLETE")
        calls = self.account.calls()
        self.assertEqual((calls.count("CreateChangeSet"), calls.count("ExecuteChangeSet")), (1, 1))
        self.web(parameters={"Wait": 7})
        self.assertEqual(self.cloud.find("web").resources["Queue"].properties, {"DelaySeconds": "7"})
        self.assertEqual(self.cloud.find("web").status, "UPDATE_COMPLETE")
        self.account.calls()
        self.web(parameters={"Wait": 7})
        self.assertEqual(self.account.calls(), [])

    def test_pages(self):
        """stacks, changes and events that come in pages are all read"""
        self.cloud.page = 2
        many = {f"Q{i}": {"Type": "AWS::SQS::Queue"} for i in range(5)}
        names = [f"web-{i}" for i in range(9)]
        self.sync(*(stack(name, "/t.json") for name in names), **self.file(with_resources(**many)))
        self.assertEqual({s.status for s in self.cloud.stacks}, {"CREATE_COMPLETE"})
        event, why = self.held(*(stack(name, "/t.json") for name in names[1:]), **self.file(QUEUE))
        plan = self.daemon.ctl("plan", "web")
        for resource in many:
            self.assertIn(f"- {resource} (AWS::SQS::Queue)", plan)
        self.daemon.ctl("reject", "web")

    def test_throttled(self):
        """throttling is waited out, and a call that never gets through is tried again with the sync"""
        self.account.fail("CreateChangeSet", "Throttling", "Rate exceeded", times=2)
        self.web()
        self.assertEqual(self.account.calls().count("CreateChangeSet"), 3)

    def test_refusals(self):
        """what AWS refuses is told with the action, its words and the way out"""
        said = ("User: arn:aws:iam::123456789012:user/u is not authorized to perform: cloudformation:ExecuteChangeSet on "
                "resource: arn:aws:cloudformation:eu-central-1:123456789012:stack/web/*")
        self.account.fail("ExecuteChangeSet", "AccessDenied", said, 403)
        event = self.web(state="failed")
        self.assertIn(said, event["error"])
        self.assertIn("allow the action in the identity's IAM policy", event["error"])
        event = self.web({"Resources": {"Role": {"Type": "AWS::IAM::Role"}}}, name="web-iam", state="failed")
        self.assertIn("Requires capabilities : [CAPABILITY_IAM]", event["error"])
        self.assertIn("web/all.yaml:2:", event["error"])

    def test_expired(self):
        """credentials that expire meanwhile are read again, and the sync goes on with them"""
        self.account.fail("CreateChangeSet", "ExpiredToken", "The security token included in the request is expired", 403)
        self.web()
        self.assertEqual(self.account.calls().count("CreateChangeSet"), 2)

    def test_missing_parameter(self):
        """a parameter that the template needs and nobody gives is told by file and line"""
        event = self.web({**QUEUE, "Parameters": {"Wait": {"Type": "Number"}}}, state="failed")
        self.assertIn("Parameters: [Wait] must have values", event["error"])

    def test_lost_answer(self):
        """an execution of which the answer was lost is not done twice, and counts as done"""
        self.cloud.lose.append("ExecuteChangeSet")
        self.web()
        self.assertEqual(self.account.calls().count("ExecuteChangeSet"), 2)
        begun = [e for e in self.cloud.find("web").events
                 if e["ResourceStatus"] == "CREATE_IN_PROGRESS" and e["LogicalResourceId"] == "web"]
        self.assertEqual(len(begun), 1)

    def test_crash(self):
        """a daemon that is killed while a stack is made goes on with that stack"""
        self.cloud.hold_next = True
        event = self.daemon.accept(self.push(stack("web", "/t.json"), **self.file(QUEUE)))
        wait.until(lambda: (s := self.cloud.find("web")) and s.status == "CREATE_IN_PROGRESS", "it is being made")
        self.daemon.program.kill()
        self.cloud.find("web").hold = False
        self.daemon.start()
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual([s.status for s in self.cloud.stacks], ["CREATE_COMPLETE"])
        self.assertEqual(len(self.cloud.fields_of("ExecuteChangeSet")), 1)
