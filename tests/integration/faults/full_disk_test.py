"""Promise 1: a full disk is told to the forge, and loses nothing that was accepted."""
import http.client
import uuid

from lib import namespace
from lib.case import Scene


class FullDisk(Scene):
    def configure(self):
        """Everything that the daemon and its provider keep lies on a small file system of its own."""
        self.space = namespace.Namespace()
        self.addCleanup(self.space.stop)
        state = self.daemon.directory / "state"
        state.mkdir()
        self.space.mount_small(state, "12m")
        self.ballast = self.space.see(state) / "ballast"
        self.daemon.program.command = self.space.command(*self.daemon.program.command)

    def fill(self) -> None:
        with open(self.ballast, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"b" * 4096)
            except OSError:
                pass

    def test_promise_01_full_disk_through_the_door(self):
        """promise 1: on a full disk a delivery is answered 503 with Retry-After; with room again all that was accepted is applied"""
        self.converge({"one": "0\n"})
        accepted, refused = {}, None
        for number in range(1, 500):
            # Whatever the daemon frees by its checkpoints is taken away again.
            self.fill()
            commit = self.commit({"one": f"{number}\n"})
            delivery = str(uuid.uuid4())
            answer = self.daemon.deliver(commit, delivery=delivery)
            if answer.status == 503:
                refused = commit, delivery, f"{number}\n", answer
                break
            self.assertEqual(answer.status, 202, answer.body)
            accepted[answer.json["event"]] = commit
        self.assertIsNotNone(refused, "the disk never became full")
        commit, delivery, content, answer = refused
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.fill()
        self.assertEqual(self.daemon.deliver(commit).status, 503, "and so is the next")
        self.assertEqual(self.daemon.get("/v1/status")["config"], str(self.daemon.file), "whoever asks is answered")
        known = {event["id"]: event["after"] for event in self.daemon.events()}
        self.assertEqual({event: known.get(event) for event in accepted}, accepted, "what was accepted is there")

        self.ballast.unlink()
        again = self.daemon.program.wait_until(
            lambda: (a := self.redeliver(commit, delivery)).status == 202 and a, "the redelivery is accepted")
        self.assertEqual(self.daemon.wait_ended(again.json["event"], 60)["state"], "succeeded")
        self.assert_files({"one": content})
        for event in accepted:
            ended = self.daemon.wait_ended(event, 60)
            self.assertIn(ended["state"], ("succeeded", "superseded"), ended)
        self.assertEqual(self.daemon.get("/v1/status")["events"]["failed"], 0)

    def redeliver(self, commit: str, delivery: str):
        try:
            return self.daemon.deliver(commit, delivery=delivery)
        except http.client.HTTPException as error:
            raise OSError(error) from error
