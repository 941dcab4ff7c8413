"""What a bare client reaches: server-side applies of given bodies, so many in flight, by threads with a connection each."""
import http.client
import json
import queue
import ssl
import threading
import time


def rate(cluster, requests: list[tuple[str, dict]], in_flight: int = 12) -> float:
    """Requests a second; each is a path with its query and a document. h2load would be the better client, but sends one body."""
    todo: queue.SimpleQueue = queue.SimpleQueue()
    for path, document in requests:
        todo.put((path, json.dumps(document).encode()))
    headers = {"Authorization": f"Bearer {cluster.token('admin')}", "Content-Type": "application/apply-patch+yaml",
               "Accept": "application/json"}
    failed = []

    def work() -> None:
        link = http.client.HTTPSConnection(cluster.host, cluster.port, context=ssl.create_default_context(
            cafile=str(cluster.authority.own.certificate)))
        while True:
            try:
                path, body = todo.get_nowait()
            except queue.Empty:
                return link.close()
            link.request("PATCH", path, body, headers)
            answer = link.getresponse()
            text = answer.read()
            if answer.status >= 300:
                failed.append(text[:200])

    threads = [threading.Thread(target=work) for _ in range(in_flight)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise AssertionError(f"{len(failed)} of {len(requests)} applies failed: {failed[0]}")
    return len(requests) / (time.monotonic() - began)
