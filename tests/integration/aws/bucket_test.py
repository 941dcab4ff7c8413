"""A folder of the repository as objects of a bucket: what each push, look and deletion costs, and what it leaves."""
import json
import re
import sys

from lib import wait
from lib.aws import PROVIDER, AccountScene, content, counted, stack

FILES = 200

# A provider that keeps what it is asked. Its input may not block: the provider has the same socket as its output.
RECORDER = """#!{python}
import os, select, subprocess
provider = subprocess.Popen(["{provider}"], stdin=subprocess.PIPE)
with open("{sent}", "ab", buffering=0) as sent:
    while select.select([0], [], [])[0]:
        try:
            data = os.read(0, 65536)
        except BlockingIOError:
            continue
        if not data:
            break
        sent.write(data)
        os.write(provider.stdin.fileno(), data)
provider.stdin.close()
raise SystemExit(provider.wait())
"""


class Bucket(AccountScene):
    def configure(self):
        super().configure()
        self.bucket = self.prefix + "site"
        self.account.put_by_hand(self.bucket)
        self.daemon.application["policy"] = {"buckets": [self.bucket + "/*"], "stacks": [self.prefix + "*"]}

    def site(self, **spec) -> dict:
        return content("site", self.bucket, "/site", **spec)

    def texts(self) -> dict[str, str]:
        return {key: found["text"] for key, found in self.account.objects(self.bucket).items()}

    def first(self, files: dict[str, str], **spec) -> None:
        """Pushes them as the content, and forgets what that cost."""
        self.sync(self.site(**spec), **{f"site/{name}": text for name, text in files.items()})
        self.account.calls()

    def cost(self) -> dict[str, int]:
        return counted(self.account.calls())


class Push(Bucket):
    def test_cost_follows_change(self):
        """one of many objects changed is one PUT and no list; nothing changed is no call; all of them one list besides"""
        files = {f"f{number:03}.txt": f"{number} at first\n" for number in range(FILES)}
        self.sync(self.site(), **{f"site/{name}": text for name, text in files.items()})
        self.assertEqual(self.texts(), files)
        self.assertEqual(self.cost(), {"GetCallerIdentity": 1, "GET bucket": 1, "PUT object": FILES})

        self.sync(self.site(), **{"site/f007.txt": "changed\n"})
        self.assertEqual(self.texts(), {**files, "f007.txt": "changed\n"})
        self.assertEqual(self.cost(), {"PUT object": 1})

        self.sync(self.site(), **{"elsewhere": "x"})
        self.assertEqual(self.cost(), {})

    def test_file_added_and_removed(self):
        """a new file is looked for and put; one that left the folder is looked at and deleted"""
        self.first({"a": "1", "b": "2"})
        self.sync(self.site(), **{"site/c": "3"})
        self.assertEqual(self.cost(), {"HEAD object": 1, "PUT object": 1})
        self.sync(self.site(), **{"site/a": None})
        self.assertEqual(self.texts(), {"b": "2", "c": "3"})
        self.assertEqual(self.cost(), {"HEAD object": 1, "POST bucket": 1})

    def test_keys_of_any_characters(self):
        """blanks, plus signs, percents and other alphabets stay in keys as they are in the folder, and are deleted so"""
        names = {"a b.txt": "1", "a+b.txt": "2", "100%.txt": "3", "ü/日本.txt": "4", "x&y=z;'().txt": "5", "tab\there": "6"}
        self.first(names, prefix="some dir/v+1")
        self.assertEqual(self.texts(), {f"some dir/v+1/{name}": text for name, text in names.items()})
        self.sync(self.site(prefix="some dir/v+1"), **{f"site/{name}": None for name in names}, **{"site/z": "z"})
        self.assertEqual(self.texts(), {"some dir/v+1/z": "z"})

    def test_headers(self):
        """types by extension, caching by globs; a changed rule sends what it changes, and nothing else"""
        self.first({"index.html": "<p>", "app.js": "1", "x.unknown": "2"}, cacheControl={"*.js": "max-age=31536000"})
        found = {key: one["headers"] for key, one in self.account.objects(self.bucket).items()}
        self.assertEqual({key: one["content-type"] for key, one in found.items()},
                         {"index.html": "text/html", "app.js": "text/javascript", "x.unknown": "application/octet-stream"})
        self.assertEqual(found["app.js"]["cache-control"], "max-age=31536000")
        self.sync(self.site(cacheControl={"*.js": "max-age=31536000", "*.html": "no-cache"}))
        self.assertEqual(self.account.objects(self.bucket)["index.html"]["headers"]["cache-control"], "no-cache")
        self.assertEqual(self.cost(), {"PUT object": 1})

    def test_no_header(self):
        """an empty text for caching leaves the header out where another glob would set it"""
        self.first({"index.html": "<p>", "app.js": "1"}, cacheControl={"*": "max-age=60", "*.js": ""})
        found = {key: one["headers"].get("cache-control") for key, one in self.account.objects(self.bucket).items()}
        self.assertEqual(found, {"index.html": "max-age=60", "app.js": None})

    def test_encryption(self):
        """objects are encrypted as is declared, by KMS with the key that is named; another way sends them anew"""
        key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
        self.first({"a": "1", "b": "2"}, encryption="aws:kms", kmsKey=key)
        self.assertEqual([one["encryption"] for one in self.account.objects(self.bucket).values()], [["aws:kms", key]] * 2)
        self.daemon.ctl("sync", "web")
        wait.until(lambda: "GET bucket" in (seen := counted(self.account.calls())) and seen, "it is compared")
        self.sync(self.site(encryption="AES256"))
        self.assertEqual(self.cost().get("PUT object"), 2)
        self.assertEqual([one["encryption"][0] for one in self.account.objects(self.bucket).values()], ["AES256"] * 2)

    def test_large(self):
        """a large object is sent in parts, once"""
        large = "0123456789abcdef" * (20 * 65536)
        self.first({"large.bin": large, "small": "1"})
        found = self.account.objects(self.bucket)["large.bin"]
        self.assertEqual((found["size"], found["text"] == large), (len(large), True))
        self.assertTrue(found["etag"].strip('"').endswith("-3"), found["etag"])
        self.sync(self.site(), **{"site/small": "2"})
        self.assertEqual(self.cost(), {"PUT object": 1})

    def test_failure_goes_on(self):
        """what fails is named with its reason; the next attempt sends what is missing, and not again what was sent"""
        refused = [f"S3 PUT /{self.bucket}/f005", 403, "AccessDenied", "not this one"]
        self.account.door("fail", [refused] * 10)  # it is tried again by itself
        event = self.sync(self.site(), state="failed", **{f"site/f{number:03}": "x" for number in range(20)})
        self.assertIn("the object 'f005' of the bucket", event["error"])
        self.assertIn("not this one (AccessDenied)", event["error"])
        self.assertEqual(len(self.texts()), 19)
        self.account.calls()
        self.account.door("fail", [])
        self.sync(self.site(), **{"elsewhere": "x"})
        self.assertEqual(len(self.texts()), 20)
        # That one alone, which the attempts between may have sent in vain.
        self.assertLess(self.cost().get("PUT object", 0), 5)

    def test_undecided(self):
        """a new object about which S3 could not decide whether it is one is sent again"""
        said = "The conditional request cannot succeed due to a conflicting operation against this resource."
        self.account.door("fail", [[f"S3 PUT /{self.bucket}/a", 409, "ConditionalRequestConflict", said]])
        self.sync(self.site(), **{"site/a": "1"})
        self.assertEqual(self.texts(), {"a": "1"})
        self.assertEqual(self.cost()["PUT object"], 2)

    def test_killed(self):
        """killed in the midst of a first sync it goes on where it was; only what was under way is asked for or sent again"""
        files = {f"f{number:03}.txt": f"{number}\n" for number in range(FILES)}
        under_way = [f"S3 PUT /{self.bucket}/f{number:03}.txt" for number in range(100, 108)]
        self.account.door("hold", under_way)
        event = self.daemon.accept(self.push(self.site(), **{f"site/{name}": text for name, text in files.items()}))
        self.addCleanup(self.account.door, "hold", [])
        said = rf"^create bucket/{self.bucket}: \d+ of {FILES} objects sent$"
        wait.until(lambda: re.match(said, self.daemon.status()["waits_for"] or ""), "it says how far it is")
        wait.until(lambda: len(self.texts()) == 100, "all but what is held are there")
        self.daemon.program.kill()
        self.account.door("hold", [])
        self.daemon.start()
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertIsNone(self.daemon.status()["waits_for"])
        self.assertEqual(self.texts(), files)
        cost = self.cost()
        self.assertLessEqual(cost["PUT object"], FILES + len(under_way))
        self.assertLessEqual(cost.get("HEAD object", 0), len(under_way))

    def test_restart(self):
        """what is known of the bucket outlives the process"""
        self.first({"a": "1", "b": "2"})
        self.assertEqual(self.daemon.program.stop(), 0)
        self.daemon.start()
        self.sync(self.site(), **{"site/a": "3"})
        self.assertEqual(self.texts(), {"a": "3", "b": "2"})
        cost = self.cost()
        self.assertEqual((cost.get("PUT object"), cost.get("GET bucket")), (1, None), cost)

    def test_state_lost(self):
        """without what was remembered, the bucket itself tells what stands there: nothing is sent again"""
        self.first({"a": "1", "b": "2", "c": "3"})
        self.assertEqual(self.daemon.program.stop(), 0)
        ledgers = list(self.folder.rglob("content/*.jsonl"))
        self.assertEqual(len(ledgers), 1)
        ledgers[0].unlink()
        self.daemon.start()
        self.account.calls()
        self.sync(self.site(), **{"site/a": "4", "site/c": None})
        self.assertEqual(self.texts(), {"a": "4", "b": "2"})
        self.assertEqual(self.cost()["PUT object"], 1)

    def test_rollback(self):
        """a rollback puts back what was there, object by object"""
        self.first({"a": "1", "b": "2"})
        self.sync(self.site(), **{"site/a": "3"})
        self.account.calls()
        self.daemon.ctl("rollback", "web")
        wait.until(lambda: self.texts() == {"a": "1", "b": "2"}, "it is as before", 20)
        self.assertEqual(self.cost(), {"PUT object": 1})


class LongDocument(Bucket):
    def configure(self):
        super().configure()
        self.sent, self.seen = self.folder / "sent", 0
        program = self.folder / "provider"
        program.write_text(RECORDER.format(python=sys.executable, sent=self.sent, provider=PROVIDER))
        program.chmod(0o755)
        self.daemon.config["destinations"][0]["command"] = str(program)

    def requests(self) -> list[tuple[str, int]]:
        """Method and bytes of what the provider was asked about a folder of many files since the last time."""
        rest, found = self.sent.read_bytes()[self.seen:], []
        while rest:
            head, _, body = rest.partition(b"\r\n\r\n")
            size = len(head) + 4 + int(head.split()[-1]) if body else len(rest) + 1
            if len(rest) < size:  # its end is still to come
                break
            frame, rest, self.seen = rest[len(head) + 4:size], rest[size:], self.seen + size
            method = json.loads(frame).get("method", "")
            if method in ("resolve", "plan", "apply"):
                found.append((method, len(frame)))
        return found

    def test_names_once(self):
        """the names of a folder's files are sent once for a push, and to a new process where it asks for them"""
        files = {f"a-rather-long-name-of-a-file-{number:03}": f"{number}" for number in range(FILES)}
        self.first(files)
        self.requests()
        self.sync(self.site(), **{"site/a-rather-long-name-of-a-file-007": "x"})
        asked = self.requests()
        self.assertEqual([method for method, _ in asked], ["resolve", "resolve", "plan", "apply"])
        self.assertEqual([size > 100 * FILES for _, size in asked], [False, True, False, False], asked)
        self.assertEqual(self.cost(), {"PUT object": 1})

        self.assertEqual(self.daemon.program.stop(), 0)
        self.account.put_by_hand(self.bucket, "a-rather-long-name-of-a-file-009", "by hand")
        self.daemon.application["check_interval"] = "1s"
        self.daemon.start()
        wait.until(lambda: self.texts()["a-rather-long-name-of-a-file-009"] == "9", "it is put back")
        wait.until(lambda: self.daemon.status()["status"] == "synced", "it is synced")
        asked = self.requests()
        self.assertEqual([method for method, _ in asked], ["plan", "plan", "apply"])
        self.assertEqual([size > 100 * FILES for _, size in asked], [False, True, False], asked)


class Deletion(Bucket):
    def test_left_the_repository(self):
        """a content that left the repository waits for somebody's word, and takes only its own objects"""
        self.first({"a": "1", "b": "2"})
        self.account.put_by_hand(self.bucket, "by-hand", "mine")
        event = self.daemon.accept(self.push())
        held = wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "the deletion is held")
        self.assertIn(f"delete bucket/{self.bucket} would destroy data", held["waits_for"])
        self.assertIn("- a", self.daemon.ctl("plan", "web"))
        self.assertEqual(len(self.texts()), 3)
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual(self.texts(), {"by-hand": "mine"})

    def test_others(self):
        """what others put beneath the prefix stays, unless content and policy say that all of it is this one's"""
        self.account.put_by_hand(self.bucket, "by-hand", "mine")
        self.first({"a": "1"})
        self.assertEqual(self.texts(), {"a": "1", "by-hand": "mine"})
        event = self.sync(self.site(delete="all"), state="failed")
        self.assertIn("the policy does not allow to delete what others put beneath", event["error"])
        self.assertIn("web/all.yaml:2:", event["error"])
        self.daemon.application["policy"]["exclusive"] = [self.bucket]
        self.daemon.reload()
        event = self.daemon.accept(self.push(self.site(delete="all"), **{"x": "y"}))
        held = wait.until(lambda: (s := self.daemon.status())["phase"] == "held" and s, "it is held")
        self.assertIn("would destroy data", held["waits_for"])
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual(self.texts(), {"a": "1"})

    def test_passing(self):
        """an object that S3 did not delete since something was wrong there is tried again by itself"""
        self.first({"a": "1", "b": "2"})
        self.account.door("fail", [[f"S3 POST /{self.bucket}/", 200, "InternalError", "We encountered an internal error.", "a"]])
        self.sync(self.site(), **{"site/a": None})
        self.assertEqual(self.texts(), {"b": "2"})
        self.assertEqual(self.cost()["POST bucket"], 2)

    def test_refused(self):
        """an object that S3 refuses to delete is told with its code, and with the way out where there is one"""
        self.first({"a": "1", "b": "2"})
        for code, way_out in (("AccessDenied", True), ("InvalidRequest", False)):
            with self.subTest(code):
                self.account.door("fail", [[f"S3 POST /{self.bucket}/", 200, code, "Not this one", "a"]])
                event = self.sync(self.site(), state="failed", **{"site/a": None, "elsewhere": code})
                self.assertIn(f"the object 'a' of the bucket '{self.bucket}' was not deleted: Not this one ({code})", event["error"])
                self.assertEqual("allow s3:DeleteObject" in event["error"], way_out, event["error"])
                self.sync(self.site(), **{"site/a": "1"})

    def test_none(self):
        """with `delete: none`, what left the folder stays"""
        self.first({"a": "1", "b": "2"}, delete="none")
        self.sync(self.site(delete="none"), **{"site/a": None})
        self.assertEqual(self.texts(), {"a": "1", "b": "2"})


class Ownership(Bucket):
    def configure(self):
        super().configure()
        self.daemon.config["applications"].append({**self.daemon.application, "name": "other", "path": "other"})

    def test_others_content(self):
        """objects of another application are a conflict, and stay; ones of nobody are taken over"""
        self.account.put_by_hand(self.bucket, "b", "nobody's")
        self.sync(self.site(), **{"site/a": "1", "site/b": "2", "other/site.yaml": ""})
        self.assertEqual(self.texts(), {"a": "1", "b": "2"})
        self.checkout.commit({"other/site.yaml": json.dumps(content("theirs", self.bucket, "/theirs", prefix="x")),
                              "theirs/f": "theirs"})
        self.checkout.push()
        self.daemon.push_and_wait(self.checkout.head())
        self.assertEqual(self.texts(), {"a": "1", "b": "2", "x/f": "theirs"})
        event = self.sync(self.site(), state="failed", **{"site/x/f": "ours"})
        self.assertIn("the object 'x/f' of the bucket", event["error"])
        self.assertIn("belongs to application 'other'", event["error"])
        self.assertEqual(self.texts()["x/f"], "theirs")

    def test_handed_over(self):
        """a content that moves to another application's folder in one commit is handed over, and nothing is deleted"""
        self.sync(self.site(), **{"site/a": "1", "site/b": "2", "other/site.yaml": ""})
        self.account.put_by_hand(self.bucket, "by-hand", "mine")
        before = self.account.objects(self.bucket)["a"]["headers"]["x-amz-meta-gitopsd-owner"]
        self.account.calls()
        self.checkout.commit({"web/all.yaml": "", "other/site.yaml": json.dumps(self.site())})
        self.checkout.push()
        self.daemon.push_and_wait(self.checkout.head())
        found = self.account.objects(self.bucket)
        self.assertEqual(self.texts(), {"a": "1", "b": "2", "by-hand": "mine"})
        self.assertTrue(before.endswith("/web"), before)
        self.assertTrue(all(found[key]["headers"]["x-amz-meta-gitopsd-owner"].endswith("/other") for key in "ab"), found)
        self.assertNotIn("POST bucket", self.cost())

    def test_overlap(self):
        """two contents of one application that hold the same keys are refused by file and line"""
        event = self.sync(self.site(), content("docs", self.bucket, "/site", prefix="docs"), state="failed", **{"site/a": "1"})
        self.assertIn("the BucketContents 'site' and 'docs' overlap", event["error"])
        self.assertIn("web/all.yaml:4:", event["error"])
        self.assertEqual(self.texts(), {})

    def test_policy(self):
        """a bucket that the policy does not name gets nothing"""
        event = self.sync(content("site", self.prefix + "another", "/site"), state="failed", **{"site/a": "1"})
        self.assertIn(f"the policy does not allow '{self.prefix}another/'", event["error"])

    def test_missing_bucket(self):
        """a bucket that does not exist is an error that says so"""
        name = self.bucket + "-2"
        self.daemon.application["policy"]["buckets"] = [name]
        self.daemon.reload()
        event = self.sync(content("site", name, "/site"), state="failed", **{"site/a": "1"})
        self.assertIn(f"there is no bucket '{name}'", event["error"])


class OtherRegion(Bucket):
    def test_another_region(self):
        """a bucket of another region is asked there, which S3 says once, in whichever way"""
        names = {f"{self.bucket}-{status}": status for status in (301, 307, 400)}
        for name in names:
            self.account.put_by_hand(name)
        self.account.door("buckets", {name: ["eu-west-1", status] for name, status in names.items()})
        self.daemon.application["policy"]["buckets"] = [self.bucket + "-*"]
        self.daemon.reload()
        sites = [content(f"site{status}", name, "/site") for name, status in names.items()]
        self.sync(*sites, **{"site/a": "1", "site/b": "2"})
        self.assertEqual(self.cost(), {"GetCallerIdentity": 1, "GET bucket": 6, "PUT object": 6})
        self.sync(*sites, **{"site/a": None, "site/b": "3"})
        self.assertEqual([{key: one["text"] for key, one in self.account.objects(name).items()} for name in names], [{"b": "3"}] * 3)
        self.assertEqual(self.cost(), {"HEAD object": 3, "POST bucket": 3, "PUT object": 3})

    def test_enabled_region(self):
        """a bucket of a region that accounts have to enable is asked for its region, which no refusal tells, once"""
        self.account.door("buckets", {self.bucket: ["eu-west-1", 0]})
        self.sync(self.site(), **{"site/a": "1"})
        self.assertEqual(self.texts(), {"a": "1"})
        self.assertEqual(self.cost(), {"GetCallerIdentity": 1, "GET bucket": 2, "HEAD bucket": 1, "PUT object": 1})

    def test_another_partition(self):
        """where an answer names no region that the credentials are good for, nobody asks there"""
        self.account.door("buckets", {self.bucket: ["cn-north-1", 301]})
        event = self.sync(self.site(), state="failed", **{"site/a": "1"})
        self.assertIn(f"s3:ListBucket of arn:aws:s3:::{self.bucket} was refused: the bucket is in cn-north-1", event["error"])
        self.assertIn("a destination of that region", event["error"])
        asked = self.cost()["GET bucket"]
        self.assertLessEqual(asked, len(self.daemon.get("/v1/applications/web/syncs")["syncs"]), "once for each attempt")


class WithStack(Bucket):
    def test_bucket_of_a_stack(self):
        """a stack that makes the bucket, and its content, in one commit; both leave in one"""
        name = self.prefix + "made"
        self.daemon.application["policy"] = {"stacks": [self.prefix + "*"], "buckets": [name]}
        self.daemon.reload()
        template = f"Resources: {{B: {{Type: AWS::S3::Bucket, Properties: {{BucketName: {name}}}}}}}\n"
        self.sync(content("site", name, "/site", requires=[self.prefix + "s"]), stack(self.prefix + "s", "/t.yaml"),
                  **{"site/a": "1", "t.yaml": template})
        self.assertEqual(self.account.objects(name)["a"]["text"], "1")
        event = self.daemon.accept(self.push())
        wait.until(lambda: self.daemon.status()["phase"] == "held", "it is held")
        self.account.calls()
        self.daemon.ctl("approve", "web")
        self.assertEqual(self.daemon.wait_ended(event)["state"], "succeeded")
        self.assertEqual(self.account.objects(name), {})
        calls = self.account.calls()
        self.assertLess(calls.index(f"S3 POST /{name}/"), calls.index("DeleteStack"), "AWS deletes empty buckets alone")
        self.assertNotIn(self.prefix + "s", self.account.stacks())


class Drift(Bucket):
    def configure(self):
        super().configure()
        self.daemon.application["check_interval"] = "1s"

    def test_changed(self):
        """an object that somebody changed is put back, and no other is sent"""
        self.first({"a": "1", "b": "2", "c": "3"})
        self.account.put_by_hand(self.bucket, "b", "9")  # as many bytes, in the same second
        wait.until(lambda: self.texts() == {"a": "1", "b": "2", "c": "3"}, "it is put back", 20)
        self.assertEqual(self.cost()["PUT object"], 1)

    def test_deleted(self):
        """an object that somebody deleted is put back"""
        self.first({"a": "1", "b": "2"})
        self.account.put_by_hand(self.bucket, "a", None)
        wait.until(lambda: self.texts() == {"a": "1", "b": "2"}, "it is put back", 20)

    def test_look(self):
        """a look at an untouched bucket is one list, large objects among it"""
        self.first({"a": "1", "large": "0123456789abcdef" * (17 * 65536)})
        calls = wait.until(lambda: self.account.calls(), "it looks", 20)
        self.assertEqual(counted(calls).keys(), {"GET bucket"})

    def test_state_lost(self):
        """without what was remembered a look asks about each object once, sends none, and is a list again from then on"""
        self.first({"a": "1", "b": "2"})
        self.assertEqual(self.daemon.program.stop(), 0)
        (ledger,) = self.folder.rglob("content/*.jsonl")
        ledger.unlink()
        self.account.calls()
        self.daemon.start()
        seen: list[str] = []

        def lists_alone() -> bool:
            fresh = self.account.calls()
            seen.extend(fresh)
            return "HEAD object" in counted(seen) and set(counted(fresh)) == {"GET bucket"}

        wait.until(lists_alone, "it knows again", 20)
        self.assertEqual(counted(seen).get("HEAD object"), 2)
        self.assertNotIn("PUT object", counted(seen))

    def test_extra(self):
        """what somebody puts beneath a prefix that is this content's alone is deleted"""
        self.daemon.application["policy"]["exclusive"] = [self.bucket + "/x"]
        self.daemon.reload()
        self.first({"a": "1"}, prefix="x", delete="all")
        self.account.put_by_hand(self.bucket, "x/extra", "by hand")
        self.account.put_by_hand(self.bucket, "y", "elsewhere")
        wait.until(lambda: self.texts() == {"x/a": "1", "y": "elsewhere"}, "it is deleted", 20)
