"""A proxy in front of the real API server that makes what goes wrong on the way: other answers, cut connections.

It ends TLS with a certificate of the cluster's authority and speaks HTTP/1.1; what it is not told to spoil goes through as
it is, watches included.
"""
import contextlib
import http.client
import http.server
import json
import re
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path

from .certificate import Certificate
from .kubernetes import Cluster


@dataclass
class Fault:
    """`status` 0 cuts the connection: before the request is passed on, or in the middle of its answer. `path` is a regular
    expression."""

    status: int = 0
    count: int = 1 << 30
    methods: tuple[str, ...] = ()
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    in_the_middle: bool = False
    hits: int = 0

    def meets(self, method: str, path: str) -> bool:
        return self.hits < self.count and (not self.methods or method in self.methods) and re.search(self.path, path)


class FaultProxy:
    def __init__(self, cluster: Cluster, served: Certificate | None = None):
        self.cluster = cluster
        self.lock = threading.Lock()
        self.faults: list[Fault] = []
        self.open: set[socket.socket] = set()
        self.requests: list[tuple[str, str]] = []
        self.version = ""  # what the server is made to say that it is, in place of its own
        served = served or cluster.authority.issue_server(f"proxy-{id(self)}")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(served.certificate, served.key)
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                # In this connection's own thread: a client that never finishes its handshake holds up nobody.
                self.request = proxy.context.wrap_socket(self.request, server_side=True)
                with proxy.lock:
                    proxy.open.add(self.request)
                super().setup()

            def finish(self):
                with proxy.lock:
                    proxy.open.discard(self.request)
                with contextlib.suppress(OSError, ValueError):
                    super().finish()

            def do_GET(self):
                proxy.pass_on(self)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # what is cut off is meant to be

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.cut_all()

    def lead_to(self, cluster: Cluster) -> None:
        """From now on, and what is open ends."""
        self.cluster = cluster
        self.cut_all()

    def kubeconfig(self, user: str = "admin") -> Path:
        name = f"kubeconfig-{user}-proxy-{self.server.server_address[1]}"
        return self.cluster.write_kubeconfig(name, user, {"token": self.cluster.token(user)}, server=self.url)

    # ---- what goes wrong

    def spoil(self, status: int = 0, **more) -> Fault:
        """From now on, until `heal` or `count` times."""
        fault = Fault(status, **more)
        with self.lock:
            self.faults.append(fault)
        return fault

    def heal(self) -> None:
        with self.lock:
            self.faults.clear()

    def serve(self, served: Certificate) -> None:
        """With another certificate from now on."""
        self.context.load_cert_chain(served.certificate, served.key)

    def cut_all(self) -> None:
        """Every connection that is open, watches too."""
        with self.lock:
            victims = list(self.open)
        for victim in victims:
            with contextlib.suppress(OSError):
                victim.shutdown(socket.SHUT_RDWR)

    # ---- the way through

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self.lock:
            self.requests.append((method, path))
            for fault in self.faults:
                if fault.meets(method, path):
                    fault.hits += 1
                    return fault
        return None

    def pass_on(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        fault = self.fault_for(handler.command, handler.path)
        if handler.path == "/version" and self.version:
            return self.send_text(handler, 200, json.dumps({"gitVersion": self.version}))
        if fault and fault.status:
            return self.answer(handler, fault)
        if fault and not fault.in_the_middle:
            return self.cut(handler)
        link = http.client.HTTPSConnection(self.cluster.host, self.cluster.port, timeout=60, context=self.cluster.context)
        try:
            headers = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "connection")}
            link.request(handler.command, handler.path, body or None, headers)
            self.send_back(handler, link.getresponse(), fault)
        except OSError:
            self.cut(handler)
        finally:
            link.close()

    def send_back(self, handler, answer: http.client.HTTPResponse, fault: Fault | None) -> None:
        handler.send_response_only(answer.status)
        chunked = answer.chunked
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                handler.send_header(name, value)
        if chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while piece := answer.read1(1 << 16):
            if fault:
                piece = piece[:len(piece) // 2]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            handler.wfile.flush()
            if fault:
                return self.cut(handler)
        if chunked:
            handler.wfile.write(b"0\r\n\r\n")

    @staticmethod
    def answer(handler, fault: Fault) -> None:
        """As the API server words it."""
        FaultProxy.send_text(handler, fault.status, json.dumps({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": fault.status,
            "message": f"spoilt with {fault.status} by the tests' proxy"}), fault.headers)

    @staticmethod
    def send_text(handler, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        body = text.encode()
        handler.send_response_only(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    @staticmethod
    def cut(handler) -> None:
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.connection.shutdown(socket.SHUT_RDWR)
