"""Promise 1: what was answered 202 is on disk and ends; the same delivery is one event; a redelivery of a failed one is a new try.

Crashes, power cuts and full disks are tests/integration/faults and tests/integration/powercut.
"""
import concurrent.futures
import sqlite3
import uuid

from lib.case import Scene


class Accepted(Scene):
    def stored(self) -> set[int]:
        """Numbers of the events in the database, read past the daemon."""
        database = sqlite3.connect(f"file:{self.daemon.directory}/state/gitopsd.db?mode=ro", uri=True)
        rows = database.execute("SELECT id FROM events").fetchall()
        database.close()
        return {row[0] for row in rows}

    def test_promise_01_stored_before_its_answer(self):
        """promise 1: whenever a 202 comes, its event can already be read from the database file; killed at once, it still ends"""
        for number in range(20):
            event = self.daemon.accept(self.commit({"one": f"{number}\n"}))
            self.assertIn(event, self.stored())
        self.daemon.program.kill()
        self.daemon.start()
        for event in self.daemon.events():
            self.assertIn(self.daemon.wait_ended(event["id"])["state"], ("succeeded", "superseded"))
        self.assert_files({"one": "19\n"})

    def test_promise_01_the_same_delivery(self):
        """promise 1: a delivery that comes 100 times, from many sides and after a restart, is one event"""
        commit, delivery = self.commit({"one": "1\n"}), str(uuid.uuid4())
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: self.daemon.deliver(commit, delivery=delivery).status, range(100)))
        self.assertEqual(sorted(answers), [200] * 99 + [202])
        self.daemon.wait_ended(self.pushes()[0]["id"])
        self.daemon.program.kill()
        self.daemon.start()
        self.assertEqual(self.daemon.deliver(commit, delivery=delivery).status, 200)
        self.assertEqual(len(self.pushes()), 1)

    def pushes(self) -> list[dict]:
        """Without what the look at a start finds by itself."""
        return [event for event in self.daemon.events() if event["cause"] == "push"]

    def test_promise_01_redelivery_of_a_failed_event(self):
        """promise 1: a redelivery of an event that failed queues it again, and does nothing to one that succeeded"""
        missing, delivery = "1" * 40, str(uuid.uuid4())
        self.converge({"one": "1\n"})
        answer = self.daemon.deliver(missing, delivery=delivery)
        event = answer.json["event"]
        self.assertEqual(self.daemon.wait_ended(event)["state"], "failed")
        again = self.daemon.deliver(missing, delivery=delivery)
        self.assertEqual((again.status, again.json["event"]), (202, event))
        ended = self.daemon.wait_ended(event)
        self.assertEqual(ended["state"], "failed")
        self.assertEqual(len(self.pushes()), 2)
