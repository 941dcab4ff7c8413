"""Git servers: smart HTTP behind a small CGI server, and SSH."""
import base64
import getpass
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from . import git, process


class HttpServer:
    """`git http-backend` for every repository below a folder; basic authentication when a password is given."""

    def __init__(self, root: Path, user: str = "", password: str = "", address: str = "127.0.0.1"):
        self.requests: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle(self):
                try:
                    super().handle()
                except ConnectionError:  # the client was stopped or killed, as some tests do
                    pass

            def handle_request(self):
                outer.requests.append(f"{self.command} {self.path}")
                wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
                if password and self.headers.get("Authorization") != wanted:
                    return self.answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                url = urlsplit(self.path)
                environment = {
                    **git.ENVIRONMENT, "GIT_PROJECT_ROOT": str(root), "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": url.path, "QUERY_STRING": url.query, "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_USER": user, "REMOTE_ADDR": "127.0.0.1",
                }
                done = subprocess.run(["git", "http-backend"], input=body, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, env=environment)
                head, _, content = done.stdout.partition(b"\r\n\r\n")
                headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if line]
                status = next((int(value.split()[0]) for key, value in headers if key == "Status"), 200)
                self.answer(status, [pair for pair in headers if pair[0] != "Status"], content)

            do_GET = do_POST = handle_request

            def answer(self, status, headers, content):
                self.send_response(status)
                for key, value in headers:
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self.server = ThreadingHTTPServer((address, 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        self.url = f"http://{address}:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class SshServer:
    """OpenSSH's own server on a free port, for this user, with one key that may log in."""

    def __init__(self, directory: Path):
        directory.mkdir(parents=True)
        self.client_key = directory / "client_key"
        host_key = directory / "host_key"
        for key in (self.client_key, host_key):
            process.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        (directory / "authorized_keys").write_text(self.client_key.with_suffix(".pub").read_text())
        self.port = process.free_port()
        self.known_hosts = directory / "known_hosts"
        kind, public, *_ = host_key.with_suffix(".pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {public}\n")
        settings = directory / "sshd_config"
        settings.write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {host_key}\nPidFile none\nStrictModes no\nUsePAM no\n"
            f"AuthorizedKeysFile {directory}/authorized_keys\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # its privilege separation folder, which only root's sshd wants
        self.program = process.Program(["/usr/sbin/sshd", "-D", "-e", "-f", settings], directory / "sshd.log").start()
        self.program.wait_until(lambda: process.listens(self.port), "sshd listens")

    def url(self, path: Path) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"

    def stop(self) -> None:
        self.program.stop()
