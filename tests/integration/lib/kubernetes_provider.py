"""The Kubernetes provider alone, spoken to in its protocol: for what a daemon would hide."""
import contextlib
import re
import sys
import tempfile
from pathlib import Path

from . import cluster_case, files, kubernetes, process, wait

sys.path.insert(0, str(process.ROOT / "tests" / "conformance"))
from client import Provider as ProtocolClient, digest_of  # noqa: E402

OWNER = {"installation": "tests", "application": "app"}
BATCH = 500


def requests_of_us(cluster: kubernetes.Cluster, since: int, **fields) -> list[dict]:
    """Audit events of providers with these fields, from that byte of the log on; without their looks at which cluster it is."""
    return [event for event in files.json_lines(cluster.audit_log, since) if event.get("userAgent", "").startswith("gitopsd/")
            and event.get("requestURI") != kubernetes.KUBE_SYSTEM and all(event.get(name) == value for name, value in fields.items())]


class Provider(ProtocolClient):
    """As a daemon would use it: documents and entries in parts."""

    def __init__(self, cluster: kubernetes.Cluster, namespaces: list[str], user: str = "admin", state: Path | None = None,
                 program: Path = cluster_case.PROVIDER):
        self.folder = state or Path(tempfile.mkdtemp(prefix="gitopsd-provider-"))
        super().__init__([str(program)], str(self.folder))
        self.cluster = cluster
        self.policy = {"namespaces": namespaces, "clusterKinds": ["Namespace"]}
        self.call("initialize", protocols=[1], destination="here", installation=OWNER["installation"],
                  settings={"kubeconfig": str(cluster.kubeconfig(user))}, stateDirectory=str(self.folder))
        self.mark()

    def stop(self) -> None:
        """Asked to end, which it has to do at once."""
        self.close_input()
        status = self.exit_status()
        if status != 0:
            log = self.log_text()
            self.kill()
            raise AssertionError(f"the provider ended with {status}\n{log}")

    def converge(self, documents: list[dict], sync: str = "1", entries: list[dict] = (), mode: str = "changed") -> list[dict]:
        """Plans and applies; returns the entries that a daemon would keep."""
        made = []
        for start in range(0, len(documents), BATCH):
            plan = self.plan(documents[start:start + BATCH], sync, entries, mode)
            result = self.call("apply", sync=sync, owner=OWNER, policy=self.policy, steps=plan["steps"],
                               resources=plan["resources"], documents=plan["documents"])
            assert result["outcome"] == "done", result
            receipts = {step["key"]: step["receipt"] for step in result["steps"]}
            made += [{"id": step["id"], "owned": {"digest": step["digest"], "receipt": receipts[step["key"]]}}
                     for step in plan["steps"]]
        return made

    def plan(self, documents: list[dict], sync: str, entries: list[dict] = (), mode: str = "changed") -> dict:
        """Of one part: its steps, and the resources and documents that they are of."""
        known = {entry["id"]: entry for entry in entries}
        part = [{"digest": digest_of(document), "json": document} for document in documents]
        resolved = self.call("resolve", application="app", documents=part, policy=self.policy)
        assert not resolved.get("problems"), resolved["problems"]
        resources = resolved["resources"]
        plan = self.call("plan", sync=sync, owner=OWNER, policy=self.policy, mode=mode, upsert=resources, documents=part,
                         entries=[known[r["id"]] for r in resources if r["id"] in known])
        assert not plan.get("problems"), plan["problems"]
        return {"steps": plan["steps"], "resources": resources, "documents": part}

    def observe(self, entries: list[dict], **more) -> dict[str, dict]:
        found = {}
        for start in range(0, len(entries), BATCH):
            answer = self.call("observe", owner=OWNER, policy=self.policy, entries=entries[start:start + BATCH], **more)
            found.update({seen["id"]: seen for seen in answer["observations"]})
        return found

    def mark(self) -> None:
        """What is told from now on counts."""
        with self.changed:
            self.since = len(self.notes)

    def told(self) -> list[str]:
        """Ids that `changed` named since the mark, each as often as it did."""
        with self.changed:
            notes = self.notes[self.since:]
        return [identity for note in notes if note["method"] == "changed" for identity in note["params"].get("ids", [])]

    def wait_told(self, identity: str, seconds: float = 60) -> None:
        wait.until(lambda: identity in self.told(), f"a change of {identity} is told", seconds)

    def conditions(self) -> dict[str, dict]:
        """What it says of the cluster now, by key."""
        with self.changed:
            notes = [note["params"] for note in self.notes if note["method"] == "condition"]
        return {key: told for key, told in {told["key"]: told for told in notes}.items() if told.get("message")}

    def memory(self, what: str = "VmRSS") -> int:
        """Megabytes: VmRSS now, VmHWM at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s*(\d+) kB", status)[1]) // 1024

    def connections(self) -> int:
        """To the API server."""
        port = f":{self.cluster.port:04X}"
        sockets = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
                   if line.split()[2].endswith(port) and line.split()[3] == "01"}
        links = []
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                links.append(link.readlink().name)
        return sum(re.fullmatch(r"socket:\[(\d+)\]", link)[1] in sockets for link in links if link.startswith("socket:"))
