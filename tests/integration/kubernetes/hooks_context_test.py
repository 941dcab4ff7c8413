"""Hooks of a chart, while what the cluster offers to charts changes."""
import json

from lib import renderers, wait
from lib.cluster_case import config_map, manifest

from lib.hook_case import HookScene, job

HELM = "helm.sh/hook"
NO = "none.test/v1"


class HooksAndContext(HookScene):
    def configure(self) -> None:
        super().configure()
        self.daemon.config["renderers"] = {"helm": str(renderers.helm())}
        self.group = f"{self.space}.later.test"
        # Its ConfigMap tells when charts know of the kind, and its path has the first object of it.
        self.daemon.config["applications"] += [
            {**self.daemon.application, "name": name, "path": name} for name in ("knowing", "lacking")]

    def chart(self, folder: str, *hooks: dict, asks: str) -> dict:
        """Of one ConfigMap that tells whether the cluster has an API."""
        tells = config_map(folder, {"has": "{{ .Capabilities.APIVersions.Has \"%s\" }}" % asks})
        return {f"{folder}/Chart.yaml": f"apiVersion: v2\nname: {folder}\nversion: 1.0.0\n",
                f"{folder}/templates/all.yaml": "".join(f"---\n{json.dumps(each).replace(chr(92) + chr(34), chr(34))}\n"
                                                        for each in (*hooks, tells))}

    def commit_all(self, files: dict) -> str:
        commit = self.checkout.commit(files)
        self.checkout.push()
        return commit

    def learn(self) -> None:
        """A kind appears, and charts know of it."""
        self.cluster.define(self.group, "Latecomer")
        latecomer = {"apiVersion": f"{self.group}/v1", "kind": "Latecomer", "metadata": {"name": "a"}, "spec": {}}
        self.daemon.accept(self.commit_all({"lacking/all.yaml": manifest(latecomer)}))
        self.wait_live(config_map("knowing", {}), lambda found: found["data"]["has"] == "true", "charts know the kind", 90)

    def during_a_hook(self, asks: str) -> tuple[dict, int, int]:
        """The hook, and the events of the push that runs it and of one that has nothing to do with the chart, after the kind came."""
        migrate = job("migrate", {HELM: "pre-install,pre-upgrade"})
        first = self.daemon.accept(self.commit_all({**self.chart("web", migrate, asks=asks),
                                                    **self.chart("knowing", asks=f"{self.group}/v1"), "lacking/none.txt": ""}))
        self.wait_run(migrate)
        self.learn()
        other = self.daemon.accept(self.commit_all({"notes.txt": "no manifest"}))
        wait.until(lambda: "has to end first" in (self.daemon.event(other)["reason"] or ""), "it waits for the hook")
        return migrate, first, other

    def test_same_documents(self):
        """a kind that appears while a chart's hook runs: the hook is waited for, and does not run again for the same documents"""
        migrate, first, other = self.during_a_hook(NO)
        self.finish(migrate)
        self.ended(first)
        self.ended(other)
        wait.until(lambda: self.daemon.status()["phase"] == "idle" and self.daemon.status()["status"] == "synced", "all is done")
        self.assertEqual(self.live(config_map("web", {}))["data"], {"has": "false"})
        self.daemon.act("/v1/applications/web/sync")
        wait.until(lambda: self.daemon.events()[0]["ended"], "a sync by hand, which finds nothing")
        self.assertEqual(self.runs(migrate), 1)

    def test_other_documents(self):
        """where the documents are others with the kind, the hook runs once more, after the first has ended"""
        migrate, first, other = self.during_a_hook(f"{self.group}/v1")
        uid = self.live(migrate)["metadata"]["uid"]
        self.finish(migrate)
        self.run_well(migrate, uid)
        self.ended(first)
        self.ended(other)
        wait.until(lambda: self.daemon.status()["phase"] == "idle" and self.daemon.status()["status"] == "synced", "all is done")
        self.assertEqual(self.live(config_map("web", {}))["data"], {"has": "true"})
        self.assertEqual(self.runs(migrate), 2)

    def test_over_a_restart(self):
        """a daemon that is killed while the hook runs, and knows the kind when it comes back, goes on with that run"""
        migrate = job("migrate", {HELM: "pre-install,pre-upgrade"})
        first = self.daemon.accept(self.commit_all({**self.chart("web", migrate, asks=NO), "knowing/none.txt": "", "lacking/none.txt": ""}))
        uid = self.wait_run(migrate)
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "it is waited for")
        self.daemon.program.kill()
        self.cluster.define(self.group, "Latecomer")
        self.daemon.start()
        wait.until(lambda: self.daemon.status()["phase"] == "waiting_health", "it is waited for again")
        self.assertEqual(self.live(migrate)["metadata"]["uid"], uid)
        self.finish(migrate)
        self.ended(first)
        self.assertEqual(self.runs(migrate), 1)
