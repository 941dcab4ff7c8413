"""The whole line: a signed push, a commit, CloudFormation stacks; what leaves the repository."""
import json

from lib import wait
from lib.aws import AccountScene, stack

QUEUE = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: A queue
Parameters:
  Wait: {Type: Number, Default: 5}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "${AWS::StackName}-jobs"
      VisibilityTimeout: !Ref Wait
Outputs:
  Url: {Value: !Ref Queue}
"""


class Line(AccountScene):
    def test_push_to_stack(self):
        """a signed push makes the account match the commit; what leaves the commit leaves the account"""
        name = self.prefix + "queue"
        self.sync(stack(name, "/templates/queue.yaml", tags={"team": "web"}), **{"templates/queue.yaml": QUEUE})
        made = self.account.stacks()[name]
        self.assertEqual(made["status"], "CREATE_COMPLETE")
        self.assertEqual(made["template"], QUEUE, "not a byte of the template is another one")
        self.assertEqual(made["tags"]["team"], "web")
        self.assertIn("gitopsd.io/application", made["tags"])
        self.assertIn(f"{name}-jobs", made["outputs"]["Url"])
        self.account.calls()

        self.sync(stack(name, "/templates/queue.yaml", tags={"team": "web"}, parameters={"Wait": 9}))
        changed = self.account.stacks()[name]
        self.assertEqual((changed["status"], changed["id"]), ("UPDATE_COMPLETE", made["id"]))
        self.assertEqual(changed["parameters"]["Wait"], "9")
        self.assertLessEqual(len(self.account.calls()), 5)

        event = self.daemon.accept(self.push())
        held = wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "the deletion is held")
        self.assertIn(f"delete stack/{name} would destroy data", held["waits_for"])
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertNotIn(name, self.account.stacks())

    def test_unchanged_stacks_cost_nothing(self):
        """a commit that changes none of its stacks asks AWS nothing"""
        documents = [stack(f"{self.prefix}{i}", "/templates/queue.yaml") for i in range(3)]
        self.sync(*documents, **{"templates/queue.yaml": QUEUE})
        self.account.calls()
        self.sync(*documents, **{"other/file": "x"})
        self.assertEqual(self.account.calls(), [])
        self.sync(*documents[:2], stack(f"{self.prefix}2", "/templates/queue.yaml", parameters={"Wait": 7}))
        self.assertEqual(sorted(self.account.calls()), ["CreateChangeSet", "DescribeChangeSet", "DescribeStacks", "DescribeStacks",
                                                        "ExecuteChangeSet"])

    def test_failure(self):
        """a stack that fails is rolled back, the event tells the first cause, and the next commit makes it anew"""
        name = self.prefix + "broken"
        broken = json.dumps({"Resources": {
            "First": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{name}.fifo"}},
            "Bad": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "not a name of a queue!"}, "DependsOn": "First"}}})
        event = self.sync(stack(name, "/templates/broken.json"), state="failed", **{"templates/broken.json": broken})
        self.assertIn("ROLLBACK_COMPLETE", event["error"])
        self.assertIn("AWS::SQS::Queue", event["error"])
        failed = self.account.stacks()[name]
        self.sync(stack(name, "/templates/queue.yaml"), **{"templates/queue.yaml": QUEUE})
        mended = self.account.stacks()[name]
        self.assertEqual(mended["status"], "CREATE_COMPLETE")
        self.assertNotEqual(mended["id"], failed["id"], "it is another stack")

    def test_failure_of_one(self):
        """a stack that fails keeps none from being made but those that require it, and both are told"""
        good, broken, after_good, after_broken = (self.prefix + word for word in ("good", "broken", "after-good", "after-broken"))
        bad = json.dumps({"Resources": {"Bad": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "not a name of a queue!"}}}})
        event = self.sync(stack(good, "/templates/queue.yaml"), stack(broken, "/templates/broken.json"),
                          stack(after_good, "/templates/queue.yaml", requires=[good]),
                          stack(after_broken, "/templates/queue.yaml", requires=[broken]),
                          state="failed", **{"templates/broken.json": bad, "templates/queue.yaml": QUEUE})
        self.assertIn(f"stack/{broken} is Degraded: ROLLBACK_COMPLETE: Bad", event["error"])
        self.assertIn(f"stack/{after_broken} is not begun: it requires stack/{broken}", event["error"])
        there = {name: found["status"] for name, found in self.account.stacks().items()
                 if found["status"] != "REVIEW_IN_PROGRESS" and name.startswith(self.prefix)}
        self.assertEqual(there, {good: "CREATE_COMPLETE", after_good: "CREATE_COMPLETE", broken: "ROLLBACK_COMPLETE"})

    def test_refused_one(self):
        """with `invalid: skip` a stack that CloudFormation refuses does not keep another from being made"""
        self.daemon.application["invalid"] = "skip"
        self.daemon.reload()
        self.account.door("fail", [["CreateChangeSet", 400, "ValidationError", "Parameters: [Needed] must have values"]])
        names = {self.prefix + "a", self.prefix + "b"}
        event = self.sync(*(stack(name, "/templates/queue.yaml") for name in sorted(names)), state="failed", **{"templates/queue.yaml": QUEUE})
        made = {name for name in self.account.stacks() if name.startswith(self.prefix)}
        self.assertEqual(len(made), 1)
        self.assertIn(f"CloudFormation refuses the stack '{(names - made).pop()}'", event["error"])
        self.assertIn("its template is /templates/queue.yaml", event["error"])

    def test_others_stack(self):
        """a stack of another application is left alone, and is a conflict"""
        name = self.prefix + "theirs"
        self.account.by_hand(name, json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}),
                             tags={"gitopsd.io/installation": "another", "gitopsd.io/application": "theirs"})
        event = self.sync(stack(name, "/templates/queue.yaml"), state="failed", **{"templates/queue.yaml": QUEUE})
        self.assertIn("belongs to application 'theirs' of another installation", event["error"])
        self.assertEqual(self.account.stacks()[name]["status"], "CREATE_COMPLETE")


class Names(AccountScene):
    def test_yaml_words(self):
        """a tag or parameter whose name YAML reads as true or false is refused by line, with the way out"""
        self.checkout.commit({"web/all.yaml": """\
apiVersion: aws.gitopsd.io/v1
kind: Stack
metadata: {name: %sy}
spec:
  template: /templates/queue.yaml
  parameters:
    Wait: 5
    Y: {stack: other, output: Url}
  tags:
    on: call
""" % self.prefix, "templates/queue.yaml": QUEUE})
        self.checkout.push()
        event = self.daemon.push_and_wait(self.checkout.head(), "failed")
        self.assertIn("web/all.yaml:8:", event["error"])
        self.assertIn("web/all.yaml:10:", event["error"])
        self.assertIn("put the name in quotes", event["error"])


class GitSync(AccountScene):
    """A repository that CloudFormation's Git sync reads, as it is."""

    def configure(self):
        super().configure()
        self.daemon.application.update(path="", include=["deployments/*.yaml"], policy={"stacks": [self.prefix + "git"]})

    def test_deployment_file(self):
        """the deployment file of Git sync works as it is, and its template beside it"""
        deployment = "template-file-path: templates/queue.yaml\nparameters:\n  Wait: %s\ntags:\n  team: web\n"
        self.checkout.commit({"templates/queue.yaml": QUEUE, "deployments/prod.yaml": deployment % 3}, "Deploy")
        self.checkout.push()
        self.daemon.push_and_wait(self.checkout.head())
        made = self.account.stacks()[self.prefix + "git"]
        self.assertEqual((made["status"], made["parameters"]["Wait"], made["tags"]["team"]), ("CREATE_COMPLETE", "3", "web"))
        self.checkout.commit({"templates/queue.yaml": QUEUE.replace("A queue", "The queue")}, "Change the template alone")
        self.checkout.push()
        self.daemon.push_and_wait(self.checkout.head())
        self.assertIn("The queue", self.account.stacks()[self.prefix + "git"]["template"])


class Three(AccountScene):
    """Stacks that take their parameters from each other's outputs."""

    QUEUE_FOR = """\
Parameters:
  Before: {Type: String}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "${AWS::StackName}-jobs"
      Tags: [{Key: before, Value: !Ref Before}]
Outputs:
  Name: {Value: !GetAtt Queue.QueueName}
"""

    def declared(self, wait_seconds: int) -> list[dict]:
        a, b, c = (self.prefix + letter for letter in "abc")
        return [stack(c, "/templates/for.yaml", parameters={"Before": {"stack": b, "output": "Name"}}),
                stack(b, "/templates/for.yaml", parameters={"Before": {"stack": a, "output": "Url"}}),
                stack(a, "/templates/queue.yaml", parameters={"Wait": wait_seconds})]

    def test_outputs(self):
        """three stacks in one commit, each with an output of the one before; a change goes through, the rest stays"""

        self.sync(*self.declared(3), **{"templates/queue.yaml": QUEUE, "templates/for.yaml": self.QUEUE_FOR})
        made = self.account.stacks()
        self.assertIn(f"{self.prefix}a-jobs", made[self.prefix + "b"]["parameters"]["Before"])
        self.assertEqual(made[self.prefix + "c"]["parameters"]["Before"], f"{self.prefix}b-jobs")
        self.sync(*self.declared(4))
        changed = self.account.stacks()
        self.assertEqual(changed[self.prefix + "a"]["parameters"]["Wait"], "4")
        self.assertEqual({name: stack["id"] for name, stack in changed.items()}, {name: stack["id"] for name, stack in made.items()})

    def test_no_such_output(self):
        """an output that a stack does not have fails at once, and says which ones there are"""
        self.account.by_hand(self.prefix + "net", QUEUE)
        event = self.sync(stack(self.prefix + "a", "/templates/for.yaml",
                                parameters={"Before": {"stack": self.prefix + "net", "output": "Ulr"}}),
                          state="failed", **{"templates/for.yaml": self.QUEUE_FOR})
        self.assertIn(f"an output 'Ulr' of the stack '{self.prefix}net', which has none of that name", event["error"])
        self.assertIn("did you mean 'Url'?", event["error"])
        self.assertNotIn(self.prefix + "a", self.account.stacks())

    def test_circle(self):
        """stacks that require each other are refused by file and line, and nothing is made"""
        a, b = self.prefix + "a", self.prefix + "b"
        event = self.sync(stack(a, "/templates/queue.yaml", requires=[b]), stack(b, "/templates/queue.yaml", requires=[a]),
                          state="failed", **{"templates/queue.yaml": QUEUE})
        self.assertIn("web/all.yaml:2:", event["error"])
        self.assertIn(f"in a circle: {a} -> {b} -> {a}", event["error"])
        self.assertFalse({a, b} & self.account.stacks().keys())
