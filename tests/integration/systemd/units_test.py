"""The installed units on a host whose PID 1 is systemd."""
import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from lib import booted, git, git_server, manifest, renderers, wait


class Units(unittest.TestCase):
    """One host for all, since its tests leave the service as they found it: running."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="gitopsd-units-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.origin = git.Origin(cls.folder / "git")
        cls.server = git_server.HttpServer(cls.folder / "git", address=booted.HERE)
        cls.addClassCleanup(cls.server.stop)
        cls.host = booted.Host("units")
        cls.addClassCleanup(cls.host.down)
        cls.gitopsd = booted.Installed(cls.host, cls.folder, f"{cls.server.url}/infra.git")
        cls.gitopsd.start()

    def commit(self, contents: dict[str, str], folder: str = "web") -> str:
        commit = self.origin.checkout.commit({f"{folder}/all.yaml": manifest.files(Path("/srv") / folder, contents)})
        self.origin.checkout.push()
        return commit

    def main_pid(self) -> str:
        return self.host.show("gitopsd.service", "MainPID")

    def assert_delivers(self, text: str) -> None:
        self.gitopsd.wait_succeeded(self.gitopsd.accept(self.commit({"one": text})))
        self.assertEqual(self.host.read("/srv/web/one"), text)

    def test_deliver(self):
        """installed, started, and a signed push to port 443 becomes a file of root's"""
        self.assertEqual(self.host.show("gitopsd.service", "ActiveState"), "active")
        self.assert_delivers("first\n")
        self.assertEqual(self.host.run("stat", "-c", "%U %a", "/srv/web/one").strip(), "root 644")

    def test_drift(self):
        """drift on the host is healed by the provider's own unit"""
        self.assert_delivers("as declared\n")
        self.host.write("/srv/web/one", "by hand\n")
        wait.until(lambda: self.host.read("/srv/web/one") == "as declared\n", "the file is put back")

    def reload(self) -> None:
        """Comes back when the configuration is in force."""
        self.gitopsd.write_config()
        self.host.run("systemctl", "reload", "gitopsd.service")
        wait.until(lambda: len(json.loads(self.host.run("gitopsctl", "--output", "json", "status"))["applications"])
                   >= len(self.gitopsd.config["applications"]), "the configuration is in force")

    def test_render(self):
        """kustomize runs in its sandbox inside the unit, and reads no file of the host from there"""
        with open(renderers.kustomize(), "rb") as program:
            subprocess.run([booted.HOST, "run", self.host.name, "sh", "-c", "cat > /usr/bin/kustomize; chmod 755 /usr/bin/kustomize"],
                           stdin=program, check=True, timeout=60)
        self.host.run("mkdir", "-p", "/srv/built")
        self.gitopsd.config["applications"].append({
            "name": "built", "repository": "infra", "path": "built", "destination": "here",
            "policy": {"paths": ["/srv/built"], "users": ["root"], "groups": ["root"]}})
        self.addCleanup(self.reload)
        self.addCleanup(self.gitopsd.config["applications"].pop)
        self.reload()
        files = {"base/all.yaml": manifest.files(Path("/srv/built"), {"one": "built\n"}), "base/kustomization.yaml": "resources: [all.yaml]\n",
                 "built/kustomization.yaml": "resources: [../base]\nnameSuffix: -x\n"}
        commit = self.origin.checkout.commit(files)
        self.origin.checkout.push()
        self.gitopsd.wait_succeeded(self.gitopsd.accept(commit))
        self.assertEqual(self.host.read("/srv/built/one"), "built\n")
        commit = self.origin.checkout.commit({"built/kustomization.yaml": "resources: [../base]\nconfigMapGenerator: [{name: a, files: [/etc/passwd]}]\n"})
        self.origin.checkout.push()
        event = self.gitopsd.accept(commit)
        wait.until(lambda: self.gitopsd.ended(event), "the event ends")
        self.assertIn("/etc/passwd: permission denied", self.gitopsd.event(event)["error"])

    def test_unprivileged(self):
        """the daemon runs as its own user without capabilities, and rates 1.5 or better"""
        pid = self.main_pid()
        status = self.host.read(f"/proc/{pid}/status")
        self.assertNotRegex(status, r"(?m)^Uid:\s+0\s")
        self.assertRegex(status, r"(?m)^CapEff:\s+0+$")
        said = self.host.run("systemd-analyze", "security", "--no-pager", "gitopsd.service")
        rating = float(re.search(r"Overall exposure level[^:]*: ([0-9.]+)", said).group(1))
        self.assertLessEqual(rating, 1.5, said)

    def test_verified(self):
        """systemd finds nothing to say about the units"""
        units = self.host.run("systemctl", "list-unit-files", "--no-legend", "gitopsd*").split()
        names = [name.replace("@.", "@prod.") for name in units if name.startswith("gitopsd")]
        self.assertGreaterEqual(len(names), 6)
        self.assertEqual(self.host.run("sh", "-c", 'systemd-analyze verify --man=no "$@" 2>&1', "sh", *names), "")

    def test_cluster(self):
        """a cluster's provider starts with its kubeconfig as a credential, without privileges, rated 1.5 or better"""
        self.host.run("sh", "-c", "umask 077; echo 'current-context: x' > /etc/gitopsd/kubernetes/prod.kubeconfig")
        self.assert_unprivileged("gitopsd-provider-kubernetes", "kubeconfig", "current-context: x\n")

    def test_account(self):
        """so does an AWS account's, with its credentials, or without where there are none"""
        self.assert_unprivileged("gitopsd-provider-aws", "credentials", "#")
        self.host.run("sh", "-c", "umask 077; echo '[default]' > /etc/gitopsd/aws/prod.credentials")
        self.assert_unprivileged("gitopsd-provider-aws", "credentials", "[default]\n")

    def assert_unprivileged(self, provider: str, credential: str, content: str) -> None:
        unit = f"{provider}@prod"
        self.host.run("systemctl", "restart", f"{unit}.socket", f"{unit}.service")
        self.assertEqual(self.host.show(f"{unit}.service", "ActiveState"), "active", self.host.run("journalctl", "--unit", f"{unit}.service"))
        process = self.host.run("systemctl", "show", "--value", "--property=MainPID", f"{unit}.service").strip()
        status = self.host.run("cat", f"/proc/{process}/status")
        self.assertRegex(status, r"(?m)^CapEff:\s+0+$")
        self.assertNotRegex(status, r"(?m)^Uid:\s+0")
        self.assertTrue(self.host.succeeds("test", "-S", f"/run/{provider}-prod/provider.sock"))
        self.assertEqual(self.host.run("cat", f"/run/credentials/{unit}.service/{credential}"), content)
        said = self.host.run("systemd-analyze", "security", "--no-pager", f"{unit}.service")
        rating = float(re.search(r"Overall exposure level[^:]*: ([0-9.]+)", said).group(1))
        self.assertLessEqual(rating, 1.5, said)

    def test_only_the_daemon_reaches_the_provider(self):
        """the root provider takes no other user's connection"""
        connect = "use IO::Socket::UNIX; exit(IO::Socket::UNIX->new(Peer => $ARGV[0]) ? 0 : 1)"
        socket = "/run/gitopsd-provider-host/provider.sock"
        self.assertTrue(self.host.succeeds("test", "-S", socket))
        self.assertFalse(self.host.succeeds("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                                            "perl", "-e", connect, socket))

    def test_reload(self):
        """systemctl reload brings an application in; the process stays the same"""
        pid = self.main_pid()
        self.host.run("mkdir", "-p", "/srv/more")
        first = self.gitopsd.config["applications"][0]
        self.gitopsd.config["applications"].append(
            {**first, "name": "more", "path": "more", "policy": {**first["policy"], "paths": ["/srv/more"]}})
        self.reload()
        self.gitopsd.wait_succeeded(self.gitopsd.accept(self.commit({"two": "2\n"}, "more")))
        self.assertEqual(self.host.read("/srv/more/two"), "2\n")
        self.assertEqual(self.main_pid(), pid)

    def test_watchdog(self):
        """a daemon that hangs is killed by the watchdog and started again"""
        self.host.write("/etc/systemd/system/gitopsd.service.d/watchdog.conf", "[Unit]\nStartLimitIntervalSec=0\n"
                        "[Service]\nWatchdogSec=10\nRestartSec=100ms\n")
        self.host.run("systemctl", "daemon-reload")
        self.host.run("systemctl", "restart", "gitopsd.service")
        pid = self.main_pid()
        self.host.run("kill", "-STOP", pid)
        wait.until(lambda: self.main_pid() not in ("0", pid), "the watchdog has it started again", 60, every=0.1)
        wait.until(lambda: self.host.show("gitopsd.service", "ActiveState") == "active", "it is active again", 60, every=0.1)
        self.assert_delivers("after the watchdog\n")

    def test_stop_loses_nothing(self):
        """what was accepted before a stop is applied after the start"""
        accepted = [self.gitopsd.accept(self.commit({"one": f"{number}\n"})) for number in range(5)]
        self.host.run("systemctl", "stop", "gitopsd.service")
        self.assertEqual(self.host.show("gitopsd.service", "Result"), "success", self.gitopsd.journal())
        self.assertIn("the door is closed", self.gitopsd.journal(), "it stopped in order, not by the signal")
        self.gitopsd.start()
        for event in accepted:
            self.gitopsd.wait_succeeded(event)
        self.assertEqual(self.host.read("/srv/web/one"), "4\n")

    def test_socket_outlives_the_service(self):
        """a delivery while the service restarts is answered, since systemd holds the socket"""
        commit, pid = self.commit({"one": "while it restarts\n"}), self.main_pid()
        self.host.run("systemctl", "restart", "--no-block", "gitopsd.service")
        wait.until(lambda: self.host.show("gitopsd.service", "ActiveState") != "active" or self.main_pid() != pid, "it stops")
        self.gitopsd.wait_succeeded(self.gitopsd.accept(commit))
        self.assertEqual(self.host.read("/srv/web/one"), "while it restarts\n")

    def test_power_cut(self):
        """after the plug was pulled and the host booted, what was accepted is applied"""
        self.host.run("systemctl", "enable", "gitopsd.socket", "gitopsd-provider-host.socket", "gitopsd.service")
        accepted = [self.gitopsd.accept(self.commit({"one": f"before the cut {number}\n"})) for number in range(3)]
        self.host.cut()
        for event in accepted:
            self.gitopsd.wait_succeeded(event)
        self.assertEqual(self.host.read("/srv/web/one"), "before the cut 2\n")
