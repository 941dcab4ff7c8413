"""Promise 1 and 4: kill -9 at seeded random instants under load loses nothing accepted and leaves the right content.

GITOPSD_KILLS sets how often, GITOPSD_SEED where to begin: a failure prints the seed that replays its round.
"""
import http.client
import os
import random
import signal
import threading
import time
from pathlib import Path

from lib import manifest
from lib.case import Scene

ROUNDS = int(os.environ.get("GITOPSD_KILLS", "200"))
FIRST_SEED = int(os.environ.get("GITOPSD_SEED", "1"))
APPLICATIONS = ("web", "shop", "mail")
FILES = 20


class Load(threading.Thread):
    """Pushes commit after commit, each delivered to the door; remembers what was answered 202."""

    def __init__(self, scene: "Kill", seed: int):
        super().__init__(daemon=True)
        self.scene = scene
        self.random = random.Random(seed)
        self.ending = threading.Event()
        self.accepted: dict[int, int] = {}  # event -> version
        self.wrong: list[str] = []

    def run(self):
        while not self.ending.is_set():
            version, commit = self.scene.push_version(self.random)
            try:
                answer = self.scene.daemon.deliver(commit)
            except (OSError, http.client.HTTPException):
                continue  # no answer, no promise
            if answer.status == 202:
                self.accepted[answer.json["event"]] = version
            elif answer.status != 503:
                self.wrong.append(f"{answer.status} {answer.body}")


class Kill(Scene):
    def configure(self):
        first = self.daemon.config["applications"].pop()
        self.version = 0
        for name in APPLICATIONS:
            (self.target / name).mkdir()
            self.daemon.config["applications"].append(
                {**first, "name": name, "path": name, "policy": {"paths": [str(self.target / name)]}})

    def push_version(self, chance: random.Random) -> tuple[int, str]:
        """Some files of some applications change; every file tells the version that last wrote its application."""
        self.version += 1
        changed = chance.sample(APPLICATIONS, chance.randint(1, len(APPLICATIONS))) if self.version > 1 else APPLICATIONS
        commit = self.checkout.commit({
            f"{name}/all.yaml": manifest.files(
                self.target / name, {f"f{number}": f"{self.version}\n" for number in range(FILES)})
            for name in changed}, f"Version {self.version}")
        self.checkout.push()
        return self.version, commit

    def providers(self) -> list[int]:
        children = Path(f"/proc/{self.daemon.program.pid}/task/{self.daemon.program.pid}/children")
        return [int(pid) for path in children.parents[1].glob("*/children") for pid in path.read_text().split()]

    def cut(self, chance: random.Random) -> str:
        """Kills the daemon or, now and then, its provider."""
        victim = chance.choice(("daemon", "daemon", "daemon", "provider"))
        if victim == "provider":
            for pid in self.providers():
                os.kill(pid, signal.SIGKILL)
        else:
            self.daemon.program.kill()
            self.daemon.start()
        return victim

    def test_kill(self):
        """every event answered 202 before a kill -9 ends, and the files hold what the commits say"""
        for seed in range(FIRST_SEED, FIRST_SEED + ROUNDS):
            with self.subTest(seed=seed):
                self.round(seed)

    def round(self, seed: int) -> None:
        chance = random.Random(seed)
        load = Load(self, seed)
        load.start()
        try:
            # The instant of the kill is the experiment, not a wait for something.
            time.sleep(chance.uniform(0.0, 0.3))
            victim = self.cut(chance)
        finally:
            load.ending.set()
            load.join()
        self.assertEqual(load.wrong, [])
        for event in load.accepted:
            state = self.daemon.wait_ended(event, 60)
            self.assertIn(state["state"], ("succeeded", "superseded"), f"seed {seed}, {victim} killed: {state}")
        last, commit = self.push_version(chance)
        self.daemon.push_and_wait(commit)
        for name in APPLICATIONS:
            declared = self.checkout.git("show", f"{commit}:{name}/all.yaml")
            for number in range(FILES):
                content = (self.target / name / f"f{number}").read_text()
                self.assertIn(f'content: "{content.strip()}\\n"', declared, f"seed {seed}: {name}/f{number} holds {content!r}")
            self.assertEqual(len(list((self.target / name).iterdir())), FILES, f"seed {seed}: something was left in {name}")
