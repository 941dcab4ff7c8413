"""AWS's own API models, which botocore (Apache License 2.0) has as data, and moto needs botocore.

A call that comes to a double is held against them before anything answers: parameters that are unknown or missing, lists that are
not numbered from one, words that are none of an enum, texts too long or of another form. Likewise what replay.py makes up as answers.
"""
import base64
import functools
import hashlib
import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import parse_qsl

if "MOTO" in os.environ:  # the tests themselves run on another Python than the account
    sys.path += map(str, Path(os.environ["MOTO"]).parent.parent.glob("lib/python3*/site-packages"))

from botocore.loaders import Loader  # noqa: E402
from botocore.model import ServiceModel  # noqa: E402

SIGNING = {"x-amz-date", "x-amz-content-sha256", "x-amz-security-token"}


class Differs(Exception):
    """From the model, in words."""


@functools.cache
def service(name: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"))


def check_text(shape, text: str, place: str) -> None:
    """A value that stands alone."""
    kind, limits = shape.type_name, shape.metadata
    if kind == "boolean" and text not in ("true", "false"):
        raise Differs(f"{place} is true or false, not {text!r}")
    if kind in ("integer", "long") and not re.fullmatch(r"-?\d+", text):
        raise Differs(f"{place} is a whole number, not {text!r}")
    if kind != "string":
        return
    if limits.get("enum") and text not in limits["enum"]:
        raise Differs(f"{place} is one of {limits['enum']}, not {text!r}")
    if not limits.get("min", 0) <= len(text) <= limits.get("max", len(text)):
        raise Differs(f"{place} has {len(text)} characters, not {limits.get('min', 0)} to {limits.get('max')}")
    pattern = limits.get("pattern")
    if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, text):
        raise Differs(f"{place} is {text!r}, which does not match {pattern}")


# ---- calls in the form of queries


def check_fields(shape, fields: dict[str, str], place: str, used: set[str]) -> None:
    def given(at: str) -> bool:
        return at in fields or any(name.startswith(at + ".") for name in fields)

    if shape.type_name == "structure":
        for name, member in shape.members.items():
            at = (place + "." if place else "") + member.serialization.get("name", name)
            if given(at):
                check_fields(member, fields, at, used)
            elif name in shape.required_members:
                raise Differs(f"{at} is required")
    elif shape.type_name == "list":
        if fields.get(place) == "":  # an empty list
            used.add(place)
            return
        items = place if shape.serialization.get("flattened") else f"{place}.{shape.member.serialization.get('name', 'member')}"
        number = 1
        while given(f"{items}.{number}"):
            check_fields(shape.member, fields, f"{items}.{number}", used)
            number += 1
    elif place in fields:
        used.add(place)
        check_text(shape, fields[place], place)


def check_query(name: str, body: bytes) -> None:
    """Of the service `name`: `Action=...&Version=...&...`."""
    pairs = parse_qsl(body.decode(), keep_blank_values=True)
    fields, used = dict(pairs), {"Action", "Version"}
    model = service(name)
    if len(fields) < len(pairs):
        raise Differs("a parameter stands twice")
    if fields["Action"] not in model.operation_names or fields["Version"] != model.api_version:
        raise Differs(f"there is no {fields['Action']} in version {fields['Version']}")
    shape = model.operation_model(fields["Action"]).input_shape
    if shape:
        check_fields(shape, fields, "", used)
    if unknown := sorted(fields.keys() - used):
        raise Differs(f"{fields['Action']} has no {', '.join(unknown)}")


def check_answer(name: str, action: str, answer) -> None:
    """What a double says: a structure as Python has it, None for what is left out."""
    check_value(service(name).operation_model(action).output_shape, answer, action)


def check_value(shape, value, place: str) -> None:
    if value is None:
        return
    if shape is None:
        raise Differs(f"{place} has no answer")
    if shape.type_name == "structure":
        for name, item in value.items():
            if name not in shape.members:
                raise Differs(f"{place} has no {name}")
            check_value(shape.members[name], item, f"{place}.{name}")
    elif shape.type_name == "list":
        for item in value:
            check_value(shape.member, item, f"{place}[]")
    elif shape.metadata.get("enum"):
        check_text(shape, str(value), place)


# ---- S3


@functools.cache
def s3_operations() -> list[tuple]:
    """Each with its model, method, whether it is about a key, and what its query has in any case."""
    found = []
    for name in service("s3").operation_names:
        one = service("s3").operation_model(name)
        path, _, flags = one.http["requestUri"].partition("?")
        found.append((one, one.http["method"], "{Key" in path, dict(parse_qsl(flags, keep_blank_values=True))))
    return found


def members_in(shape, location: str) -> dict[str, object]:
    """Its members there, by their names on the wire, in small letters."""
    members = shape.members.items() if shape else ()
    return {m.serialization.get("name", name).lower(): m for name, m in members if m.serialization.get("location") == location}


def required_in(shape, location: str) -> set[str]:
    found = members_in(shape, location)
    names = {shape.members[name].serialization.get("name", name).lower() for name in shape.required_members} if shape else set()
    return names & found.keys()


def s3_operation(method: str, path: str, query: dict[str, str], headers: dict[str, str]):
    """The most specific one that the request can be, and its flags."""
    has_key = path.strip("/").count("/") > 0
    lowered = {name.lower() for name in query}
    fits = [(len(flags) + len(required_in(one.input_shape, "querystring")) + len(required_in(one.input_shape, "header")), one, flags)
            for one, wanted, of_key, flags in s3_operations()
            if wanted == method and of_key == has_key and flags.items() <= query.items()
            and required_in(one.input_shape, "querystring") <= lowered and required_in(one.input_shape, "header") <= headers.keys()]
    if not fits:
        raise Differs(f"S3 has nothing like {method} {path}?{query}")
    return max(fits, key=lambda fit: fit[0])[1:]


def check_s3(method: str, path: str, query_text: str, headers: dict[str, str], body: bytes) -> None:
    """`headers` by names in small letters."""
    query = dict(parse_qsl(query_text, keep_blank_values=True))
    one, flags = s3_operation(method, path, query, headers)
    shape, known = one.input_shape, members_in(one.input_shape, "querystring")
    for name, value in query.items():
        if name in flags:
            continue
        if name.lower() not in known:
            raise Differs(f"{one.name} has no parameter {name}")
        check_text(known[name.lower()], value, f"{one.name}: {name}")
    known = members_in(shape, "header")
    checksums = ("x-amz-checksum-",) if one.http_checksum.get("requestAlgorithmMember") else ()
    prefixes = (*members_in(shape, "headers"), *checksums)
    for name, value in headers.items():
        if name in known:
            check_text(known[name], value, f"{one.name}: {name}")
        elif name.startswith("x-amz-") and name not in SIGNING and not name.startswith(prefixes):
            raise Differs(f"{one.name} has no header {name}")
    check_checksum(one, headers, body)
    payload = shape.serialization.get("payload") if shape else None
    if payload and shape.members[payload].type_name == "structure":
        check_element(shape.members[payload], ElementTree.fromstring(body), one.name)


def check_checksum(one, headers: dict[str, str], body: bytes) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html"""
    sums = {"content-md5": hashlib.md5, "x-amz-checksum-sha256": hashlib.sha256}
    given = [name for name in sums if name in headers]
    for name in given:
        if headers[name] != base64.b64encode(sums[name](body).digest()).decode():
            raise Differs(f"{one.name}: {name} is not that of the body")
    if one.http_checksum.get("requestChecksumRequired") and not given:
        raise Differs(f"{one.name} needs a checksum of its body")


def check_element(shape, element, place: str) -> None:
    """An element of a body, with what is in it."""
    if shape.type_name != "structure":
        return check_text(shape, element.text or "", place)
    wire = {m.serialization.get("name", name): m for name, m in shape.members.items()}
    for member in shape.members.values():  # a list without an element of its own has its items' name
        if member.type_name == "list" and member.serialization.get("flattened"):
            wire.setdefault(member.member.serialization.get("name", ""), member)
    for child in element:
        name = child.tag.rpartition("}")[2]
        if name not in wire:
            raise Differs(f"{place} has no <{name}>")
        member = wire[name]
        check_element(member.member if member.type_name == "list" else member, child, f"{place} <{name}>")
