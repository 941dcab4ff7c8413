"""Promise 7: bad input gets an error that says where and what to do, fails its event, and harms nothing else."""
import http.server
import socket
import threading
from pathlib import Path

from lib import git, git_server, github, gitopsd, hostile, manifest, wait
from lib.case import Scene

MEGABYTE = 1 << 20


class Neighbour(Scene):
    """A second repository, whose owner means harm, beside the one of Scene, which must not notice."""

    def configure(self):
        self.evil_folder = self.folder / "evil"
        self.evil_folder.mkdir()
        config = self.daemon.config
        config["hooks"][0]["repositories"].append("evil")
        config["repositories"].append({"name": "evil", "url": self.evil_url(), "aliases": ["example/evil"], "poll": "0s",
                                       **self.evil_settings()})
        config["applications"].append({**self.daemon.application, "name": "evil", "repository": "evil",
                                       "policy": {"paths": [str(self.evil_folder)]}})
        self.round = 0

    def evil_url(self) -> str:
        raise NotImplementedError

    def evil_settings(self) -> dict:
        return {}

    def deliver_evil(self, commit: str) -> int:
        body = github.push_body("example/evil", commit)
        answer = self.daemon.post(body, github.headers(gitopsd.SECRET, body))
        self.assertEqual(answer.status, 202, answer.body)
        return answer.json["event"]

    def neighbour_converges(self) -> None:
        self.round += 1
        self.converge({"one": f"{self.round}\n"})

    def peak(self) -> int:
        """Bytes of memory that the daemon has ever had at once since `forget_peak`."""
        status = Path(f"/proc/{self.daemon.program.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def forget_peak(self) -> int:
        """Resident now."""
        Path(f"/proc/{self.daemon.program.pid}/clear_refs").write_text("5")
        return self.peak()


class Hostile(Neighbour):
    def evil_url(self) -> str:
        self.evil = git.Origin(self.folder / "git", "evil")
        self.author = hostile.Author(self.evil.directory)
        server = git_server.HttpServer(self.folder / "git")
        self.addCleanup(server.stop)
        return f"{server.url}/evil.git"

    def good_document(self, name: str = "good") -> str:
        return manifest.file(self.evil_folder / name, "good\n")

    def web(self, *entries: tuple[str, str, str]) -> str:
        """A commit whose web/ holds these and a good document."""
        good = ("100644", "good.yaml", self.author.blob(self.good_document()))
        return self.author.commit(self.author.tree([("40000", "web", self.author.tree([good, *entries]))]))

    def document(self, text: str | bytes, name: str = "bad.yaml") -> str:
        return self.web(("100644", name, self.author.blob(text)))

    def setUp(self):
        super().setUp()
        first = self.web()
        self.assertEqual(self.daemon.wait_ended(self.deliver_evil(first))["state"], "succeeded")

    def assert_refused(self, commit: str, place: str, extra: int = 48 * MEGABYTE, seconds: float = 60) -> dict:
        """Its event fails with an error that has the commit and matches `place`; memory stays; the neighbour is served."""
        resident = self.forget_peak()
        event = self.daemon.wait_ended(self.deliver_evil(commit), seconds)
        self.assertEqual(event["state"], "failed", event)
        self.assertIn(commit[:7], event["error"])
        self.assertRegex(event["error"], place)
        self.assertLess(self.peak() - resident, extra)
        self.assertEqual((self.evil_folder / "good").read_text(), "good\n", "what was good stays")
        self.neighbour_converges()
        return event

    def test_promise_07_documents(self):
        """promise 7: bombs, depth, duplicate keys, bytes that are no text and the like are refused with commit, file, line and column"""
        bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
        deep = manifest.yaml.dump(manifest.document("File", "deep", path=f"{self.evil_folder}/deep", content="x"))
        head = "apiVersion: host.gitopsd.io/v1\nkind: File\nmetadata: {name: bad}\n"
        outside = manifest.file(Path(f"{self.evil_folder}/../../../etc/gitopsd-test"), "x")
        up = manifest.yaml.dump(manifest.document("File", "up", path=f"{self.evil_folder}/up", source="../../../../etc/passwd"))
        for name, text, place in (
                ("alias bomb", bomb, r"web/bad\.yaml:\d+:\d+"),
                ("an alias of itself", head + "spec: &a [*a]\n", r"web/bad\.yaml:4:\d+"),
                ("nested in flow", deep + "extra: " + "[" * 100_000 + "\n", r"web/bad\.yaml:\d+:\d+"),
                ("nested in blocks", "".join(" " * n + "a:\n" for n in range(400)), r"web/bad\.yaml:\d+:\d+"),
                ("duplicate keys", head + "spec:\n  path: /x\n  mode: '0644'\n  path: /y\n", r"web/bad\.yaml:7:3"),
                ("not UTF-8", head.encode() + b"spec:\n  content: \xff\xfe\n", r"web/bad\.yaml:5:\d+"),
                ("NUL", head.encode() + b"spec:\n  content: a\0b\n", r"web/bad\.yaml:5:\d+"),
                ("a path with ..", outside, r"web/bad\.yaml:\d+:\d+"),
                ("a source with ..", up, r"web/bad\.yaml:\d+:\d+"),
                ("no mapping", "- a\n- b\n", r"web/bad\.yaml:1:1")):
            with self.subTest(name):
                self.assert_refused(self.document(text), place)
        self.assertFalse(Path("/etc/gitopsd-test").exists())
        # All problems of all files are told at once.
        commit = self.web(*(("100644", f"bad-{n}.yaml", self.author.blob("a: 1\na: 2\n")) for n in range(3)))
        event = self.assert_refused(commit, r"bad-0\.yaml:2:1")
        for number in range(3):
            self.assertIn(f"bad-{number}.yaml:2:1", event["error"])

    def test_promise_07_trees(self):
        """promise 7: links in circles and names that lead out of the tree are refused with commit and path"""
        link = self.author.blob("loop.yaml")
        submodule = self.author.commit(self.author.tree([]))
        inner = self.author.tree([("100644", "x.yaml", self.author.blob(self.good_document("x")))])
        for name, entry, place in (
                ("a link to itself", ("120000", "loop.yaml", link), r"web/loop\.yaml"),
                ("a folder named ..", ("40000", "..", inner), r"web/?.*\.\."),
                ("a folder named .git", ("40000", ".git", inner), r"web/?.*\.git"),
                ("a name with a slash", ("100644", "a/b.yaml", link), "web"),
                ("a submodule", ("160000", "module", submodule), "web/module")):
            with self.subTest(name):
                self.assert_refused(self.web(entry), place)
        folder = self.author.tree([("120000", "web", self.author.blob("web"))])
        self.assert_refused(self.author.commit(folder), "web")

    def test_promise_07_a_gigabyte(self):
        """promise 7: a file of 1 GB, as manifest and as content, is refused by its size in bounded memory"""
        huge = self.author.zeros(1 << 30)
        self.assert_refused(self.web(("100644", "huge.yaml", huge)), r"web/huge\.yaml", 96 * MEGABYTE, 120)
        source = manifest.yaml.dump(manifest.document("File", "huge", path=f"{self.evil_folder}/huge", source="huge.bin"))
        commit = self.web(("100644", "huge.bin", huge), ("100644", "bad.yaml", self.author.blob(source)))
        self.assert_refused(commit, r"huge\.bin", 96 * MEGABYTE)

    def test_promise_07_too_many_files(self):
        """promise 7: more than 100,000 files are refused, as are 50,000 that are all wrong, in bounded memory and time"""
        tree = self.author.many_files("web", 100_001, "a: 1\n")
        self.assert_refused(self.author.commit(tree), r":web: more than 100000 manifests", 128 * MEGABYTE, 60)
        tree = self.author.many_files("web", 50_000, "a: 1\n")
        event = self.assert_refused(self.author.commit(tree), r"web/d000/f0\.yaml:1:1", 96 * MEGABYTE, 60)
        self.assertLess(len(event["error"]), 100_000)


class Servers(Neighbour):
    """Five repositories on servers that never answer in time, each of which may cost one thread until its deadline."""

    NUMBER = 5
    DEADLINE = 10

    def evil_url(self) -> str:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.05)
        self.links: list[socket.socket] = []
        self.asked = 0
        self.ending = threading.Event()
        server = threading.Thread(target=self.serve, daemon=True)
        server.start()
        self.addCleanup(server.join)
        self.addCleanup(self.ending.set)
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/evil.git"

    def evil_settings(self) -> dict:
        (self.folder / "token").write_text("a token for one server\n")
        return {"user": "bot", "token": {"file": str(self.folder / "token")}, "connect_timeout": f"{self.DEADLINE}s",
                "idle_timeout": f"{self.DEADLINE}s", "total_timeout": f"{self.DEADLINE}s"}

    def configure(self):
        super().configure()
        config = self.daemon.config
        self.names = ["evil"] + [f"evil-{n}" for n in range(1, self.NUMBER)]
        for name in self.names[1:]:
            config["hooks"][0]["repositories"].append(name)
            config["repositories"].append({**config["repositories"][1], "name": name, "aliases": [f"example/{name}"]})
            config["applications"].append({**config["applications"][1], "name": name, "repository": name})

    def serve(self) -> None:
        """Accepts and, every second time, drips one byte at a time of an answer that never ends."""
        while not self.ending.is_set():
            for number, link in enumerate(list(self.links)):
                try:
                    link.send(b"H" if number % 2 else b"")
                except OSError:
                    self.links.remove(link)
            try:
                self.links.append(self.listener.accept()[0])
                self.asked += 1
            except TimeoutError:
                pass
        for link in [*self.links, self.listener]:
            link.close()

    def test_promise_07_silent_and_dripping_servers(self):
        """promise 7: five Git servers that say nothing, or drip, delay nobody else, and each costs its deadline"""
        self.neighbour_converges()
        threads = len(list(Path(f"/proc/{self.daemon.program.pid}/task").iterdir()))
        # The looks at the start are over, too: until then a repository is asked nothing else.
        wait.until(lambda: all(one["error"] for one in self.daemon.get("/v1/repositories")["repositories"] if one["name"] in self.names),
                   "each was looked at in vain")
        events, links = [], self.asked
        for name in self.names:
            body = github.push_body(f"example/{name}", "1" * 40)
            events.append(self.daemon.post(body, github.headers(gitopsd.SECRET, body)).json["event"])
        wait.until(lambda: self.asked >= links + self.NUMBER, "all five are asked at once", 10)
        commit = self.commit({"one": "in spite of them\n"})
        self.daemon.accept(commit)
        self.daemon.wait_file(self.target / "one", "in spite of them\n", self.DEADLINE)
        self.assertTrue(any(self.daemon.event(event)["attempts"] == 0 for event in events), "they were still being asked")
        # Those who wait are not those who work: as much as all that is busy with the neighbour may be added.
        self.assertLessEqual(len(list(Path(f"/proc/{self.daemon.program.pid}/task").iterdir())), threads + self.NUMBER + 4)
        for event in events:
            shown = wait.until(lambda: (e := self.daemon.event(event))["error"] and e, "its deadline passes", 60)
            self.assertIn("127.0.0.1", shown["error"])
            self.assertGreaterEqual(shown["attempts"], 1)


class Redirect(Neighbour):
    def evil_url(self) -> str:
        """A server that sends everybody elsewhere, and one elsewhere that takes down what it is told."""
        told = self.told = []

        class Elsewhere(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                told.append(str(self.headers))
                self.send_error(404)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        elsewhere = self.start_server(Elsewhere)

        class Here(Elsewhere):
            def do_GET(self):
                self.send_response(302)
                self.send_header("Location", f"{elsewhere}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET

        return f"{self.start_server(Here)}/evil.git"

    def start_server(self, handler) -> str:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}"

    def evil_settings(self) -> dict:
        (self.folder / "token").write_text("a token for one server\n")
        return {"user": "bot", "token": {"file": str(self.folder / "token")}}

    def test_promise_07_redirect(self):
        """promise 7: a Git server that redirects elsewhere is refused by name, and elsewhere is told nothing"""
        event = self.daemon.wait_ended(self.deliver_evil("1" * 40))
        self.assertEqual(event["state"], "failed")
        self.assertRegex(event["error"], "redirect")
        self.assertEqual(self.told, [])
        self.neighbour_converges()
