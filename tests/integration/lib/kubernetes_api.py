"""Questions to a Kubernetes API server, asked as one of its users."""
import functools
import http.client
import itertools
import json
import secrets
import ssl
from urllib.parse import quote, urlencode

from . import wait

JSON = "application/json"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
RBAC = "rbac.authorization.k8s.io"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class ApiError(AssertionError):
    """An answer that is no success; `answer` is its Status."""

    def __init__(self, asked: str, status: int, text: str):
        super().__init__(f"the API server answered {asked} with {status}: {text[:2000]}")
        self.status = status
        self.answer = json.loads(text) if text.startswith("{") else {}


class Watch:
    """An open watch. Its events are {"type": ..., "object": ...}, as the API server sends them."""

    def __init__(self, link: http.client.HTTPSConnection, answer: http.client.HTTPResponse):
        self.link = link
        self.answer = answer

    def next(self, seconds: float = 60) -> dict:
        """The next event; TimeoutError when none comes, EOFError when the server ended the watch."""
        self.link.sock.settimeout(seconds)
        line = self.answer.readline()
        if not line:
            raise EOFError("the API server ended the watch")
        return json.loads(line)

    def close(self) -> None:
        self.answer.close()
        self.link.close()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_):
        self.close()


class Client:
    """What Cluster can be asked. A user is a name from its token file."""

    host = "127.0.0.1"
    port: int

    def __init__(self):
        self.plurals: dict[str, dict[str, tuple[str, bool]]] = {}

    def tls(self) -> ssl.SSLContext:
        raise NotImplementedError

    def token(self, user: str) -> str:
        raise NotImplementedError

    # ---- requests

    def api(self, method: str, path: str, body: dict | str | None = None, content_type: str = JSON, user: str = "admin",
            headers: dict[str, str] | None = None, seconds: float = 30) -> dict:
        """The answer, which must be a success; ApiError when it is none."""
        link, answer = self.send(method, path, body, content_type, user, headers, seconds)
        try:
            text = answer.read().decode()
        finally:
            link.close()
        return json.loads(text) if text.startswith("{") else {"text": text}

    def send(self, method: str, path: str, body: dict | str | None, content_type: str, user: str,
             headers: dict[str, str] | None, seconds: float) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        link = http.client.HTTPSConnection(self.host, self.port, timeout=seconds, context=self.tls())
        try:
            link.request(method, path, json.dumps(body) if isinstance(body, (dict, list)) else body, {
                "Authorization": f"Bearer {self.token(user)}", "Accept": JSON, "Content-Type": content_type, **(headers or {})})
            answer = link.getresponse()
            if answer.status >= 300:
                raise ApiError(f"{method} {path}", answer.status, answer.read().decode())
            return link, answer
        except BaseException:
            link.close()
            raise

    # ---- objects, addressed by their documents

    def path(self, document: dict, name: str | None = None) -> str:
        """Where the API server has the object of a document (its apiVersion, kind, namespace and name)."""
        version, kind, metadata = document["apiVersion"], document["kind"], document["metadata"]
        plural, namespaced = self.resource(version, kind)
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        within = f"/namespaces/{metadata.get('namespace', 'default')}" if namespaced else ""
        return f"{root}{within}/{plural}/{quote(name or metadata['name'], safe='')}"

    def resource(self, version: str, kind: str) -> tuple[str, bool]:
        """A kind's plural, and whether it is namespaced; asked once for each version, and again for a kind not known yet."""
        if kind not in self.plurals.get(version, {}):
            found = self.api("GET", f"/apis/{version}" if "/" in version else f"/api/{version}")["resources"]
            self.plurals[version] = {entry["kind"]: (entry["name"], entry["namespaced"])
                                     for entry in found if "/" not in entry["name"]}
        return self.plurals[version][kind]

    def get(self, what: dict | str, **more) -> dict:
        """`what` is a path, or a document of the object."""
        return self.api("GET", what if isinstance(what, str) else self.path(what), **more)

    def exists(self, what: dict | str, **more) -> bool:
        try:
            self.get(what, **more)
            return True
        except ApiError as error:
            if error.status != 404:
                raise
            return False

    def apply(self, document: dict, manager: str = "tests", force: bool = True, subresource: str = "", **more) -> dict:
        """A server-side apply."""
        query = urlencode({"fieldManager": manager, "force": str(force).lower()})
        path = self.path(document) + (f"/{subresource}" if subresource else "")
        return self.api("PATCH", f"{path}?{query}", document, APPLY, **more)

    def patch(self, what: dict | str, change: dict, manager: str = "by-hand", **more) -> dict:
        """A merge patch, as someone would change an object by hand."""
        path = what if isinstance(what, str) else self.path(what)
        return self.api("PATCH", f"{path}?{urlencode({'fieldManager': manager})}", change, MERGE, **more)

    def delete(self, what: dict | str, **more) -> dict:
        return self.api("DELETE", what if isinstance(what, str) else self.path(what), **more)

    def watch(self, path: str, version: str = "", metadata_only: bool = False, user: str = "admin", **query) -> Watch:
        """Of a list's path, from a resource version on. Without one, what is there comes first."""
        text = urlencode({"watch": "true", "resourceVersion": version, **query})
        accept = METADATA_ONLY if metadata_only else JSON
        def begin() -> Watch | None:
            try:
                return Watch(*self.send("GET", f"{path}?{text}", None, JSON, user, {"Accept": accept}, 30))
            except ApiError as error:
                if error.status != 429:
                    raise
                return None  # just after its start the server's cache is still being filled

        return wait.until(begin, "the API server watches")

    def wait_for(self, what: dict | str, condition, why: str, seconds: float = 60, **more) -> dict:
        """The object as soon as `condition` holds for it; not being there yet is no error."""
        def met():
            try:
                found = self.get(what, **more)
            except ApiError as error:
                if error.status == 404:
                    return None
                raise
            return found if condition(found) else None

        return wait.until(met, why, seconds)

    def define(self, group: str, kind: str, schema: dict | None = None, namespaced: bool = True, version: str = "v1") -> dict:
        """A CustomResourceDefinition, which is served when this returns."""
        plural = kind.lower() + "s"
        open_schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        document = {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced" if namespaced else "Cluster",
                     "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
                     "versions": [{"name": version, "served": True, "storage": True, "subresources": {"status": {}},
                                   "schema": {"openAPIV3Schema": schema or open_schema}}]}}
        self.apply(document)
        self.wait_for(document, lambda found: any(
            (entry["type"], entry["status"]) == ("Established", "True")
            for entry in found.get("status", {}).get("conditions") or []), f"{kind} is established")
        self.wait_for(f"/apis/{group}/{version}", lambda found: any(
            entry["kind"] == kind for entry in found["resources"]), f"{kind} is discovered")
        # The list of all groups at once, which clients read, has it a moment later.
        self.wait_for("/apis", lambda found: any(item["metadata"]["name"] == group and any(
            entry["responseKind"]["kind"] == kind for served in item["versions"] for entry in served.get("resources", []))
            for item in found["items"]), f"{kind} is discovered by all", headers={"Accept": AGGREGATED})
        return document

    # ---- rights

    def grant(self, user: str, *rules: dict, namespace: str = "") -> None:
        """Lets `user` do what the RBAC rules say, in one namespace or, without, everywhere; in force when this returns."""
        kind = "Role" if namespace else "ClusterRole"
        name = f"{user}-{secrets.token_hex(4)}"
        head = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}}
        self.apply({**head, "kind": kind, "rules": list(rules)})
        self.apply({**head, "kind": f"{kind}Binding", "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
                    "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}]})
        for rule in rules:
            for verb, group, resource, named in itertools.product(
                    rule["verbs"], rule["apiGroups"], rule["resources"], rule.get("resourceNames", [""])):
                # The API server authorizes from a copy of the rules that it hears of a little later.
                wait.until(functools.partial(self.may, user, verb, group, resource, namespace, named),
                           f"{user} may {verb} {resource}")

    def may(self, user: str, verb: str, group: str, resource: str, namespace: str = "", name: str = "") -> bool:
        asked = {"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                  "spec": {"user": user, "resourceAttributes": asked}}
        return self.api("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)["status"]["allowed"]

    # ---- what a cluster's controllers would do

    def make_available(self, deployment: dict) -> dict:
        """Writes the status of a Deployment whose Pods all run, for its present generation."""
        found = self.get(deployment)
        count = found["spec"]["replicas"]
        conditions = [{"type": kind, "status": "True", "reason": reason, "message": ""} for kind, reason in (
            ("Available", "MinimumReplicasAvailable"), ("Progressing", "NewReplicaSetAvailable"))]
        return self.patch(f"{self.path(deployment)}/status", {"status": {
            "observedGeneration": found["metadata"]["generation"], "replicas": count, "updatedReplicas": count,
            "readyReplicas": count, "availableReplicas": count, "conditions": conditions}}, manager="controller")

    def finish_namespace(self, name: str) -> None:
        """Lets a deleted namespace go. Objects in it that were not deleted stay in the store."""
        document = self.get(f"/api/v1/namespaces/{name}")
        self.api("PUT", f"/api/v1/namespaces/{name}/finalize", {**document, "spec": {"finalizers": []}})
