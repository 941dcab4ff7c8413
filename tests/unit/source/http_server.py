#!/usr/bin/env python3
"""Smart HTTP Git server over `git http-backend` on a free port of 127.0.0.1, which is printed first.

Writes one line a request to --log: the connection's number, method, target, "credentials" or "-".
"""
import argparse
import base64
import itertools
import os
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

parser = argparse.ArgumentParser()
parser.add_argument("--root", required=True)
parser.add_argument("--log", required=True)
parser.add_argument("--credentials", default="", help="USER:PASSWORD")
parser.add_argument("--certificate", default="", help="PEM with key and certificate")
parser.add_argument("--old", action="store_true", help="as if Git's protocol had no version 2")
parser.add_argument("--close", action="store_true", help="one request a connection")
options = parser.parse_args()

connections = itertools.count(1)
lock = threading.Lock()
context = None
if options.certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        if context:
            self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()
        self.number = next(connections)

    def log_message(self, *_):
        pass

    def note(self):
        with lock, open(options.log, "a") as log:
            said = "credentials" if self.headers.get("Authorization") else "-"
            print(self.number, self.command, self.path, said, file=log)

    def do_GET(self):
        self.note()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        wanted = "Basic " + base64.b64encode(options.credentials.encode()).decode()
        if options.credentials and self.headers.get("Authorization") != wanted:
            return self.answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        url = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent",
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            "GIT_PROJECT_ROOT": options.root, "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": url.path,
            "QUERY_STRING": url.query, "REQUEST_METHOD": self.command, "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
        }
        if not options.old:
            environment["GIT_PROTOCOL"] = self.headers.get("Git-Protocol", "")
        done = subprocess.run(["/usr/lib/git-core/git-http-backend"], input=body, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=environment)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if line]
        status = next((int(value.split()[0]) for key, value in headers if key == "Status"), 200)
        self.answer(status, [pair for pair in headers if pair[0] != "Status"], content)

    do_POST = do_GET

    def answer(self, status, headers, content):
        self.send_response(status)
        for pair in headers:
            self.send_header(*pair)
        self.send_header("Connection", "close" if options.close else "keep-alive")
        self.close_connection = options.close
        if status == 200:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for begin in range(0, len(content), 40000):
                piece = content[begin:begin + 40000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
