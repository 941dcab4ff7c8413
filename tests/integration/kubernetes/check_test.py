"""A configuration that is wrong for Kubernetes is told before it comes into force, and no cluster is asked for that."""
import subprocess

from lib import certificate, gitopsd, process, yaml
from lib.cluster_case import PROVIDER
from lib.case import Scene


class Check(Scene):
    reachable = False

    def configure(self):
        """A cluster that is not there."""
        authority = certificate.Authority(self.folder / "certificates")
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.write_text(yaml.dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "prod",
            "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{process.free_port()}",
                                                   "certificate-authority": str(authority.own.certificate)}}],
            "users": [{"name": "u", "user": {"token": "abc"}}],
            "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}]}))
        self.kubeconfig.chmod(0o600)
        self.destination = self.daemon.config["destinations"][0]
        self.destination.update(provider="kubernetes", command=str(PROVIDER), settings={"kubeconfig": str(self.kubeconfig)})
        self.daemon.application["policy"] = {"namespaces": ["web"]}

    def check(self, status: int) -> str:
        self.daemon.write_config()
        done = subprocess.run([str(gitopsd.DAEMON), "--check-config", "--config", str(self.daemon.file)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def line_of(self, text: str) -> int:
        return next(number for number, line in enumerate(self.daemon.file.read_text().splitlines(), 1) if text in line)

    def test_policy(self):
        """every mistake of a policy, each at its line, by --check-config and by gitopsctl validate"""
        self.assertIn(": valid", self.check(0))
        self.daemon.application["policy"] = {
            "namespaces": "web", "kindz": ["ConfigMap"], "conflicts": "ignore", "as": {"group": ["x"]},
            "clusterKinds": ["", "Deployment.apps"], "ignore": [{"kind": "Deployment.apps", "pointer": ["/spec/replicas"]}]}
        said = self.check(78)
        for text, words in (("namespaces:", "has to be a list of names"), ("kindz:", "did you mean `kinds`?"),
                            ("conflicts:", "`conflicts` is `force` or `report`"), ("group:", "`as` needs a `user`"),
                            ("pointer:", "did you mean `pointers`?"),
                            ("clusterKinds:", "`clusterKinds` has to be a list of names"),
                            ("Deployment.apps", "`clusterKinds`: Deployment.apps lives in namespaces")):
            self.assertRegex(said, rf"{self.daemon.file}:\d+:\d+: application web: .*{words.replace('?', '[?]')}")
        self.assertRegex(said, rf"{self.daemon.file}:{self.line_of('conflicts:')}:\d+: application web: `conflicts`")
        self.assertIn("`conflicts` is", self.daemon.ctl("validate", str(self.daemon.file), expect=1))

    def test_broken_kubeconfig(self):
        """of a kubeconfig that cannot be read, the file and the line"""
        self.kubeconfig.write_text("apiVersion: v1\nkind: Config\ncontexts: [\n  {name: a}\nusers: b\n")
        self.assertRegex(self.check(78), rf"{self.kubeconfig}:[4-6]:\d+: invalid YAML")
        self.kubeconfig.write_text("apiVersion: v1\nkind: Config\ncurrent-context: [prod]\n")
        self.assertRegex(self.check(78), rf"{self.kubeconfig}:3:\d+: ")

    def test_settings(self):
        """what is wrong with a destination's settings, its kubeconfig included"""
        for settings, words in (({"kubeconfgi": "/x"}, "did you mean `kubeconfig`?"),
                                ({"kubeconfig": str(self.kubeconfig), "context": "prd"}, "prod"),
                                ({"kubeconfig": "/nowhere/kubeconfig"}, "/nowhere/kubeconfig"),
                                ({"kubeconfig": 5}, "has to be a text"),
                                ({"context": "prod"}, "needs a `kubeconfig`"),
                                ({}, "name a kubeconfig")):
            with self.subTest(settings):
                self.destination["settings"] = settings
                said = self.check(78)
                self.assertRegex(said, rf"{self.daemon.file}:\d+:\d+: destination here: ")
                self.assertIn(words, said)
                self.assertEqual({line.count("destination here") for line in said.splitlines()}, {1}, said)
                self.assertNotIn("initialize", said)

    def test_all_settings(self):
        """everything that is wrong with a destination's settings at once, each at its line"""
        self.destination["settings"] = {"kubeconfig": "/nowhere/kubeconfig", "kontext": "prod",
                                        "health": [{"kind": "A", "health": "fine"}]}
        said = self.check(78)
        for member, words in (("kubeconfig: /nowhere", "/nowhere/kubeconfig"), ("kontext:", "did you mean `context`?"),
                              ("health: fine", "fine")):
            self.assertRegex(said, rf"{self.daemon.file}:{self.line_of(member)}:\d+: destination here: .*{words.replace('?', '[?]')}")


