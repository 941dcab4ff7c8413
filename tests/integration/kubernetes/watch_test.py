"""The watches themselves: streams that end, a server that is killed, kinds that come and go, rights that are missing."""
import os
import re
import shutil
import signal
import tempfile
import unittest
from pathlib import Path

from lib import files, kubernetes, wait
from lib.cluster_case import config_map
from lib.kubernetes_provider import Provider, requests_of_us
from lib.objects import of, service

SPACE = "watched"


class Watched(unittest.TestCase):
    """An API server and a provider of the test's own."""

    arguments: tuple[str, ...] = ()

    def setUp(self):
        folder = Path(tempfile.mkdtemp(prefix="gitopsd-watch-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.cluster = kubernetes.Cluster(folder / "cluster", audit=True, arguments=self.arguments)
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.cluster.apply(of("Namespace", "v1", SPACE))

    def start_provider(self, **more) -> Provider:
        self.provider = Provider(self.cluster, [SPACE], **more)
        self.addCleanup(shutil.rmtree, self.provider.folder, ignore_errors=True)
        self.addCleanup(self.provider.kill)
        return self.provider

    def requests(self, since: int = 0, **fields) -> list[dict]:
        return requests_of_us(self.cluster, since, **fields)

    def at(self, name: str, plural: str = "configmaps") -> str:
        return f"/api/v1/namespaces/{SPACE}/{plural}/{name}"

    def converge(self, *documents: dict, watches: int = 0) -> list[dict]:
        """Applied, and watched by streams that are open: one a kind, where nothing else is said."""
        entries = self.provider.converge(list(documents))
        self.provider.observe(entries, watch=True)
        count = watches or len({document["kind"] for document in documents})
        wait.until(lambda: sum(event["stage"] == "ResponseStarted" for event in self.requests(verb="watch")) >= count,
                   f"{count} watches are open")
        self.provider.mark()
        return entries

    def lists(self, since: int = 0, plural: str = "configmaps") -> int:
        return sum(event["objectRef"]["resource"] == plural for event in self.requests(since, verb="list"))


class Streams(Watched):
    arguments = ("--min-request-timeout=1",)

    def test_resumed(self):
        """a watch that the server ends, as it does all of them in time, goes on where it was, without a list"""
        self.start_provider()
        self.converge(config_map("a", {"key": "1"}))

        def ended():
            return sum(event["stage"] == "ResponseComplete" for event in self.requests(verb="watch"))

        for round in range(3):
            before = ended()
            wait.until(lambda before=before: ended() > before, "the server has ended the watch")
            self.provider.mark()
            self.cluster.patch(self.at("a"), {"data": {"key": f"by hand {round}"}})
            self.provider.wait_told(f"ConfigMap/{SPACE}/a")
        self.assertEqual(self.lists(), 1)
        self.assertEqual(self.provider.told(), [f"ConfigMap/{SPACE}/a"])


class Server(Watched):
    def test_killed(self):
        """what was changed while the watches were cut off is told when they are back, of each object once, after new lists"""
        provider = self.start_provider()
        documents = [config_map(name, {"key": "1"}) for name in ("same", "changed", "deleted", "made-anew")]
        secret = of("Secret", "v1", "other-kind", data={"key": "MQ=="})
        entries = self.converge(*documents, secret)
        os.kill(provider.process.pid, signal.SIGSTOP)
        # A server that is started anew has forgotten what was before the last write of all: it will answer 410.
        self.cluster.apply(config_map("elsewhere", {"key": "1"}))
        self.cluster.restart()
        since = files.end_of_lines(self.cluster.audit_log)
        self.cluster.patch(self.at("changed"), {"data": {"key": "by hand"}})
        self.cluster.patch(self.at("other-kind", "secrets"), {"data": {"key": "Mg=="}})
        for name in ("deleted", "made-anew"):
            self.cluster.delete(self.at(name))
        self.cluster.apply({**documents[3], "metadata": {"name": "made-anew", "namespace": SPACE}})
        os.kill(provider.process.pid, signal.SIGCONT)
        wanted = sorted([f"ConfigMap/{SPACE}/{name}" for name in ("changed", "deleted", "made-anew")]
                        + [f"Secret/{SPACE}/other-kind"])
        wait.until(lambda: set(provider.told()) == set(wanted), "each change is told", 30)
        self.assertEqual(sorted(provider.told()), wanted, "once")
        self.assertEqual((self.lists(since), self.lists(since, "secrets")), (1, 1))
        provider.mark()
        seen = provider.observe(entries, watch=True)
        drifted = sorted(identity for identity, one in seen.items() if one["drift"] == "yes")
        self.assertEqual(drifted, wanted)
        self.cluster.patch(self.at("same"), {"data": {"key": "by hand"}})
        provider.wait_told(f"ConfigMap/{SPACE}/same")
        self.assertEqual(provider.told(), [f"ConfigMap/{SPACE}/same"])
        provider.stop()

    def test_many_relists(self):
        """after a restart of the server everything is listed anew, a few at a time, and all that changed is told"""
        provider = self.start_provider()
        spaces = [f"{SPACE}-{number}" for number in range(40)]
        for space in spaces:
            self.cluster.apply(of("Namespace", "v1", space))
        provider.policy["namespaces"] = [SPACE, *spaces]
        self.converge(*(config_map("a", {"key": "1"}, namespace=space) for space in spaces), watches=len(spaces))
        os.kill(provider.process.pid, signal.SIGSTOP)
        self.cluster.apply(config_map("elsewhere", {"key": "1"}))
        self.cluster.restart()
        since = files.end_of_lines(self.cluster.audit_log)
        for space in spaces:
            self.cluster.patch(f"/api/v1/namespaces/{space}/configmaps/a", {"data": {"key": "by hand"}})
        os.kill(provider.process.pid, signal.SIGCONT)
        wanted = sorted(f"ConfigMap/{space}/a" for space in spaces)
        wait.until(lambda: sorted(provider.told()) == wanted, "each change is told once", 30)
        lists = [event for event in self.requests(since, verb="list") if event["objectRef"]["resource"] == "configmaps"]
        self.assertEqual(len(lists), len(spaces))
        self.assertLessEqual(max(sum(other["requestReceivedTimestamp"] <= event["requestReceivedTimestamp"] < other["stageTimestamp"]
                                     for other in lists) for event in lists), 4)

    def test_away(self):
        """while the API server is away nothing is said to be as declared, and the provider neither spins nor fails"""
        provider = self.start_provider()
        entries = self.converge(config_map("a", {"key": "1"}))
        self.cluster.kill()
        wait.until(lambda: provider.observe(entries, watch=True)[f"ConfigMap/{SPACE}/a"]["drift"] == "unknown", "it is not known")
        before = self.processor_time()
        with self.assertRaises(wait.NeverHappened):
            wait.until(lambda: provider.exit_status(0.1) is not None, "it ends", 2)
        self.assertLess(self.processor_time() - before, 0.6)
        self.cluster.restart()
        wait.until(lambda: provider.observe(entries, watch=True)[f"ConfigMap/{SPACE}/a"]["drift"] == "no", "it is known again", 30)
        provider.stop()

    def processor_time(self) -> float:
        fields = Path(f"/proc/{self.provider.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_made_and_deleted(self):
        """an object that is deleted the moment it was made, deleted again, and made anew by others: all of it is told"""
        provider = self.start_provider()
        document = config_map("a", {"key": "1"})
        self.converge(document)
        for _ in range(3):
            provider.mark()
            self.cluster.delete(self.at("a"))
            provider.wait_told(f"ConfigMap/{SPACE}/a")
            provider.converge([document])
            provider.mark()
            uid = self.cluster.get(self.at("a"))["metadata"]["uid"]
            self.cluster.delete(self.at("a"))
            self.cluster.apply({**document, "metadata": {"name": "a", "namespace": SPACE}}, manager="by-hand")
            self.assertNotEqual(self.cluster.get(self.at("a"))["metadata"]["uid"], uid)
            provider.wait_told(f"ConfigMap/{SPACE}/a")
            provider.converge([document])

    def test_own_writes(self):
        """our own writes are told to nobody, however many, and whichever comes first, their event or their answer"""
        provider = self.start_provider()
        documents = [config_map(f"c{number}", {"key": "0"}) for number in range(100)]
        entries = self.converge(*documents, config_map("marker", {"key": "1"}))
        for round in range(1, 6):
            changed = [{**document, "data": {"key": str(round)}} for document in documents]
            entries = provider.converge(changed, str(round + 1), entries)
        self.cluster.patch(self.at("marker"), {"data": {"key": "by hand"}})
        provider.wait_told(f"ConfigMap/{SPACE}/marker")
        self.assertEqual(provider.told(), [f"ConfigMap/{SPACE}/marker"])

    def test_told_once(self):
        """a change that stays is told once, also to one who looks again and again"""
        provider = self.start_provider()
        entries = self.converge(config_map("a", {"key": "1"}), config_map("marker", {"key": "1"}))
        self.cluster.patch(self.at("a"), {"data": {"key": "by hand"}})
        provider.wait_told(f"ConfigMap/{SPACE}/a")
        for _ in range(5):
            self.assertEqual(provider.observe(entries, watch=True)[f"ConfigMap/{SPACE}/a"]["drift"], "yes")
        self.cluster.patch(self.at("marker"), {"data": {"key": "by hand"}})
        provider.wait_told(f"ConfigMap/{SPACE}/marker")
        self.assertEqual(provider.told(), [f"ConfigMap/{SPACE}/a", f"ConfigMap/{SPACE}/marker"])


    def test_kind_comes_late(self):
        """a kind that a server, back after a while, does not know at once, is watched again soon after it is known"""
        definition = self.cluster.define("late.example.com", "Pear")
        provider = self.start_provider()
        pear = of("Pear", "late.example.com/v1", "p", spec={"apples": 1})
        self.converge(pear)
        self.cluster.kill()
        wait.until(lambda: "cluster" in provider.conditions(), "the server is missed")
        self.assertTrue(provider.conditions()["cluster"]["unreachable"])
        since = files.end_of_lines(self.cluster.audit_log)
        self.cluster.restart()
        # As it is while the server's own list of kinds is not complete: only for longer.
        self.cluster.delete(self.cluster.path(definition))
        key = f"watch Pear.late.example.com/{SPACE}"
        wait.until(lambda: "the cluster has no such kind" in provider.conditions().get(key, {}).get("message", ""),
                   "the kind is missed", 30)

        def asked():
            return sum(event["requestURI"] == "/apis" for event in self.requests(since, verb="get"))

        before = asked()
        wait.until(lambda: asked() >= before + 6, "it was looked for a few times", 90)
        self.cluster.define("late.example.com", "Pear")
        provider.mark()
        self.cluster.apply({**pear, "metadata": {"name": "p", "namespace": SPACE}, "spec": {"apples": 2}}, manager="other")
        wait.until(lambda: f"Pear.late.example.com/{SPACE}/p" in provider.told(), "it is told", 70)
        wait.until(lambda: not provider.conditions(), "nothing is missed any more")

    def test_burst(self):
        """of very many objects that are deleted one after the other, each is seen to be gone by whoever was told so"""
        provider = self.start_provider()
        names = [f"c{number}" for number in range(1000)]
        entries = {entry["id"]: entry for entry in self.converge(*(config_map(name, {"key": "1"}) for name in names))}
        told = 0
        for begin in range(0, len(names), 50):
            for name in names[begin:begin + 50]:
                self.cluster.delete(self.at(name))
            wait.until(lambda begin=begin: len(set(provider.told())) == begin + 50, "all of them are told")
            gone, told = list(dict.fromkeys(provider.told()))[told:], begin + 50
            # As the daemon does: it looks at what was told, and the rest of the list stays for a moment.
            seen = provider.observe([entries[identity] for identity in gone], watch=True)
            self.assertEqual({one["live"] for one in seen.values()}, {"absent"}, f"after {begin} others")

    def test_changed_between(self):
        """a plan, too, sees what was changed since a list that was made for others"""
        provider = self.start_provider()
        documents = [config_map(f"c{number}", {"key": "1"}) for number in range(100)]
        entries = self.converge(*documents)
        for half in (range(50), range(50, 100)):
            provider.mark()
            for number in half:
                self.cluster.patch(self.at(f"c{number}"), {"data": {"key": "by hand"}})
            wait.until(lambda: len(set(provider.told())) == 50, "all of them are told")
            part = [documents[number] for number in half]
            self.assertEqual({step["action"] for step in provider.plan(part, "1", entries)["steps"]}, {"update"})


class Rights(Watched):
    def test_no_watch(self):
        """without the rights to list and watch a kind it says so once, asks seldom, and sees changes when it is asked to look"""
        core = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"]}
        self.cluster.grant("gitopsd", core, {**core, "resources": ["services"], "verbs": ["get", "create", "patch", "list", "watch"]})
        provider = self.start_provider(user="gitopsd")
        names = [f"c{number}" for number in range(40)]
        entries = provider.converge([*(config_map(name, {"key": "1"}) for name in names), service("s", {"port": 80})])
        seen = provider.observe(entries, watch=True)
        self.assertEqual({one["drift"] for one in seen.values()}, {"no"})
        self.cluster.patch(self.at("c7"), {"data": {"key": "by hand"}})
        seen = provider.observe(entries, watch=True)
        self.assertEqual([identity for identity, one in seen.items() if one["drift"] != "no"], [f"ConfigMap/{SPACE}/c7"])
        # The kind that may be watched is.
        self.cluster.patch(self.at("s", "services"), {"spec": {"selector": {"app": "other"}}})
        provider.wait_told(f"Service/{SPACE}/s")
        self.assertLess(self.lists(), 8)
        wait.until(provider.conditions, "what is not watched is told")
        key = f"watch ConfigMap/{SPACE}"
        told = provider.conditions()[key]
        self.assertRegex(told["message"], f"drift of ConfigMap in namespace {SPACE} is seen only every check_interval: .*forbidden")
        self.assertIn(f"give gitopsd the verbs `list` and `watch` on `configmaps` in namespace {SPACE}", told["hint"])
        self.assertEqual((told.get("applications"), told.get("unreachable", False)), (["app"], False))
        said = [line for line in provider.log_text().splitlines() if "cannot watch" in line]
        self.assertEqual(len(said), 1, said)
        self.assertRegex(said[0], re.compile("ConfigMap.*configmaps is forbidden"))
        # Half of the rights is not enough, and the other half is named.
        self.cluster.grant("gitopsd", {**core, "verbs": ["list"]})
        wait.until(lambda: "cannot watch" in provider.conditions()[key]["message"], "it lacks the other right", 70)
        self.assertIn("the verb `watch`", provider.conditions()[key]["hint"])

        self.cluster.grant("gitopsd", {**core, "verbs": ["watch"]})
        self.cluster.patch(self.at("c8"), {"data": {"key": "by hand"}})
        provider.wait_told(f"ConfigMap/{SPACE}/c8", 70)
        wait.until(lambda: not provider.conditions(), "nothing is missed any more")
        provider.stop()

    def test_of_several_users(self):
        """where one application's user may not watch a kind, and another's may, all are told of their own"""
        core = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch"]}
        self.cluster.grant("gitopsd", {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]})
        self.cluster.grant("gitopsd-web", core, namespace=SPACE)
        self.cluster.grant("gitopsd-shop", {**core, "verbs": [*core["verbs"], "list", "watch"]}, namespace=SPACE)
        provider = self.start_provider(user="gitopsd")
        for user, name in (("gitopsd-web", "a"), ("gitopsd-shop", "b")):
            provider.policy["as"] = {"user": user}
            entries = provider.converge([config_map(name, {"key": "1"})])
            provider.observe(entries, watch=True)
        wait.until(lambda: any(event["stage"] == "ResponseStarted" for event in self.requests(verb="watch")), "a watch is open")
        provider.mark()
        for name in ("a", "b"):
            self.cluster.patch(self.at(name), {"data": {"key": "by hand"}})
            provider.wait_told(f"ConfigMap/{SPACE}/{name}")
        self.assertEqual({event["impersonatedUser"]["username"] for event in self.requests(verb="watch")}, {"gitopsd-shop"})
        self.assertEqual(provider.conditions(), {})
        provider.stop()
