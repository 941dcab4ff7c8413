"""A workload that does not become well tells what ails its Pods, which are not declared and not watched."""
import shutil
import unittest

from lib import wait
from lib.cluster_case import shared_cluster
from lib.kubernetes_provider import Provider
from lib.objects import deployment, of

SPACE = "ailing"
WORDS = "Back-off pulling image \"web:9\": manifest unknown"


class PodReasons(unittest.TestCase):
    def setUp(self):
        self.cluster = shared_cluster()
        self.cluster.apply(of("Namespace", "v1", SPACE))

    def provider(self, user: str = "admin") -> Provider:
        provider = Provider(self.cluster, [SPACE], user=user)
        self.addCleanup(shutil.rmtree, provider.folder, ignore_errors=True)
        self.addCleanup(provider.kill)
        return provider

    def pod(self, name: str, labels: dict, waiting: dict) -> None:
        """As its ReplicaSet and its node would leave it."""
        pod = of("Pod", "v1", name, spec={"containers": [{"name": "web", "image": "web:9"}]})
        pod["metadata"].update(namespace=SPACE, labels=labels)
        self.cluster.api("PATCH", f"/api/v1/namespaces/{SPACE}/pods/{name}?fieldManager=controller&force=true", pod,
                         "application/apply-patch+yaml")
        self.say(name, waiting)

    def say(self, name: str, waiting: dict) -> None:
        self.cluster.api("PATCH", f"/api/v1/namespaces/{SPACE}/pods/{name}/status?fieldManager=node", {"status": {
            "phase": "Pending", "containerStatuses": [{"name": "web", "image": "web:9", "imageID": "", "ready": False,
                                                       "restartCount": 0, "state": {"waiting": waiting}}]}},
                         "application/strategic-merge-patch+json")

    def declared(self, name: str) -> dict:
        document = deployment(name)
        document["spec"]["paused"] = False
        return document

    def reason(self, provider: Provider, entries: list[dict], name: str) -> str:
        return provider.observe(entries, watch=True)[f"Deployment.apps/{SPACE}/{name}"]["reason"]

    def test_message(self):
        """the Pod's own message, as it is now, and of its own Pods only"""
        provider = self.provider()
        entries = provider.converge([self.declared("web")])
        self.assertNotIn("Pod ", self.reason(provider, entries, "web"))
        self.pod("other-1", {"app": "other"}, {"reason": "ImagePullBackOff", "message": "another's"})
        self.pod("web-1", {"app": "web"}, {"reason": "ContainerCreating"})
        wait.until(lambda: "Pod web-1: container 'web': ContainerCreating" in self.reason(provider, entries, "web"), "it begins")
        self.say("web-1", {"reason": "ImagePullBackOff", "message": WORDS})
        said = self.reason(provider, entries, "web")
        self.assertIn(f"Pod web-1: container 'web': ImagePullBackOff: {WORDS}", said)
        self.assertNotIn("another's", said)

    def test_without_rights(self):
        """who may not list Pods is told what the workload says of itself"""
        self.cluster.grant("gitopsd-web", {"apiGroups": ["apps"], "resources": ["deployments"],
                                           "verbs": ["get", "list", "watch", "create", "patch"]}, namespace=SPACE)
        self.pod("plain-1", {"app": "plain"}, {"reason": "ImagePullBackOff", "message": WORDS})
        provider = self.provider("gitopsd-web")
        entries = provider.converge([self.declared("plain")])
        seen = provider.observe(entries, watch=True)[f"Deployment.apps/{SPACE}/plain"]
        self.assertEqual((seen["live"], seen["drift"], seen["health"]), ("ours", "no", "progressing"))
        self.assertNotIn("Pod ", seen["reason"])
