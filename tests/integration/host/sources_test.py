"""Real Git servers: passwords, keys, lost webhooks."""
from lib import git_server
from lib.case import Scene


class Password(Scene):
    def configure(self):
        server = git_server.HttpServer(self.folder / "git", "bot", "a token")
        self.addCleanup(server.stop)
        (self.folder / "token").write_text("a token\n")
        self.daemon.config["repositories"][0].update(
            url=f"{server.url}/infra.git", user="bot", token={"file": str(self.folder / "token")})

    def test_token(self):
        """HTTP with a token"""
        self.converge({"one": "1\n"})


class Ssh(Scene):
    def configure(self):
        server = git_server.SshServer(self.folder / "ssh")
        self.addCleanup(server.stop)
        self.daemon.config["repositories"][0].update(
            url=server.url(self.origin.directory), ssh_key={"file": str(server.client_key)},
            known_hosts=str(server.known_hosts))

    def test_key(self):
        """SSH with a key and a known host"""
        self.converge({"one": "1\n"})
        self.converge({"one": "2\n"})


class Poll(Scene):
    def configure(self):
        self.daemon.config["repositories"][0]["poll"] = "1s"

    def test_lost_webhook(self):
        """a push whose webhook was lost is found by polling"""
        self.commit({"one": "1\n"})
        self.daemon.wait_file(self.target / "one", "1\n")
        self.assertEqual([event["cause"] for event in self.daemon.events()], ["poll"])
