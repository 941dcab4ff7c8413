#!/usr/bin/env python3
"""An AWS account for tests: moto in this process, behind door.py, with the additions of stacks.py.

usage: account.py PORT      prints `ready` once it listens on 127.0.0.1:PORT

/_account/stacks    GET what stacks there are, past every API
/_account/stacks    PUT {"name", "template", "parameters"?, "tags"?}: updates one as somebody would by hand, or
                    makes it; a template null deletes it
/_account/objects   GET {bucket: {key: {"text", "etag", "size", "encryption", "headers", "days"}}}, past every API;
                    days: how old it is
/_account/object?BUCKET/KEY   GET its bytes
/_account/objects   PUT {"bucket"}: makes it; with {"key", "text"}: puts an object as somebody would by hand, a text
                    null deletes it; with {"key", "days"}: lets it be as old as that

Nothing here proves anything about AWS itself: what moto answers differently is listed in stacks.py.
"""
import datetime
import json
import sys
from urllib.parse import unquote

from moto.cloudformation.models import cloudformation_backends
from moto.core.utils import utcnow
from moto.s3.models import s3_backends
from moto.moto_server.werkzeug_app import MotoRequestHandler
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

import stacks
from door import REGIONS, Door

ACCOUNT, REGION = "123456789012", "eu-central-1"


def backend(region: str = REGION):
    return cloudformation_backends[ACCOUNT][region]


def every_stack() -> list:
    return [stack for region in REGIONS for stack in backend(region).stacks.values()]


def described(stack) -> dict:
    """What was rolled back has neither resources nor outputs, and asking moto for them would make them."""
    whole = "ROLLBACK" not in stack.status
    return {"id": stack.stack_id, "name": stack.name, "region": stack.region_name, "status": stack.status,
            "parameters": stack.parameters, "tags": stack.tags,
            "outputs": {o.key: o.value for o in stack.output_map.values() if o} if whole else {},
            "resources": {r.logical_resource_id: getattr(r, "physical_resource_id", None) for r in stack.stack_resources if r}
            if whole else {},  # moto makes None of types that it does not know
            "template": stack.template, "changeSets": [c.change_set_id for c in backend(stack.region_name).change_sets.values()
                                                        if c.stack_id == stack.stack_id and c.execution_status == "AVAILABLE"]}


def by_hand(wanted: dict) -> None:
    parameters = [{"ParameterKey": k, "ParameterValue": v} for k, v in wanted.get("parameters", {}).items()]
    tags = wanted.get("tags", {})
    there = [stack for stack in backend().stacks.values() if stack.name == wanted["name"] and stack.status != "DELETE_COMPLETE"]
    if wanted["template"] is None:
        backend().delete_stack(wanted["name"])
    elif there:
        backend().update_stack(wanted["name"], role_arn="", template=wanted["template"], parameters=parameters,
                               tags=tags or there[0].tags)
    else:
        backend().create_stack(wanted["name"], template=wanted["template"], parameters=wanted.get("parameters", {}), tags=tags)


def objects() -> dict:
    return {name: {key: {"text": found.value.decode(errors="replace"), "etag": found.etag, "size": found.size,
                         "encryption": [found.encryption, found.kms_key_id], "days": (utcnow() - found.last_modified).days,
                         "headers": {name.lower(): value for name, value in found.metadata.items()}}
                   for key, found in ((key, bucket.keys.get(key)) for key in list(bucket.keys.keys())) if found}
            for name, bucket in s3_backends[ACCOUNT]["aws"].buckets.items()}


def object_by_hand(wanted: dict) -> None:
    backend = s3_backends[ACCOUNT]["aws"]
    if wanted["bucket"] not in backend.buckets:
        backend.create_bucket(wanted["bucket"], REGION)
    if "key" not in wanted:
        return
    if "days" in wanted:
        backend.buckets[wanted["bucket"]].keys[wanted["key"]].last_modified = utcnow() - datetime.timedelta(days=wanted["days"])
    elif wanted["text"] is None:
        backend.delete_object(wanted["bucket"], wanted["key"])
    else:
        backend.put_object(wanted["bucket"], wanted["key"], wanted["text"].encode())


class Outside:
    """What tests ask of the account itself, before everything else."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start):
        path = environ["PATH_INFO"]
        if path == "/_account/object":
            bucket, key = unquote(environ["QUERY_STRING"]).split("/", 1)
            body = s3_backends[ACCOUNT]["aws"].buckets[bucket].keys[key].value
            start("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))])
            return [body]
        if path not in ("/_account/stacks", "/_account/objects"):
            return self.application(environ, start)
        if environ["REQUEST_METHOD"] == "PUT":
            wanted = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            (object_by_hand if path.endswith("objects") else by_hand)(wanted)
        told = objects() if path.endswith("objects") else [described(stack) for stack in every_stack()]
        body = json.dumps(told, default=str).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


def main() -> None:
    stacks.install()
    door = Door(DomainDispatcherApplication(create_backend_app))

    class Handler(MotoRequestHandler):
        protocol_version = "HTTP/1.1"

        def date_time_string(self, timestamp=None):
            """The Date header, by the door's clock."""
            return super().date_time_string(door.now().timestamp())

    server = make_server("127.0.0.1", int(sys.argv[1]), Outside(door), threaded=True, request_handler=Handler)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
