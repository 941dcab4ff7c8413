"""A mutating admission webhook that the API server calls while a test runs."""
import base64
import http.server
import json
import ssl
import threading

from . import kubernetes, wait


class MutatingWebhook:
    """`mutate` gets each request to create or update `resource` in the namespace, and returns a JSON patch."""

    def __init__(self, cluster: kubernetes.Cluster, namespace: str, resource: str, mutate):
        self.cluster = cluster
        served = cluster.authority.issue_server(f"webhook-{namespace}")
        self.calls = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(handler):
                self.calls += 1
                review = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
                patch = mutate(review["request"])
                answer = {"uid": review["request"]["uid"], "allowed": True}
                if patch:
                    answer |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
                body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}).encode()
                handler.send_response(200)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(served.certificate, served.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.document = {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": f"tests-{namespace}"},
            "webhooks": [{
                "name": "tests.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 5,
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "resources": [resource], "operations": ["CREATE", "UPDATE"]}],
                "clientConfig": {"url": f"https://127.0.0.1:{self.server.server_address[1]}/",
                                 "caBundle": base64.b64encode(cluster.authority.own.certificate.read_bytes()).decode()}}]}
        cluster.apply(self.document)
        # The API server calls it a moment later.
        probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": namespace}}
        wait.until(lambda: self.called(probe), "the webhook is called")

    def called(self, probe: dict) -> bool:
        self.cluster.api("PATCH", f"{self.cluster.path(probe)}?fieldManager=gitopsd&dryRun=All", probe,
                         "application/apply-patch+yaml")
        return self.calls > 0

    def stop(self) -> None:
        self.cluster.delete(self.document)
        self.server.shutdown()
        self.server.server_close()
