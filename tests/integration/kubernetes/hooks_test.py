"""Hooks: when they run, what waits for them and how they end. That no crash makes one run twice or never: hook_crashes_test.py."""
import json

from lib import renderers, wait
from lib.cluster_case import config_map
from lib.hook_case import HookScene, deployment, hook, job


class Times(HookScene):
    def test_order(self):
        """a hook runs before everything else, one among it, one after all is healthy; each is waited for; waves order them"""
        early, first = hook("early", "pre-sync", **{"gitopsd.io/sync-wave": "-1"}), hook("first", "pre-sync")
        among, last = hook("among", "sync", **{"gitopsd.io/sync-wave": "1"}), hook("last", "post-sync")
        settings, web = config_map("settings", {"k": "1"}), deployment("web")
        event = self.begin(last, among, first, early, settings, web)
        self.wait_run(early)
        self.assertFalse(self.there(first))
        self.finish(early)
        self.wait_run(first)
        self.assertFalse(self.there(settings), "nothing is applied before")
        self.finish(first)
        self.wait_live(web, lambda found: True, "the sync goes on")
        self.assertFalse(self.there(among), "a later wave")
        self.cluster.make_available(self.placed(web))
        self.wait_run(among)
        self.assertFalse(self.there(last))
        self.finish(among)
        self.wait_run(last)
        self.assertFalse(self.daemon.event(event)["ended"])
        self.finish(last)
        self.ended(event)
        self.assertEqual([self.runs(each) for each in (early, first, among, last)], [1, 1, 1, 1])

    def test_post_waits_for_health(self):
        """what runs after the sync waits for the Deployment, also after kill -9 of the daemon"""
        web, last = deployment("web"), hook("last", "post-sync")
        event = self.begin(web, last)
        self.wait_live(web, lambda found: True, "it is applied")
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "its health is waited for")
        self.daemon.program.kill()
        self.daemon.start()
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "its health is waited for again")
        self.assertFalse(self.there(last))
        self.cluster.make_available(self.placed(web))
        self.run_well(last)
        self.ended(event)

    def test_only_with_changes(self):
        """hooks run anew with every change, not with none, not to heal, and are no drift"""
        settings, first = config_map("settings", {"k": "1"}), hook("first", "pre-sync")
        event = self.begin(settings, first)
        uid = self.run_well(first)
        self.ended(event)
        self.assertIn("a hook, before the sync", self.daemon.ctl("plan", "web", "--revision", self.push(
            config_map("settings", {"k": "2"}), first)))
        self.ended(self.begin(settings, first))  # the same again
        self.daemon.act("/v1/applications/web/sync")
        wait.until(lambda: self.daemon.events()[0]["ended"], "a sync by hand that finds nothing")
        self.assertEqual(self.live(first)["metadata"]["uid"], uid)
        self.cluster.patch(self.placed(settings), {"data": {"k": "by hand"}})
        self.wait_live(settings, lambda found: found["data"] == {"k": "1"}, "it is put back")
        self.cluster.delete(self.placed(first))
        self.wait_idle()
        self.assertEqual((self.runs(first), self.daemon.status()["status"]), (1, "synced"))
        event = self.begin(config_map("settings", {"k": "2"}), first)
        self.run_well(first)
        self.ended(event)
        self.assertEqual(self.runs(first), 2)

    def test_left_out_later(self):
        """a hook that leaves the repository leaves the cluster, and what is not ours is not replaced by one"""
        settings, first = config_map("settings", {"k": "1"}), hook("first", "post-sync")
        event = self.begin(settings, first)
        self.run_well(first)
        self.ended(event)
        self.sync(settings)
        self.wait_gone(first)
        self.cluster.apply(self.placed(job("theirs")))
        failed = self.sync(settings, hook("theirs", "pre-sync"), state="failed")
        self.assertIn("exists and is not ours: a hook does not replace it", failed["error"])


class Failures(HookScene):
    def test_before_the_sync(self):
        """a hook that fails before the sync stops it with its message; nothing of it is applied; the next push runs it anew"""
        settings, first, alarm = config_map("settings", {"k": "1"}), hook("first", "pre-sync"), hook("alarm", "sync-fail")
        event = self.begin(settings, first, alarm)
        uid = self.wait_run(first)
        self.finish(first, False, "Job has reached the specified backoff limit")
        self.run_well(alarm)
        failed = self.ended(event, "failed")
        self.assertIn(f"the hook Job.batch/{self.space}/first failed: BackoffLimitExceeded: Job has reached", failed["error"])
        self.assertFalse(self.there(settings))
        event = self.begin(config_map("settings", {"k": "2"}), first, alarm)
        self.run_well(first, uid)
        self.ended(event)
        self.assertEqual((self.runs(first), self.runs(alarm)), (2, 1))
        self.assertEqual(self.live(settings)["data"], {"k": "2"})

    def test_after_a_failed_sync(self):
        """a hook for failures runs when what was applied is degraded; the next try goes on with what is left"""
        web, first = deployment("web"), hook("first", "pre-sync")
        alarm, last = hook("alarm", "sync-fail"), hook("last", "post-sync")
        event = self.begin(web, first, alarm, last)
        self.run_well(first)
        self.wait_live(web, lambda found: True, "it is applied")
        self.degrade(web)
        self.run_well(alarm)
        self.assertIn("is Degraded: ProgressDeadlineExceeded: too slow", self.ended(event, "failed")["error"])
        self.assertFalse(self.there(last))
        self.cluster.make_available(self.placed(web))
        self.daemon.act("/v1/applications/web/sync")
        self.run_well(last)
        wait.until(lambda: self.daemon.events()[0]["ended"], "the sync by hand ends")
        self.assertEqual(self.daemon.events()[0]["state"], "succeeded")
        self.assertEqual([self.runs(each) for each in (first, alarm, last)], [1, 1, 1])

    def test_pod(self):
        """a Pod is a hook that ends with its phase; how its container ended is the reason"""
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "check", "annotations": {"gitopsd.io/hook": "pre-sync"}},
               "spec": {"restartPolicy": "Never", "containers": [{"name": "one", "image": "example.com/one:1"}]}}
        event = self.begin(pod, config_map("settings", {"k": "1"}))
        self.wait_live(pod, lambda found: True, "it is there")
        self.cluster.patch(f"{self.cluster.path(self.placed(pod))}/status", {"status": {"phase": "Failed", "containerStatuses": [
            {"name": "one", "image": "x", "imageID": "x", "ready": False, "restartCount": 0,
             "state": {"terminated": {"exitCode": 3, "message": "no such table"}}}]}})
        self.assertIn("container 'one' ended with exit code 3: no such table", self.ended(event, "failed")["error"])

    def test_wrong_words(self):
        """words that nobody knows are refused where they stand"""
        failed = self.sync(hook("a", "before"), hook("b", "pre-sync", "often"), job("c", {"argocd.argoproj.io/hook": "Presync"}),
                           job("d", {"helm.sh/hook": "pre-install", "helm.sh/hook-weight": "heavy"}), state="failed")
        for part in ("'before' is no time of a hook", "'often' is no deletion policy", "did you mean PreSync?", "'heavy' is no number"):
            self.assertIn(part, failed["error"])

    def test_newer_commit(self):
        """a newer commit waits until the hook that runs has ended, and then comes instead of the older one"""
        settings, first = config_map("settings", {"k": "1"}), hook("first", "pre-sync")
        older = self.begin(settings, first)
        uid = self.wait_run(first)
        newer = self.begin(config_map("settings", {"k": "2"}), first)
        wait.until(lambda: self.daemon.event(newer)["state"] == "held", "the newer one is known")
        self.assertRegex(self.daemon.event(newer)["reason"], "a hook of [0-9a-f]{10} has to end first")
        self.assertEqual(self.live(first)["metadata"]["uid"], uid)
        self.finish(first)
        self.run_well(first, uid)
        self.ended(older, "superseded")
        self.ended(newer)
        self.assertEqual(self.live(settings)["data"], {"k": "2"})


class Deletion(HookScene):
    def test_policies(self):
        """after success, after failure, or not before the next run"""
        gone, stays, failing = hook("gone", "pre-sync", "succeeded"), hook("stays", "pre-sync"), hook("failing", "post-sync", "failed")
        event = self.begin(gone, stays, failing, config_map("settings", {"k": "1"}))
        self.run_well(gone)
        self.wait_run(stays)
        self.finish(stays)
        self.wait_gone(gone)
        self.wait_run(failing)
        self.finish(failing, False, "no")
        self.ended(event, "failed")
        self.wait_gone(failing)
        uid = self.live(stays)["metadata"]["uid"]
        event = self.begin(gone, stays, failing, config_map("settings", {"k": "2"}))
        self.run_well(gone)
        self.run_well(stays, uid)
        self.run_well(failing)
        self.ended(event)
        self.wait_gone(gone)
        self.assertTrue(self.there(stays) and self.there(failing))

    def test_generated_name(self):
        """generateName: one object a run, under a name that stays the same for the same manifest"""
        first = job("migrate-", {"argocd.argoproj.io/hook": "PreSync"})

        def its_name(other_than: str = "") -> str:
            jobs = self.cluster.get(f"/apis/batch/v1/namespaces/{self.space}/jobs")["items"]
            return next((each["metadata"]["name"] for each in jobs if each["metadata"]["uid"] != other_than), "")

        event = self.begin(first, config_map("settings", {"k": "1"}))
        name = wait.until(its_name, "a Job was made")
        self.assertRegex(name, "^migrate-[0-9a-f]{10}$")
        uid = self.run_well(job(name))
        self.ended(event)
        event = self.begin(first, config_map("settings", {"k": "2"}))
        self.run_well(job(name), uid)
        self.ended(event)
        self.assertEqual(len(self.cluster.get(f"/apis/batch/v1/namespaces/{self.space}/jobs")["items"]), 1)
        self.assertEqual(self.runs(job(name)), 2)


class Dialects(HookScene):
    def test_argo_cd(self):
        """Argo CD's manifests: several times of one hook, waves, deletion policies; what never comes here is left out"""
        both = job("both", {"argocd.argoproj.io/hook": "PreSync,PostSync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"})
        skipped, deleting = job("skipped", {"argocd.argoproj.io/hook": "Skip"}), job("deleting", {"argocd.argoproj.io/hook": "PostDelete"})
        settings = config_map("settings", {"k": "1"})
        event = self.begin(both, skipped, deleting, settings)
        uid = self.wait_run(both)
        self.assertFalse(self.there(settings))
        self.finish(both)
        self.wait_live(settings, lambda found: True, "the sync goes on")
        self.run_well(both, uid)
        self.ended(event)
        self.wait_gone(both)
        self.assertEqual((self.runs(both), self.there(skipped), self.there(deleting)), (2, False, False))

    def test_helm(self):
        """a Helm chart: its migration runs before, with what it needs, by weight; what is for after runs after; tests stay out"""
        helm = "helm.sh/hook"
        config = {**config_map("migration", {"k": "{{ .Values.value }}"}), "metadata": {"name": "migration", "annotations": {
            helm: "pre-install,pre-upgrade", "helm.sh/hook-weight": "-5"}}}
        migrate = job("migrate", {helm: "pre-install,pre-upgrade", "helm.sh/hook-weight": "1",
                                  "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded"})
        notify, test = job("notify", {helm: "post-install,post-upgrade"}), job("test", {helm: "test"})
        clean = job("clean", {helm: "pre-delete"})
        chart = {"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "web/values.yaml": "value: one\n",
                 "web/templates/all.yaml": "".join(f"---\n{json.dumps(each)}\n" for each in (config, migrate, notify, test, clean)),
                 "web/templates/settings.yaml": json.dumps(config_map("settings", {"k": "{{ .Values.value }}"}))}
        settings = config_map("settings", {})
        for value in ("one", "two"):
            chart["web/values.yaml"] = f"value: {value}\n"
            commit = self.checkout.commit(chart, value)
            self.checkout.push()
            before = self.live(notify)["metadata"]["uid"] if self.there(notify) else ""
            event = self.daemon.accept(commit)
            self.wait_run(migrate)
            self.assertEqual(self.live(config)["data"], {"k": value}, "a lower weight comes first")
            self.assertNotEqual(self.live(settings)["data"] if self.there(settings) else None, {"k": value})
            self.finish(migrate)
            self.run_well(notify, before)
            self.ended(event)
            self.wait_gone(migrate)
            self.assertEqual(self.live(settings)["data"], {"k": value})
        self.assertEqual([self.runs(each) for each in (migrate, notify, test, clean)], [2, 2, 0, 0])

    def configure(self) -> None:
        super().configure()
        self.daemon.config["renderers"] = {"helm": str(renderers.helm())}
