"""A door that lets in only what AWS would: by Signature Version 4, checked from the request as it arrived, and by AWS's models of
what its calls take (model.py).

moto by itself takes any clock, region, service and changed bodies. This follows AWS's documentation, not the code of any
signer: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

/_door/keys   PUT {ID: {"secret": ..., "token": ...}}: who is known
/_door/calls  GET the calls since the last DELETE, in order; DELETE answers them, and forgets no other
/_door/clock  PUT seconds that the door's clock is ahead
/_door/buckets  PUT {BUCKET: [REGION, STATUS]}: in which region it is, and how S3 says so to who asks another one: 301, 307, 400, or
                0, as for regions that accounts have to enable: only a HEAD of the bucket is told which
/_door/hold   PUT [ACTION, ...]: calls that are answered only when another PUT leaves them out
/_door/fail   PUT [[ACTION, STATUS, CODE, MESSAGE, REGION?], ...]: each is answered once instead of the action; with the status 200
              S3 says so of the one object that comes last, a key, and deletes none
"""
import contextlib
import datetime
import hashlib
import hmac
import io
import json
import re
import threading
import xml.etree.ElementTree as ElementTree
from urllib.parse import parse_qsl, quote, unquote_to_bytes
from xml.sax.saxutils import escape

import model

SKEW = datetime.timedelta(minutes=15)
REGIONS = ("eu-central-1", "eu-west-1")
SERVICES = {"2011-06-15": "sts", "2010-05-15": "cloudformation", "2010-05-08": "iam"}
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")


class Refused(Exception):
    def __init__(self, code: str, message: str, status: int = 403, region: str = ""):
        super().__init__(message)
        self.code, self.message, self.status, self.region = code, message, status, region

    def headers(self) -> list[tuple[str, str]]:
        return []

    def body(self) -> bytes:
        return (f"<ErrorResponse><Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message>"
                f"<Region>{self.region}</Region></Error></ErrorResponse>").encode()


class Redirected(Refused):
    """Where a bucket is: S3 tells the region in a header, and in the body of a 400 alone. Nobody should go where it leads."""
    CODES = {301: "PermanentRedirect", 307: "TemporaryRedirect", 400: "AuthorizationHeaderMalformed"}

    def __init__(self, region: str, status: int):
        super().__init__(self.CODES[status], f"the region is wrong; expecting '{region}'", status, region if status == 400 else "")
        self.where = region

    def headers(self) -> list[tuple[str, str]]:
        leads = [] if self.status == 400 else [("Location", "http://elsewhere.invalid/")]
        return [("x-amz-bucket-region", self.where), *leads]


class Kept(Refused):
    """An object that was to be deleted with others."""

    def body(self) -> bytes:
        return (f"<DeleteResult><Error><Key>{escape(self.region)}</Key><Code>{self.code}</Code>"
                f"<Message>{escape(self.message)}</Message></Error></DeleteResult>").encode()


class Unnamed(Refused):
    """A bucket in a region that accounts have to enable, which a HEAD of the bucket alone is told."""

    def __init__(self, region: str, asked: str, is_head_of_bucket: bool):
        super().__init__("IllegalLocationConstraintException", f"The {region} location constraint is incompatible for the region "
                         f"specific endpoint this request was sent to: {asked}.", 400)
        self.where = region if is_head_of_bucket else ""

    def headers(self) -> list[tuple[str, str]]:
        return [("x-amz-bucket-region", self.where)] if self.where else []


def encoded(raw: bytes, keep: str = "") -> str:
    return quote(raw, safe=keep + "-_.~")


def keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def headers_of(environ: dict) -> dict[str, str]:
    headers = {key[5:].lower().replace("_", "-"): value for key, value in environ.items() if key.startswith("HTTP_")}
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            headers[key.lower().replace("_", "-")] = environ[key]
    return headers


class Door:
    def __init__(self, account):
        self.account = account
        self.keys: dict[str, dict] = {}
        self.calls: list[str] = []
        self.ahead = datetime.timedelta()
        self.failures: list[list] = []
        self.lock = threading.Lock()
        self.buckets: dict[str, list] = {}
        self.parts: dict[tuple, str | None] = {}  # checksums, by upload and number
        self.one_at_a_time = threading.Lock()
        self.held: list[str] = []
        self.released = threading.Condition()

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.timezone.utc) + self.ahead

    def __call__(self, environ, start):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        path = environ["PATH_INFO"]
        if path.startswith("/_door/"):
            return self.answer(start, 200, self.ask(environ["REQUEST_METHOD"], path, body), "application/json")
        if path.startswith("/moto-api/"):
            return self.account(environ, start)
        action = self.action(environ, body)
        self.calls.append(action)
        try:
            self.check(environ, body)
            self.check_model(environ, body)
            if action.startswith("S3 "):
                self.check_sums(environ, body)
            with self.released:
                self.released.wait_for(lambda: action not in self.held)
            self.fail(action)
        except Refused as refused:
            body = b"" if environ["REQUEST_METHOD"] == "HEAD" else refused.body()
            return self.answer(start, refused.status, body, "text/xml", refused.headers())
        # moto makes the resources of a stack in the call, and its models are not made for two threads.
        with contextlib.nullcontext() if action.startswith("S3 ") else self.one_at_a_time:
            return self.account(environ, start)

    def answer(self, start, status: int, body: bytes, kind: str, headers=()):
        start(f"{status} X", [("Content-Type", kind), ("Content-Length", str(len(body))), *headers])
        return [body]

    def ask(self, method: str, path: str, body: bytes) -> bytes:
        if path == "/_door/keys":
            self.keys = json.loads(body)
        elif path == "/_door/clock":
            self.ahead = datetime.timedelta(seconds=json.loads(body))
        elif path == "/_door/buckets":
            self.buckets = {name: tuple(where) for name, where in json.loads(body).items()}
        elif path == "/_door/hold":
            with self.released:
                self.held = json.loads(body)
                self.released.notify_all()
        elif path == "/_door/fail":
            self.failures = json.loads(body)
        elif method == "DELETE":
            taken = self.calls[:]
            del self.calls[:len(taken)]  # others may have come meanwhile
            return json.dumps(taken).encode()
        return json.dumps(self.calls).encode()

    @staticmethod
    def action(environ: dict, body: bytes) -> str:
        found = re.search(rb"(?:^|&)Action=(\w+)", body[:4096])
        return found.group(1).decode() if found else f"S3 {environ['REQUEST_METHOD']} {environ['PATH_INFO']}"

    def fail(self, action: str) -> None:
        with self.lock:  # of two calls at once only one
            failure = next((each for each in self.failures if each[0] == action), None)
            if failure:
                self.failures.remove(failure)
        if failure:
            raise (Kept if failure[1] == 200 else Refused)(failure[2], failure[3], failure[1], *failure[4:])

    def check(self, environ: dict, body: bytes) -> None:
        headers = headers_of(environ)
        found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if not found:
            raise Refused("IncompleteSignature", "no Authorization header, or a malformed one", 400)
        key_id, day, region, service, signed, signature = found.groups()
        names = signed.split(";")
        self.check_names(headers, names)
        key = self.keys.get(key_id)
        if not key:
            raise Refused("InvalidClientTokenId", "The security token included in the request is invalid.")
        if key.get("token", "") != headers.get("x-amz-security-token", ""):
            raise Refused("InvalidClientTokenId", "The session token is missing or wrong.")
        time = self.check_time(headers.get("x-amz-date", ""), day, service)
        if region not in REGIONS:
            raise Refused("SignatureDoesNotMatch", f"Credential should be scoped to a valid region, not {region}.")
        wanted = self.service(body)
        if service != wanted:
            raise Refused("SignatureDoesNotMatch", f"Credential should be scoped to correct service: '{wanted}'.")
        canonical = self.canonical(environ, headers, names, signed, self.payload(headers, body, service))
        scope = f"{day}/{region}/{service}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        derived = keyed(keyed(keyed(keyed(b"AWS4" + key["secret"].encode(), day), region), service), "aws4_request")
        if not hmac.compare_digest(keyed(derived, to_sign).hex(), signature):
            raise Refused("SignatureDoesNotMatch", "The signature does not match: " + canonical.replace("\n", "|"))
        if service == "s3":
            _, bucket, *key = environ["PATH_INFO"].split("/", 2)
            self.check_bucket(bucket, region, environ["REQUEST_METHOD"] == "HEAD" and not any(key))

    @staticmethod
    def service(body: bytes) -> str:
        """Only S3 is not asked by forms."""
        version = re.search(rb"(?:^|&)Version=([\d-]+)", body[:4096])
        return SERVICES[version.group(1).decode()] if version else "s3"

    @staticmethod
    def check_model(environ: dict, body: bytes) -> None:
        service = Door.service(body)
        try:
            if service != "s3":
                model.check_query(service, body)
            else:
                model.check_s3(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], headers_of(environ), body)
        except model.Differs as differs:
            raise Refused("ValidationError", f"not as AWS's model has it: {differs}", 400) from None

    def check_bucket(self, name: str, region: str, is_head: bool) -> None:
        where, status = self.buckets.get(name, (region, 0))
        if where != region:
            raise Redirected(where, status) if status else Unnamed(where, region, is_head)

    def check_sums(self, environ: dict, body: bytes) -> None:
        """What buckets with Object Lock want of each object; who sends one does not know which have it.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
        """
        headers, query = headers_of(environ), dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
        upload = query.get("uploadId")
        if environ["REQUEST_METHOD"] == "PUT":
            if not any(name.startswith(("content-md5", "x-amz-checksum-", "x-amz-trailer")) for name in headers):
                raise Refused("InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests "
                              "with Object Lock parameters", 400)
            self.parts[upload, query.get("partNumber")] = headers.get("x-amz-checksum-sha256")
        elif "uploads" in query and "x-amz-checksum-algorithm" not in headers:
            raise Refused("InvalidRequest", "the parts' checksums are of an algorithm that the upload does not name", 400)
        elif upload and environ["REQUEST_METHOD"] == "POST":
            for part in ElementTree.fromstring(body):
                told = {item.tag.rpartition("}")[2]: item.text for item in part}
                if told.get("ChecksumSHA256") != self.parts[upload, told["PartNumber"]]:
                    raise Refused("InvalidPart", f"part {told['PartNumber']} has another checksum than was told when it was sent", 400)

    @staticmethod
    def check_names(headers: dict, names: list[str]) -> None:
        if names != sorted({name.lower() for name in names}) or "host" not in names:
            raise Refused("SignatureDoesNotMatch", "SignedHeaders is not lower case, sorted, unique and with host")
        for name in headers:
            if name.startswith("x-amz-") and name not in names:
                raise Refused("AccessDenied", f"There were headers present in the request which were not signed: {name}")
        for name in names:
            if name not in headers:
                raise Refused("SignatureDoesNotMatch", f"the signed header {name} was not sent")

    def check_time(self, text: str, day: str, service: str) -> str:
        try:
            time = datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            raise Refused("SignatureDoesNotMatch", f"x-amz-date cannot be read: {text}") from None
        now = self.now()
        if abs(now - time) > SKEW:
            if service == "s3":
                raise Refused("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
            word, order = ("expired", "earlier") if time < now else ("not yet current", "later")
            raise Refused("SignatureDoesNotMatch", f"Signature {word}: {text} is now {order} than {now:%Y%m%dT%H%M%SZ}")
        if text[:8] != day:
            raise Refused("SignatureDoesNotMatch", "the scope's day is not that of x-amz-date")
        return text

    @staticmethod
    def payload(headers: dict, body: bytes, service: str) -> str:
        digest, sent = hashlib.sha256(body).hexdigest(), headers.get("x-amz-content-sha256")
        if sent is None and service == "s3":
            raise Refused("InvalidRequest", "Missing required header for this request: x-amz-content-sha256", 400)
        if sent not in (None, digest):
            raise Refused("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", 400)
        return digest

    @staticmethod
    def canonical(environ: dict, headers: dict, names: list[str], signed: str, payload: str) -> str:
        raw = (environ.get("RAW_URI") or environ["PATH_INFO"]).split("?", 1)[0]
        pairs = [part.partition("=") for part in environ.get("QUERY_STRING", "").split("&") if part]
        query = "&".join(f"{name}={value}" for name, value in sorted(
            (encoded(unquote_to_bytes(name)), encoded(unquote_to_bytes(value))) for name, _, value in pairs))
        lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
        return "\n".join([environ["REQUEST_METHOD"], encoded(unquote_to_bytes(raw), "/") or "/", query, lines, signed, payload])
