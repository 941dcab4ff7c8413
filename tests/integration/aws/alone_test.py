"""The provider alone, spoken to in its protocol: for what the daemon asks seldom."""
import contextlib
import json
import sys
import threading

from lib import process, wait
from lib.aws import PROVIDER, AccountScene, AwsScene, content, stack
from lib.replay import ReplayScene
from lib.replay_templates import QUEUE

sys.path.insert(0, str(process.ROOT / "tests" / "conformance"))
from client import Provider, blob_of, digest_of  # noqa: E402

INSTALLATION = "8f1c7a52-6a0e-4bd2-9a7b-0d7a3c1e5f60"


class Alone(AwsScene):
    def configure(self):
        super().configure()
        self.daemon.config["store"]["installation"] = INSTALLATION

    @contextlib.contextmanager
    def provider(self):
        """One that has just been started, with what the daemon's has remembered."""
        state = str(self.daemon.directory / "state" / "providers" / "here")
        one = Provider([str(PROVIDER)], state)
        one.call("initialize", protocols=[1], destination="here", installation=INSTALLATION, stateDirectory=state,
                 settings=self.daemon.config["destinations"][0]["settings"])
        yield one
        one.close_input()
        self.assertEqual(one.exit_status(), 0)

    def listed(self, installation: str = INSTALLATION) -> dict[str, str]:
        """Whose what is, by id."""
        with self.provider() as one:
            return {item["id"]: item["owner"]["application"] for item in one.call("list", installation=installation)["items"]}


class Contents(Alone, AccountScene):
    def test_contents(self):
        """contents are listed beside stacks, with the application whose they are; those of another installation are not"""
        bucket, name = self.prefix + "site", self.prefix + "queue"
        self.account.put_by_hand(bucket)
        self.policy["buckets"] = [bucket + "/*"]
        self.daemon.reload()
        self.sync(content("site", bucket, "/site", prefix="docs"), stack(name, "/queue.yaml"),
                  **{"site/a": "1", "queue.yaml": "Resources: {Queue: {Type: AWS::SQS::Queue}}\n"})
        owner = self.account.stacks()[name]["tags"]["gitopsd.io/application"]
        self.assertEqual(self.listed(), {f"stack/{name}": owner, f"bucket/{bucket}/docs": owner})
        self.assertEqual(self.listed("another"), {})


    def test_long_apply(self):
        """a call that takes too long ends in time, also in the midst of an object, and the next one sends the rest"""
        bucket, names = self.prefix + "slow", [f"a{number:02}" for number in range(30)]
        self.account.put_by_hand(bucket)
        self.policy["buckets"] = [bucket + "/*"]
        blob = blob_of(b"1")
        declared = content("site", bucket, "/site", prefix="docs")
        document = {"digest": digest_of(declared), "json": declared, "blobs": [{"path": f"/site/{name}", "blob": blob} for name in names]}
        owner = {"installation": INSTALLATION, "application": "a"}
        with self.provider() as one:
            one.blobs[blob["digest"]] = b"1"
            (resource,) = one.call("resolve", application="a", policy=self.policy, documents=[document])["resources"]
            asked = {"sync": "1", "owner": owner, "policy": self.policy, "documents": [document]}

            def attempt(**more) -> dict:
                plan = one.call("plan", mode="changed", upsert=[resource], **asked)
                self.assertEqual(plan.get("problems", []), [])
                (step,) = one.call("apply", steps=plan["steps"], resources=[resource], **asked, **more)["steps"]
                return step

            self.account.door("hold", [f"S3 PUT /{bucket}/docs/{name}" for name in names])
            try:
                step = attempt(deadlineMs=2_000)
            finally:
                self.account.door("hold", [])
            self.assertEqual((step["state"], step["problem"]["cause"]), ("failed", "transient"))
            self.assertIn("nor were 29 more of 30", step["problem"]["message"])
            step = attempt(deadlineMs=300_000)
            self.assertEqual(step["state"], "done", step)
            self.assertEqual(len(self.account.objects(bucket)), 30)


class Regions(Alone, ReplayScene):
    def test_regions(self):
        """stacks of other regions are listed, too"""
        self.policy["regions"] = ["eu-west-1"]
        self.daemon.reload()
        self.sync(stack("web", "/t.json"), stack("web-other", "/t.json", region="eu-west-1"), **self.file(QUEUE))
        self.assertEqual(self.listed().keys(), {"stack/web", "stack/eu-west-1/web-other"})


class Plans(Alone, ReplayScene):
    """Of one stack `web`, which is not there yet."""

    @contextlib.contextmanager
    def planning(self):
        """Asks for a plan of it, as the daemon does, and returns the answer."""
        text = json.dumps(QUEUE).encode()
        blob = blob_of(text)
        declared = stack("web", "/t.json")
        document = {"digest": digest_of(declared), "json": declared, "blobs": [{"path": "/t.json", "blob": blob}]}
        with self.provider() as one:
            one.blobs[blob["digest"]] = text
            policy = self.policy
            (resource,) = one.call("resolve", application="a", policy=policy, documents=[document])["resources"]
            self.discard = lambda plan: one.call("discard", token=plan["discard"])
            yield lambda sync, **more: one.call("plan", sync=sync, owner={"installation": INSTALLATION, "application": "a"}, policy=policy,
                                                mode="changed", upsert=[resource], documents=[document], **more)

    def left(self) -> tuple[list[str], int]:
        """Statuses of all stacks, and how many change sets there are."""
        return [s.status for s in self.cloud.stacks], sum(len(s.change_sets) for s in self.cloud.stacks)


class Discarded(Plans):
    def test_another_waits(self):
        """a plan of a stack that is to be made, thrown away, leaves what another plan waits with, and the last one leaves nothing"""
        with self.planning() as plan:
            first, second = plan("1"), plan("2")
            self.assertNotEqual(first["discard"], second["discard"])
            self.discard(second)
            self.assertEqual(self.left(), (["REVIEW_IN_PROGRESS"], 1))
            self.discard(first)
            self.assertEqual(self.left(), (["DELETE_IN_PROGRESS"], 0))


class Late(Plans):
    def setUp(self):
        super().setUp()
        self.cloud.stalls = True

    def assert_late(self, plan: dict) -> None:
        (problem,) = plan["problems"]
        self.assertIn("CloudFormation has not made the change set in time", problem["message"])
        self.assertEqual(problem["cause"], "transient")

    def let_go(self) -> None:
        wait.until(lambda: self.cloud.fields_of("DeleteChangeSet"), "it is to be thrown away")
        self.cloud.stalls = False

    def test_thrown_away(self):
        """a change set that is not made before the deadline is thrown away once CloudFormation lets it go, with the stack made for it"""
        with self.planning() as plan:
            # Only once it has been refused: then the deadline is over.
            refused = threading.Thread(target=self.let_go, daemon=True)
            refused.start()
            self.assert_late(plan("1", deadlineMs=500))
            self.assertEqual(self.left(), (["DELETE_IN_PROGRESS"], 0))

    def test_next(self):
        """one that is made for much longer is thrown away by the next plan of its stack"""
        with self.planning() as plan:
            self.assert_late(plan("1", deadlineMs=300))
            self.assertEqual(self.left(), (["REVIEW_IN_PROGRESS"], 1))
            self.cloud.stalls = False
            second = plan("2")
            self.assertEqual(self.left(), (["REVIEW_IN_PROGRESS"], 1))
            self.discard(second)
            self.assertEqual(self.left(), (["DELETE_IN_PROGRESS"], 0))
