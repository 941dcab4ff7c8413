"""Nothing makes a hook run twice or never: neither the death of the daemon at any instant, nor that of its provider."""
import os
import signal
import time

from lib import wait
from lib.cluster_case import config_map
from lib.hook_case import HookScene, deployment, hook
from lib.kubernetes_provider import Provider


class Crashes(HookScene):
    def restart(self) -> None:
        self.daemon.program.kill()
        self.daemon.start()

    def test_daemon_while_it_runs(self):
        """kill -9 of the daemon while hooks run: each goes on, and none runs twice"""
        first, last, settings = hook("first", "pre-sync", "succeeded"), hook("last", "post-sync"), config_map("settings", {"k": "1"})
        event = self.begin(first, last, settings)
        uid = self.wait_run(first)
        self.restart()
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "it is waited for again")
        self.assertEqual(self.live(first)["metadata"]["uid"], uid)
        self.daemon.program.kill()
        self.finish(first)
        self.daemon.start()
        self.wait_run(last)
        self.wait_gone(first)
        self.restart()
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "the last is waited for again")
        self.finish(last)
        self.ended(event)
        self.assertEqual((self.runs(first), self.runs(last)), (1, 1))
        self.assertEqual(self.live(settings)["data"], {"k": "1"})

    def test_daemon_while_it_fails(self):
        """kill -9 of the daemon while the hook for a failure runs: what failed is not tried again"""
        first, alarm = hook("first", "pre-sync"), hook("alarm", "sync-fail")
        event = self.begin(first, alarm, config_map("settings", {"k": "1"}))
        self.wait_run(first)
        self.finish(first, False, "no")
        self.wait_run(alarm)
        self.restart()
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "it is waited for again")
        self.finish(alarm)
        self.assertIn("no", self.ended(event, "failed")["error"])
        self.assertEqual((self.runs(first), self.runs(alarm)), (1, 1))

    def test_daemon_at_any_instant_of_a_failure(self):
        """kill -9 of the daemon at any instant after a failure: the hook for it runs once, nothing else does, and the sync fails"""
        for number, seconds in enumerate((0, 0.01, 0.02, 0.05, 0.1, 0.2)):
            with self.subTest(seconds=seconds):
                goes = number % 2 == 0
                first, last = hook(f"first{number}", "pre-sync"), hook(f"last{number}", "post-sync")
                alarm = hook(f"alarm{number}", "sync-fail", "succeeded" if goes else "")
                settings = config_map(f"settings{number}", {"k": "1"})
                event = self.begin(first, alarm, last, settings)
                self.wait_run(first)
                self.finish(first, False, "no such table")
                time.sleep(seconds)  # the instant is the experiment, not a wait for something
                self.restart()
                self.wait_run(alarm)
                self.daemon.program.kill()
                self.finish(alarm)
                self.daemon.start()
                self.assertIn("no such table", self.ended(event, "failed")["error"])
                self.assertEqual([self.runs(each) for each in (first, alarm, last)], [1, 1, 0])
                self.assertFalse(self.there(settings))
                if goes:
                    self.wait_gone(alarm)

    def test_daemon_before_what_fails(self):
        """kill -9 of the daemon while what was applied is waited for, which degrades then: the hook for that runs once"""
        web, alarm = deployment("web"), hook("alarm", "sync-fail")
        event = self.begin(web, alarm)
        self.wait_live(web, lambda found: True, "it is applied")
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "its health is waited for")
        self.daemon.program.kill()
        self.degrade(web)
        self.daemon.start()
        self.run_well(alarm)
        self.assertIn("is Degraded: ProgressDeadlineExceeded: too slow", self.ended(event, "failed")["error"])
        self.assertEqual(self.runs(alarm), 1)

    def test_daemon_with_nothing_to_fail(self):
        """a sync that was cut off and ends well runs no hook for failures"""
        web, alarm = deployment("web"), hook("alarm", "sync-fail")
        event = self.begin(web, alarm)
        self.wait_live(web, lambda found: True, "it is applied")
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "its health is waited for")
        self.daemon.program.kill()
        self.cluster.make_available(self.placed(web))
        self.daemon.start()
        self.ended(event)
        self.assertEqual(self.runs(alarm), 0)

    def test_provider_while_it_runs(self):
        """kill -9 of the provider while a hook runs: it goes on, and does not run twice"""
        first, settings = hook("first", "pre-sync"), config_map("settings", {"k": "1"})
        event = self.begin(first, settings)
        uid = self.wait_run(first)
        os.kill(self.provider(), signal.SIGKILL)
        self.finish(first)
        self.ended(event)
        self.assertEqual((self.runs(first), self.live(first)["metadata"]["uid"]), (1, uid))
        self.assertEqual(self.live(settings)["data"], {"k": "1"})

    def test_daemon_at_any_instant(self):
        """kill -9 of the daemon at any instant of a sync with hooks: every hook runs once"""
        for number, seconds in enumerate((0.02, 0.05, 0.08, 0.12, 0.2)):
            with self.subTest(seconds=seconds):
                first, last = hook(f"first{number}", "pre-sync", "succeeded"), hook(f"last{number}", "post-sync", "succeeded")
                settings = config_map("settings", {"k": str(number)})
                event = self.begin(settings, first, last)
                try:
                    wait.until(lambda: False, "an instant passes", seconds)
                except wait.NeverHappened:
                    pass
                self.restart()
                self.run_well(first)
                wait.until(lambda number=number: self.there(settings) and self.live(settings)["data"] == {"k": str(number)}, "applied")
                self.daemon.program.kill()
                self.daemon.start()
                self.run_well(last)
                self.ended(event)
                self.assertEqual((self.runs(first), self.runs(last)), (1, 1))

    def test_ends_are_told_first(self):
        """what a hook is not to leave goes when the daemon says that it knows the end, not before; a run asked for again is the same"""
        provider = Provider(self.cluster, [self.space])
        self.addCleanup(provider.kill)
        first = self.placed(hook("alone", "pre-sync", "succeeded"))
        entries = provider.converge([first])
        uid = self.wait_run(first)
        self.assertEqual(provider.converge([first])[0], entries[0])
        identity = entries[0]["id"]
        self.assertEqual(provider.observe(entries, watch=True)[identity]["health"], "progressing")
        self.finish(first)
        for _ in range(2):
            told = wait.until(lambda: (seen := provider.observe(entries, watch=True)[identity])["health"] == "healthy" and seen, "its end")
        self.assertEqual((self.live(first)["metadata"]["uid"], told["drift"]), (uid, "no"))
        entries[0]["owned"]["receipt"] = told["receipt"]
        provider.observe(entries)
        self.wait_gone(first)
        provider.stop()
