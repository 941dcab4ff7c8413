"""Promise 12: a secret is never in a log, an API answer, a diff, a digest that could be guessed, a core dump or a command line."""
import json
import os
import signal
import subprocess
import urllib.parse
import uuid
from pathlib import Path

from lib import canary, git, git_server, github, gitopsd, manifest, wait, yaml
from lib.canary import Canary
from lib.case import Scene

DEBUG = ["--log-level", "debug"]


class Secrets(Scene):
    """One long run with everything that touches a secret, and then a search of everything that it left behind."""

    def configure(self):
        self.canaries: list[Canary] = []
        self.in_repository: list[Canary] = []  # which the mirror holds as Git itself does
        (self.folder / "secrets").mkdir()
        self.current, self.previous, self.token = self.new("hook secret"), self.new("previous secret"), self.new("token")
        self.gitlab, self.wanted_signing = self.new("gitlab token"), self.new("signing token")
        server = git_server.HttpServer(self.folder / "git", "bot", self.token.text)
        self.addCleanup(server.stop)
        ssh = git_server.SshServer(self.folder / "ssh")
        self.addCleanup(ssh.stop)
        self.canaries.append(canary.ssh_key(ssh.client_key))
        self.keys = git.Origin(self.folder / "keys", "keys")
        config = self.daemon.config
        config["hooks"] = [
            {"name": "forge", "forge": "github", "repositories": ["infra", "keys"],
             "secrets": [self.kept(self.current), {"environment": "PREVIOUS_SECRET"}]},
            {"name": "lab", "forge": "gitlab", "repositories": ["infra"], "secrets": [self.kept(self.gitlab)]}]
        config["repositories"] = [
            {"name": "infra", "url": f"{server.url}/infra.git", "aliases": ["example/infra"], "poll": "0s", "user": "bot",
             "token": self.kept(self.token)},
            {"name": "keys", "url": ssh.url(self.keys.directory), "aliases": ["example/keys"], "poll": "0s",
             "ssh_key": {"file": str(ssh.client_key)}, "known_hosts": str(ssh.known_hosts)}]
        first = config["applications"][0]
        for name in ("over-ssh", "held"):
            (self.folder / name).mkdir()
        config["applications"] += [
            {**first, "name": "over-ssh", "repository": "keys", "policy": {"paths": [str(self.folder / "over-ssh")]}},
            {**first, "name": "held", "ref": "held", "path": "held", "approve": True, "policy": {"paths": [str(self.folder / "held")]}}]
        self.daemon.program.env = {**os.environ, "PREVIOUS_SECRET": self.previous.text}
        self.daemon.program.command += DEBUG
        self.watch = canary.Watch(self.daemon.program)
        self.watch.start()
        self.addCleanup(self.watch.stop)
        self.said: list[tuple[str, bytes]] = []  # answers and outputs, with where they came from

    def new(self, name: str) -> Canary:
        made = Canary(name)
        self.canaries.append(made)
        return made

    def document(self, name: str) -> Canary:
        made = self.new(name)
        self.in_repository.append(made)
        return made

    def kept(self, secret: Canary) -> dict:
        path = self.folder / "secrets" / secret.core.decode()
        path = path.with_name(f"secret-{len(list(path.parent.iterdir()))}")
        path.write_text(secret.text + "\n")
        path.chmod(0o600)
        return {"file": str(path)}

    # ---- the run

    def push(self, files: dict[str, str | bytes | None], state: str = "succeeded", secret: Canary | None = None, **push) -> dict:
        commit = self.checkout.commit(files)
        self.checkout.push()
        answer = self.daemon.deliver(commit, secret=(secret or self.current).text, **push)
        self.said.append(("answer to a push", answer.body.encode()))
        self.assertEqual(answer.status, 202, answer.body)
        event = self.daemon.wait_ended(answer.json["event"])
        self.assertEqual(event["state"], state, event)
        return event

    def sensitive(self, name: str, content: Canary | None = None, **spec) -> str:
        more = {"content": content.text} if content else {}
        path = spec.pop("path", str(self.target / name))
        return yaml.dump(manifest.document("File", name, path=path, sensitive=True, mode="0600", **more, **spec))

    def documents_come_and_go(self) -> None:
        """Created, changed, changed into something else, no longer sensitive, deleted; and planned before each."""
        text, binary, source = self.document("content"), self.document("contentBase64"), self.document("source")
        leaves, link, held = self.document("no longer sensitive"), self.document("became a link"), self.document("held")
        encoded = canary.base64.b64encode(binary.text.encode()).decode()
        self.push({
            "web/text.yaml": self.sensitive("text", text), "web/leaves.yaml": self.sensitive("leaves", leaves),
            "web/binary.yaml": self.sensitive("binary", contentBase64=encoded), "web/link.yaml": self.sensitive("link", link),
            "web/secret.txt": source.text, "web/source.yaml": self.sensitive("source", source="secret.txt"),
            "web/plain.yaml": manifest.file(self.target / "plain", "plain\n")}, secret=self.previous)
        self.assertEqual((self.target / "text").read_text(), text.text)
        self.assertEqual((self.target / "source").read_text(), source.text)
        second, second_source = self.document("second content"), self.document("second source")
        changes = {"web/text.yaml": self.sensitive("text", second), "web/secret.txt": second_source.text}
        self.checkout.commit(changes)
        self.checkout.push()
        self.ctl("plan", "web")
        self.push({})
        self.assertEqual((self.target / "text").read_text(), second.text)
        self.push({
            "web/leaves.yaml": manifest.file(self.target / "leaves", "it is public now\n"),
            "web/link.yaml": yaml.dump(manifest.document("Symlink", "link", path=f"{self.target}/link", target="plain"))})
        self.assertEqual((self.target / "leaves").read_text(), "it is public now\n")
        self.push({"web/binary.yaml": None})
        self.assertFalse((self.target / "binary").exists())
        self.checkout.git("switch", "-q", "-c", "held")
        commit = self.checkout.commit({"held/all.yaml": self.sensitive("held", held, path=str(self.folder / "held" / "file"))})
        self.checkout.push("held")
        self.checkout.git("switch", "-q", "main")
        self.assertEqual(self.daemon.deliver(commit, secret=self.current.text, ref="refs/heads/held").status, 202)
        wait.until(lambda: self.daemon.status("held")["phase"] == "held", "the other application is held")
        self.ctl("plan", "held")

    def bad_pushes(self) -> None:
        """Everything that an error message might quote."""
        good = {path: (self.checkout.directory / path).read_text() for path in ("web/text.yaml",)}
        place = ["web/text.yaml"]
        for name, text in (
                ("unknown key", self.sensitive("text", self.document("beside an unknown key"), contents="x")),
                ("outside the policy", self.sensitive("text", self.document("outside the policy"), path="/etc/gitopsd-test")),
                ("two contents", self.sensitive("text", self.document("two contents"), contentBase64="AAAA")),
                ("wrong base64", self.sensitive("text", contentBase64=self.document("wrong base64").text)),
                ("broken YAML", f"kind: File\nspec:\n  content: \"{self.document('broken YAML').core.decode()}\n  mode: [\n"),
                ("a list for a text", self.sensitive("text").replace("spec:\n", f"spec:\n  content: [{self.document('list').core.decode()}]\n")),
                ("a duplicate key", f"kind: File\nspec:\n  content: a\n  content: {self.document('duplicate').core.decode()}\n"),
                ("an unknown alias", f"kind: File\nspec:\n  content: *{self.document('alias').core.decode()}\n")):
            with self.subTest(name):
                event = self.push({place[0]: text}, state="failed")
                self.assertIn("text.yaml", event["error"])
        self.push(good)

    def bad_deliveries(self) -> None:
        """What forges, proxies and people put into a request besides the proof."""
        commit, url = self.checkout.head(), f"https://127.0.0.1:{self.daemon.port}"
        body = github.push_body("example/infra", commit)
        password = self.new("password in the payload")
        with_password = body.replace(b"https://github.com", f"https://ada:{password.quoted()}@github.com".encode())
        foreign = with_password.replace(b"example/infra", b"example/other")
        odd = {"Authorization": f"Bearer {self.new('Authorization').core.decode()}",
               "X-Gitlab-Token": self.new("X-Gitlab-Token").core.decode(), "Cookie": f"s={self.new('Cookie').core.decode()}",
               "X-Secret": self.new("a header").core.decode()}
        query = self.new("query")
        lab = json.dumps({
            "object_kind": "push", "ref": "refs/heads/main", "before": github.ZERO, "after": commit, "user_username": "ada",
            "checkout_sha": commit, "commits": [], "project": {
                "path_with_namespace": "example/infra", "web_url": "https://gitlab.example.com/example/infra",
                "git_http_url": f"https://ada:{password.quoted()}@gitlab.example.com/example/infra.git"}}).encode()
        lab_headers = {"Content-Type": "application/json", "X-Gitlab-Event": "Push Hook",
                       "X-Gitlab-Event-UUID": str(uuid.uuid4())}
        good = github.headers(self.current.text, body)
        wrong = {**lab_headers, "X-Gitlab-Token": self.new("wrong X-Gitlab-Token").core.decode()}
        right = {**lab_headers, "X-Gitlab-Token": self.gitlab.text.encode().decode("latin-1")}
        for path, sent, headers, wanted in (
                ("/hooks/forge", body, {**good, **odd}, (200, 202)),
                ("/hooks/forge", body, {**good, **odd, "X-Hub-Signature-256": self.new("signature").core.decode()}, (401,)),
                ("/hooks/forge", with_password, {**github.headers(self.current.text, with_password), **odd}, (200, 202)),
                ("/hooks/forge", foreign, {**github.headers(self.current.text, foreign), **odd}, (401,)),
                ("/hooks/forge", b"{" + body, github.headers(self.current.text, b"{" + body), (400,)),
                (f"/hooks/forge?token={query.core.decode()}", body, good, (200, 401, 404)),
                (f"/hooks/nothing?token={query.core.decode()}", body, good, (404,)),
                ("/hooks/lab", lab, wrong, (401,)),
                ("/hooks/lab", lab, right, (200, 202))):
            with self.subTest(path, status=wanted):
                answer = self.send(url + path, sent, headers)
                self.assertIn(answer.status, wanted, answer.body)
                self.said.append((f"answer to {path.split('?')[0]}", answer.body.encode()))

    def send(self, url: str, body: bytes, headers: dict[str, str]) -> github.Answer:
        """As github.post, with the query, which that leaves out."""
        target = urllib.parse.urlsplit(url)
        link = github.http.client.HTTPSConnection(
            target.hostname, target.port, timeout=15,
            context=github.ssl.create_default_context(cafile=str(self.daemon.certificate.certificate)))
        try:
            link.request("POST", f"{target.path}?{target.query}" if target.query else target.path, body, headers)
            answer = link.getresponse()
            return github.Answer(answer.status, dict(answer.getheaders()), answer.read().decode(errors="replace"))
        finally:
            link.close()

    def bad_configurations(self) -> None:
        """A secret where only its place belongs, which people do write; reloaded, checked and validated."""
        good = self.daemon.file.read_text()
        inline = self.new("inline secret")
        for name, change in (
                ("a text", lambda c: c["hooks"][0].update(secrets=[inline.text])),
                ("a key", lambda c: c["hooks"][0].update(secrets=[{"value": inline.text}])),
                ("a number of keys", lambda c: c["hooks"][0].update(secrets=[{"file": "/x", "secret": inline.text}])),
                ("for the token", lambda c: c["repositories"][0].update(token=inline.text)),
                ("in a URL", lambda c: c["repositories"][0].update(url=f"https://ada:{inline.quoted()}@127.0.0.1:1/x.git")),
                ("in a wrong URL", lambda c: c["repositories"][0].update(url=f"htps://ada:{inline.text}@127.0.0.1/x.git"))):
            with self.subTest(name):
                changed = json.loads(json.dumps(self.daemon.config))
                change(changed)
                changed["hooks"].append({"name": "forge"})  # whatever the loader thinks of the first, this one is wrong
                self.daemon.file.write_text(yaml.dump(changed))
                refusals = self.daemon.program.log.read_text(errors="replace").count("is refused")
                self.daemon.program.signal(signal.SIGHUP)
                self.daemon.program.wait_until(
                    lambda: self.daemon.program.log.read_text(errors="replace").count("is refused") > refusals, "it is refused")
                for command in ([gitopsd.DAEMON, "--check-config", "--config", self.daemon.file],
                                [gitopsd.CTL, "validate", self.daemon.file]):
                    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                          env=self.daemon.program.env, timeout=20)
                    self.assertNotEqual(done.returncode, 0)
                    self.said.append((Path(command[0]).name + " of a bad configuration: " + name, done.stdout))
        self.daemon.file.write_text(good)

    def changed_by_hand(self) -> None:
        by_hand = self.new("written by hand")
        declared = (self.target / "text").read_text()
        (self.target / "text").write_text(by_hand.text)
        self.daemon.wait_file(self.target / "text", declared)
        (self.target / "source").unlink()
        (self.target / "source").write_text(by_hand.text)
        wait.until(lambda: by_hand.text not in (self.target / "source").read_text(), "the other is put back")

    def rolled_back(self) -> None:
        self.ctl("rollback", "web")
        wait.until(lambda: (s := self.daemon.status())["quarantined"] and s["phase"] == "idle", "the rollback is done")
        self.ctl("plan", "web")

    # ---- the search

    def ctl(self, *arguments: str) -> None:
        for form in ("text", "json"):
            done = subprocess.run([gitopsd.CTL, "--socket", self.daemon.socket, "--output", form, *arguments],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            self.said.append((f"gitopsctl {' '.join(arguments)}", done.stdout))
            if arguments[0] in ("rollback",):
                return

    def ask_everything(self) -> None:
        """Every path of the API, and every command that shows something."""
        paths = ["/v1/version", "/v1/status", "/v1/hooks", "/v1/repositories", "/v1/destinations", "/v1/audit?limit=1000",
                 "/v1/events?limit=500"]
        for name in ("web", "over-ssh", "held"):
            paths += [f"/v1/applications/{name}{more}" for more in ("", "/syncs?limit=500", "/inventory")]
        events = self.daemon.events()
        syncs = {sync["id"] for name in ("web", "over-ssh", "held")
                 for sync in self.daemon.get(f"/v1/applications/{name}/syncs?limit=500")["syncs"]}
        paths += [f"/v1/events/{event['id']}" for event in events] + [f"/v1/syncs/{sync}" for sync in syncs]
        for path in paths:
            self.said.append((path, json.dumps(self.daemon.get(path), ensure_ascii=False).encode()))
        for name in ("web", "over-ssh", "held"):
            answer = self.daemon.api("POST", f"/v1/applications/{name}/plan", {})
            self.said.append((f"plan of {name}", json.dumps(answer, ensure_ascii=False).encode()))
        link = gitopsd.UnixConnection(self.daemon.socket, 30)
        link.request("GET", f"/v1/progress?until=event:{events[-1]['id']}")
        self.said.append(("/v1/progress", link.getresponse().read()))
        link.close()
        for arguments in (["status"], ["events"], ["hooks"], ["audit"], ["audit", "--verify"], ["show", str(events[0]["id"])],
                          ["plan", "web"], ["plan", "held"], ["validate", str(self.checkout.directory)]):
            self.ctl(*arguments)
        for path in ("/healthz", "/readyz", "/metrics"):
            link = gitopsd.http.client.HTTPConnection("127.0.0.1", self.daemon.metrics_port, timeout=10)
            link.request("GET", path)
            self.said.append((path, link.getresponse().read()))
            link.close()

    def leaks(self) -> list[str]:
        found = []
        for where, content in self.said:
            found += canary.found_in(self.canaries, where, content)
        found += canary.found_in(self.canaries, "the log", self.daemon.program.log.read_bytes())
        for line in self.watch.command_lines:
            found += canary.found_in(self.canaries, "a command line", line)
        for environment in self.watch.environments:
            found += canary.found_in(self.canaries, "a child's environment", environment)
        for path in (self.daemon.directory / "state").rglob("*"):
            if not path.is_file() or path.is_symlink():
                continue
            # Digests are not looked for here: Git's own ids of the repository's files stand beside the files themselves.
            found += canary.found_in(self.canaries, str(path), path.read_bytes(), digests=False)
        return found

    def test_promise_12_canaries(self):
        """promise 12: of secrets everywhere where one can be, none is found in store, logs, answers, plans, command lines or digests"""
        keys = self.keys.checkout.commit({"web/a.yaml": manifest.file(self.folder / "over-ssh" / "a", "a\n")})
        self.keys.checkout.push()
        body = github.push_body("example/keys", keys)
        answer = self.daemon.post(body, github.headers(self.previous.text, body))
        self.daemon.wait_ended(answer.json["event"])
        self.assertEqual((self.folder / "over-ssh" / "a").read_text(), "a\n")
        self.documents_come_and_go()
        self.ask_everything()
        self.bad_pushes()
        self.bad_deliveries()
        self.bad_configurations()
        self.changed_by_hand()
        self.rolled_back()
        self.ask_everything()
        # The search itself must be able to find: what is no secret is where the secrets would be.
        log, public = self.daemon.program.log.read_bytes(), Canary("no secret", b"+plain")
        self.assertTrue(canary.found_in([public], "answers", b"".join(content for _, content in self.said)))
        self.assertIn(b"request refused", log)
        self.assertTrue(any(b"/usr/bin/ssh" in line for line in self.watch.command_lines), "ssh was seen while it ran")
        self.assertTrue(any(b"LANG=C.UTF-8" in content for content in self.watch.environments), "and the provider")
        self.assertEqual(self.leaks(), [])
        self.assertEqual(self.daemon.program.stop(), 0)
        self.assertEqual(self.leaks(), [], "after the stop, too")


class CoreDump(Scene):
    """Whoever is root reads every process. What is asked for here is that no crash writes secrets to a disk."""

    # Root sees through what is shown here, so that nobody has that right in these tests.
    PLAIN = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "--"] if os.geteuid() == 0 else []

    def configure(self):
        self.daemon.program.cwd = self.folder
        self.daemon.program.command = self.PLAIN + self.daemon.program.command

    def secretive(self, pid: int) -> bool:
        """Whether the kernel keeps the process's memory from others of its user, which is also what keeps it from core files."""
        done = subprocess.run([*self.PLAIN, "sh", "-c", f": < /proc/{pid}/mem"], capture_output=True, text=True)
        self.assertTrue(done.returncode == 0 or "Permission denied" in done.stderr, done)
        return done.returncode != 0

    def dumps(self, pid: int) -> bool:
        """Ends a child of ours by an abort, its limit on core files lifted where that may be; whether one was written."""
        subprocess.run(["prlimit", f"--pid={pid}", "--core=unlimited"], stderr=subprocess.DEVNULL)
        os.kill(pid, signal.SIGABRT)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self.assertEqual(ended.si_status & 0x7f, signal.SIGABRT)
        return ended.si_code == os.CLD_DUMPED

    def test_promise_12_no_core_dump(self):
        """promise 12: neither the daemon nor its provider leaves a core dump, whatever the limits are"""
        plain = subprocess.Popen([*self.PLAIN, "cat"], cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        plain.stdin.write(b"x")
        plain.stdin.flush()
        plain.stdout.read(1)
        self.assertFalse(self.secretive(plain.pid))
        self.assertTrue(self.dumps(plain.pid), "this machine writes no core dumps, so that nothing can be shown here")
        plain.communicate()

        provider = subprocess.Popen([*self.PLAIN, gitopsd.PROVIDER], cwd=self.folder, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocols": [1], "destination": "here", "stateDirectory": str(self.folder / "provider")}})
        provider.stdin.write(f"Content-Length: {len(hello)}\r\n\r\n{hello}".encode())
        provider.stdin.flush()
        self.assertTrue(provider.stdout.read(1), "it answers")
        self.assertTrue(self.secretive(provider.pid), "the provider")
        self.assertFalse(self.dumps(provider.pid), "the provider")
        provider.communicate()

        self.converge({"one": "1\n"})
        self.assertTrue(self.secretive(self.daemon.program.pid), "the daemon")
        self.assertFalse(self.dumps(self.daemon.program.pid), "the daemon")
        self.daemon.program.kill()
