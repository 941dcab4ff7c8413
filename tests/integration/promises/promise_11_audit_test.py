"""Promise 11: the audit record is append-only and hash-chained; whoever changes it is found out."""
import hashlib
import re
import sqlite3

from lib import wait
from lib.case import Scene


class Audit(Scene):
    def setUp(self):
        super().setUp()
        self.converge({"one": "1\n", "two": "2\n", "three": "3\n"})
        self.converge({"one": "2\n", "two": "2\n"})
        (self.target / "one").write_text("by hand\n")
        self.daemon.wait_file(self.target / "one", "2\n")
        wait.until(lambda: len(self.entries()) == 6, "all is recorded")

    def entries(self) -> list[dict]:
        return self.daemon.get("/v1/audit?limit=1000")["entries"]

    def tamper(self, *statements: str) -> None:
        """As somebody would who has the database file."""
        self.assertEqual(self.daemon.program.stop(), 0)
        database = sqlite3.connect(self.daemon.directory / "state" / "gitopsd.db")
        with database:
            for statement in statements:
                self.assertGreater(database.execute(statement).rowcount, 0, statement)
        database.close()
        self.daemon.start()

    def test_promise_11_says_everything(self):
        """promise 11: each change, heals included, has who, what, when, from which commit and event, and digests before and after"""
        entries = self.entries()
        self.assertEqual([e["entry"]["action"] for e in entries], ["create"] * 3 + ["update", "delete", "update"])
        self.assertEqual([e["entry"]["cause"] for e in entries], ["push"] * 5 + ["drift"])
        changed, deleted, healed = (entry["entry"] for entry in entries[3:])
        for entry in entries[:5]:
            self.assertEqual(entry["entry"]["who"], "ada")
            self.assertTrue(entry["entry"]["event"] and entry["when"])
            self.assertRegex(entry["entry"]["commit"], "^[0-9a-f]{40}$")
        self.assertEqual(changed["before"], next(e["entry"]["after"] for e in entries if e["entry"]["resource"].endswith("/one")))
        self.assertNotEqual(changed["before"], changed["after"])
        self.assertEqual(healed["after"], changed["after"])
        self.assertNotIn("after", deleted)
        before = "0" * 64
        for entry in self.raw():
            before = hashlib.sha256(f"{before} {entry[0]} {entry[1]} {entry[2]}".encode()).hexdigest()
            self.assertEqual(entry[3], before, "anybody can compute the chain")

    def raw(self) -> list[tuple]:
        database = sqlite3.connect(f"file:{self.daemon.directory}/state/gitopsd.db?mode=ro", uri=True)
        rows = database.execute("SELECT sequence, at, entry, lower(hex(hash)) FROM audit ORDER BY sequence").fetchall()
        database.close()
        return rows

    def test_promise_11_tampering_is_seen(self):
        """promise 11: gitopsctl audit --verify names the entry that was changed, moved, taken out or cut off"""
        self.daemon.ctl("audit", "--verify")
        for what, entry, statements in (
                ("changed", 5, ["UPDATE audit SET entry = replace(entry, 'ada', 'bob') WHERE sequence = 5"]),
                ("moved in time", 4, ["UPDATE audit SET at = at + 1 WHERE sequence = 4"]),
                ("taken out", 3, ["DELETE FROM audit WHERE sequence = 3"]),
                ("the first taken out", 1, ["DELETE FROM audit WHERE sequence = 1"])):
            with self.subTest(what):
                self.tamper(*statements)
                self.assertIn(f"from entry {entry} ", self.daemon.ctl("audit", "--verify", expect=1))

    def test_promise_11_cut_off(self):
        """promise 11: entries that are cut off at the end are missed"""
        self.tamper("DELETE FROM audit WHERE sequence > 4")
        self.assertIn("from entry 5 ", self.daemon.ctl("audit", "--verify", expect=1))

    def test_promise_11_heads_are_in_the_log(self):
        """promise 11: the chain's head goes to the log, so that a record which was written anew from its beginning is found out, too"""
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        head = self.entries()[-1]
        wait.until(lambda: any(head["hash"] in line and str(head["sequence"]) in line for line in
                               re.findall(r"audit head.*", self.daemon.program.log.read_text())), "the log has the head")
        said = re.findall(r"audit head.*", self.daemon.program.log.read_text())
        rows, before = self.raw(), "0" * 64
        forged = []
        for sequence, at, entry, _ in rows:
            entry = entry.replace("ada", "bob")
            before = hashlib.sha256(f"{before} {sequence} {at} {entry}".encode()).hexdigest()
            forged.append(f"UPDATE audit SET entry = '{entry}', hash = x'{before}' WHERE sequence = {sequence}")
        self.tamper(*forged)
        self.daemon.ctl("audit", "--verify")  # the chain itself is whole
        self.assertFalse(any(self.entries()[-1]["hash"] in line for line in said), "but it is not what the log says")
