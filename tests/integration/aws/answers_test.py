"""Answers that AWS documents and moto does not give, from the double of tests/aws/replay.py."""
import json
import shutil
import uuid

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

    def test_beyond_ascii(self):
        """a template that CloudFormation gives back with question marks is no drift when its stack was updated"""
        self.daemon.application["check_interval"] = "1s"
        self.daemon.reload()
        self.sync(stack("web", "/t.json"), **{"t.json": json.dumps({**QUEUE, "Description": "Größe → 5"}, ensure_ascii=False)})
        one = self.cloud.find("web")
        one.updated = self.cloud.now()
        wait.until(lambda: len(self.cloud.fields_of("GetTemplate")) > 1, "it is compared more than once")
        self.assertEqual(len(self.cloud.fields_of("CreateChangeSet")), 1)

    def test_previews(self):
        """each preview of the same commit makes a change set of its own, and leaves none"""
        self.web()
        commit = self.push(stack("web", "/t.json", parameters={"Wait": 9}))
        plans = [self.daemon.ctl("plan", "web", "--revision", commit) for _ in range(2)]
        self.assertIn("DelaySeconds: 5 -> 9", plans[0])
        self.assertEqual(plans[0], plans[1])
        tokens = [fields["ClientToken"] for fields in self.cloud.fields_of("CreateChangeSet")[1:]]
        self.assertEqual((len(tokens), len(set(tokens))), (2, 2))
        self.assertTrue(all(c.execution != "AVAILABLE" for c in self.cloud.find("web").change_sets.values()))

    def test_vanished_change_set(self):
        """a change set that is gone when it is looked at, as one is whose token was of a deleted one, is made under another token"""
        self.cloud.unwanted = [None]
        event = self.web()
        self.assertEqual(event["attempts"], 0)
        tokens = [fields["ClientToken"] for fields in self.cloud.fields_of("CreateChangeSet")]
        self.assertEqual((len(tokens), len(set(tokens))), (2, 2))
        self.cloud.unwanted = [None] * 4  # as many as are made in one attempt
        self.assertGreaterEqual(self.web(parameters={"Wait": 9})["attempts"], 1)

    def test_left_out(self):
        """with `invalid: skip` a stack that CloudFormation refuses is left out, and the others' change sets are executed"""
        self.daemon.application["invalid"] = "skip"
        self.daemon.reload()
        wrong = {"Parameters": {"Needed": {"Type": "String"}}, "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
        self.web()
        event = self.sync(stack("web", "/t.json", parameters={"Wait": 9}), stack("web-wrong", "/wrong.json"), state="failed",
                          **{"wrong.json": json.dumps(wrong)})
        self.assertIn("Parameters: [Needed] must have values", event["error"])
        self.assertEqual(self.cloud.find("web").resources["Queue"].properties, {"DelaySeconds": "9"})

    def test_deleted_change_set(self):
        """a change set that somebody deletes while it is made is told at once, and made again"""
        self.cloud.unwanted = ["DELETE_PENDING"]
        self.daemon.accept(self.push(stack("web", "/t.json"), **self.file(QUEUE)))
        wait.until(lambda: "the change set is in DELETE_PENDING: somebody deletes it" in str(self.daemon.status()), "it is told")
        wait.until(lambda: (one := self.cloud.find("web")) and one.status == "CREATE_COMPLETE", "it is made")

    def test_lost_store(self):
        """a change after the database was lost is executed, though its sync has the number of an earlier one"""
        self.daemon.program.stop()
        shutil.rmtree(self.daemon.directory / "state")
        self.daemon.config["store"]["installation"] = str(uuid.uuid4())
        self.daemon.start()
        self.web()
        self.web(parameters={"Wait": 7})
        self.daemon.program.stop()
        shutil.rmtree(self.daemon.directory / "state")
        self.daemon.start()
        self.web(parameters={"Wait": 9})
        self.assertEqual(self.cloud.find("web").resources["Queue"].properties, {"DelaySeconds": "9"})

    def test_expired(self):
        """credentials that expire meanwhile are read again, and the sync goes on with them"""
        self.account.fail("CreateChangeSet", "ExpiredToken", "The security token included in the request is expired", 403)
        self.web()
        self.assertEqual(self.account.calls().count("CreateChangeSet"), 2)

    def test_missing_parameter(self):
        """a parameter that the template needs and nobody gives is told by file and line"""
        event = self.web({**QUEUE, "Parameters": {"Wait": {"Type": "Number"}}}, state="failed")
        self.assertIn("Parameters: [Wait] must have values", event["error"])

    def test_imports(self):
        """a stack that imports what another one of the commit exports is planned when that is there"""
        exports = {**QUEUE, "Outputs": {"Url": {"Value": {"Ref": "Queue"}, "Export": {"Name": "queue-url"}}}}
        imports = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::ImportValue": "queue-url"}}}}}
        self.sync(stack("web-a", "/imports.json", requires=["web-b"]), stack("web-b", "/t.json"),
                  **self.file(exports), **{"imports.json": json.dumps(imports)})
        self.assertEqual({s.name: s.status for s in self.cloud.stacks}, {"web-a": "CREATE_COMPLETE", "web-b": "CREATE_COMPLETE"})

    def test_lines(self):
        """what CloudFormation says of a template is told with the line that it means"""
        template = {"t.json": json.dumps({**QUEUE, "Parameters": {"Wait": {"Type": "Number"}}}, indent=1)}
        event = self.sync(stack("web", "/t.json"), state="failed", **template)
        line = template["t.json"].splitlines().index('  "Wait": {') + 1
        self.assertIn(f"its template is /t.json:{line}", event["error"])
        self.account.fail("CreateChangeSet", "ValidationError", "Template format error: JSON not well-formed. (line 4, column 9)")
        event = self.sync(stack("web", "/t.json", tags={"a": "b"}), state="failed")
        self.assertIn("JSON not well-formed. (line 4, column 9)", event["error"])
        self.assertIn("its template is /t.json:4:9", event["error"])

    def test_findings(self):
        """what CloudFormation's own checks find is told by resource, line and reason, warnings aside, and nothing is left"""
        fault = {"LogicalResourceId": "Queue", "ResourceType": "AWS::SQS::Queue", "ValidationFailureMode": "FAIL"}
        self.cloud.page = 1
        self.cloud.findings = [
            {**fault, "ValidationName": "PROPERTY_VALIDATION", "ValidationPath": "/Resources/Queue/Properties/DelaySeconds",
             "ValidationStatusReason": "expected type: Number"},
            {**fault, "ValidationName": "SERVICE_QUOTA", "ValidationFailureMode": "WARN", "ValidationStatusReason": "nearly used up"},
            {**fault, "ValidationName": "NAME_CONFLICT_VALIDATION", "ValidationStatusReason": "it exists already"}]
        text = json.dumps(QUEUE, indent=1)
        lines = [line.strip() for line in text.splitlines()]
        event = self.sync(stack("web", "/t.json"), state="failed", **{"t.json": text})
        queue = lines.index('"Queue": {') + 1
        delay = next(number for number, line in enumerate(lines, 1) if line.startswith('"DelaySeconds"'))
        self.assertIn(f"CloudFormation makes no change set for 'web': Queue (AWS::SQS::Queue) at /t.json:{delay}: expected type: Number "
                      f"(PROPERTY_VALIDATION); Queue (AWS::SQS::Queue) at /t.json:{queue}: it exists already "
                      "(NAME_CONFLICT_VALIDATION)", event["error"])
        self.assertNotIn("nearly used up", event["error"])
        left = self.cloud.find("web")
        self.assertEqual((left.status, left.change_sets), ("DELETE_IN_PROGRESS", {}), "it was made for nothing but the change set")

    def test_busy_macro(self):
        """a change set that fails since a service is busy is made again, without another commit"""
        self.cloud.change_set_fails = "Transform 123456789012::Names failed with: Rate exceeded (Service: Lambda, Status Code: 429)"
        self.web()
        self.assertEqual(len(self.cloud.fields_of("CreateChangeSet")), 2)
        self.cloud.findings = [{"LogicalResourceId": "Queue", "ResourceType": "AWS::SQS::Queue", "ValidationFailureMode": "FAIL",
                                "ValidationStatusReason": "#/ThrottlingBurstLimit: expected type: Integer"}]
        self.web(parameters={"Wait": 7}, state="failed")  # of the template, whatever its properties are called

    def test_findings_forbidden(self):
        """without the right to ask for them, CloudFormation's reason is told, and the right"""
        self.cloud.findings = [{"ValidationFailureMode": "FAIL", "ValidationStatusReason": "it exists already"}]
        self.account.fail("DescribeEvents", "AccessDenied", "not authorized to perform: cloudformation:DescribeEvents", 403)
        event = self.web(state="failed")
        self.assertIn("AWS::EarlyValidation::PropertyValidation", event["error"])
        self.assertIn("may be told with the right cloudformation:DescribeEvents", event["error"])

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
