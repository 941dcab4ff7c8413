"""What a provider tells to be owned that has just been started, with what the one before it remembered."""
import sys

from lib import process
from lib.aws import PROVIDER, AccountScene, AwsScene, content, stack
from lib.replay import ReplayScene
from lib.replay_templates import QUEUE

sys.path.insert(0, str(process.ROOT / "tests" / "conformance"))
from client import Provider  # noqa: E402

INSTALLATION = "8f1c7a52-6a0e-4bd2-9a7b-0d7a3c1e5f60"


class Listed(AwsScene):
    def configure(self):
        super().configure()
        self.daemon.config["store"]["installation"] = INSTALLATION

    def listed(self, installation: str = INSTALLATION) -> dict[str, str]:
        """Whose what is, by id."""
        state = str(self.daemon.directory / "state" / "providers" / "here")
        one = Provider([str(PROVIDER)], state)
        one.call("initialize", protocols=[1], destination="here", installation=INSTALLATION, stateDirectory=state,
                 settings=self.daemon.config["destinations"][0]["settings"])
        items = one.call("list", installation=installation)["items"]
        one.close_input()
        self.assertEqual(one.exit_status(), 0)
        return {item["id"]: item["owner"]["application"] for item in items}


class Contents(Listed, AccountScene):
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


class Regions(Listed, ReplayScene):
    def test_regions(self):
        """stacks of other regions are listed, too"""
        self.policy["regions"] = ["eu-west-1"]
        self.daemon.reload()
        self.sync(stack("web", "/t.json"), stack("web-other", "/t.json", region="eu-west-1"), **self.file(QUEUE))
        self.assertEqual(self.listed().keys(), {"stack/web", "stack/eu-west-1/web-other"})
