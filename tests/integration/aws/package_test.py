"""Templates that name files of their repository: what is uploaded, under which keys, and what CloudFormation is given."""
import hashlib
import io
import json
import zipfile

from lib.aws import AccountScene, counted, stack

FUNCTION = """\
# The API's one function.
Parameters:
  Size: {Type: Number, Default: 128}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}}
  Handler:
    Type: AWS::Lambda::Function
    Properties:
      Handler: app.handler
      Runtime: python3.12
      MemorySize: !Ref Size   # in MB
      Role: !GetAtt Role.Arn
      Description: !Sub "of ${AWS::StackName}"
      Code: ../code
"""
QUEUE = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: !Sub '${AWS::StackName}-jobs'}\n"


class Package(AccountScene):
    def configure(self):
        super().configure()
        self.bucket = self.prefix + "artifacts"
        self.account.put_by_hand(self.bucket)
        self.daemon.config["destinations"][0]["settings"]["artifacts"] = {"bucket": self.bucket, "prefix": "p/"}

    def zipped(self, key: str) -> dict[str, str]:
        """A zip archive of the artifacts' bucket, as files."""
        bytes_ = self.account.object_bytes(self.bucket, key)
        with zipfile.ZipFile(io.BytesIO(bytes_)) as archive:
            self.assertEqual({entry.date_time for entry in archive.infolist()}, {(1980, 1, 1, 0, 0, 0)})
            self.assertEqual({entry.external_attr >> 16 for entry in archive.infolist()}, {0o100755})
            return {name: archive.read(name).decode() for name in archive.namelist()}

    def test_code(self):
        """a Lambda's folder is zipped and named by its digest; the template is else what it was, to the byte"""
        name = self.prefix + "api"
        files = {"templates/api.yaml": FUNCTION, "code/app.py": "def handler(*_): pass\n", "code/lib/ü.py": "x = 1\n"}
        self.sync(stack(name, "/templates/api.yaml"), **files)
        (key,) = self.account.objects(self.bucket)
        self.assertRegex(key, "^p/[0-9a-f]{64}$")
        self.assertEqual(self.account.stacks()[name]["template"],
                         FUNCTION.replace("../code", json.dumps({"S3Bucket": self.bucket, "S3Key": key}, separators=(",", ":"))))
        self.assertEqual(self.zipped(key), {"app.py": files["code/app.py"], "lib/ü.py": "x = 1\n"})
        self.account.calls()

        self.sync(stack(name, "/templates/api.yaml", parameters={"Size": 256}))
        self.assertNotIn("PUT object", counted(self.account.calls()), "the same code is not sent again")
        self.sync(stack(name, "/templates/api.yaml", parameters={"Size": 256}), **{"code/app.py": "def handler(*_): return 1\n"})
        self.assertEqual(counted(self.account.calls())["PUT object"], 1)
        (fresh,) = self.account.objects(self.bucket).keys() - {key}
        self.assertIn(fresh, self.account.stacks()[name]["template"])

    def test_old(self):
        """what is older than a week is put again, so that a lifecycle rule takes nothing that is in use; what is younger is not"""
        name = self.prefix + "api"
        self.sync(stack(name, "/templates/api.yaml"), **{"templates/api.yaml": FUNCTION, "code/app.py": "def handler(*_): pass\n"})
        (key,) = self.account.objects(self.bucket)
        for days, puts, left in ((6, 0, 6), (8, 1, 0)):
            self.account.let_age(self.bucket, key, days)
            self.daemon.program.stop()  # with what it remembers
            self.daemon.start()
            self.account.calls()
            self.sync(stack(name, "/templates/api.yaml", parameters={"Size": 128 + days}))
            self.assertEqual(counted(self.account.calls()).get("PUT object", 0), puts)
            self.assertEqual({key: one["days"] for key, one in self.account.objects(self.bucket).items()}, {key: left})

    def test_nested(self):
        """templates within templates are packaged from the innermost out, each beside its own folder"""
        name = self.prefix + "outer"
        outer = "Resources:\n  Inner:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: nested/inner.yaml}\n"
        inner = FUNCTION.replace("../code", "code/app.py")
        self.sync(stack(name, "/templates/outer.yaml"),
                  **{"templates/outer.yaml": outer, "templates/nested/inner.yaml": inner, "templates/nested/code/app.py": "x = 1\n"})
        found = self.account.objects(self.bucket)
        self.assertEqual(len(found), 2)
        (inner_key,) = [key for key, one in found.items() if one["text"].startswith("# The API's")]
        (code_key,) = found.keys() - {inner_key}
        self.assertEqual(inner_key, "p/" + hashlib.sha256(found[inner_key]["text"].encode()).hexdigest())
        self.assertIn(code_key, found[inner_key]["text"])
        self.assertEqual(self.zipped(code_key), {"app.py": "x = 1\n"})
        self.assertEqual(self.account.stacks()[name]["template"],
                         outer.replace("nested/inner.yaml", f'"https://{self.bucket}.s3.eu-central-1.amazonaws.com/{inner_key}"'))

    def test_large(self):
        """a template beyond 51,200 bytes is given by its URL, and is what it was"""
        name = self.prefix + "large"
        large = "# " + "x" * 60_000 + "\n" + QUEUE
        self.sync(stack(name, "/large.yaml"), **{"large.yaml": large})
        self.assertEqual(self.account.stacks()[name]["template"], large)
        self.assertEqual(list(self.account.objects(self.bucket)), ["p/" + hashlib.sha256(large.encode()).hexdigest()])

    def test_another_region(self):
        """the bucket may be in another region, which templates that are nested are named by"""
        self.account.door("buckets", {self.bucket: ["eu-west-1", 301]})
        name = self.prefix + "outer"
        outer = "Resources:\n  Inner:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: inner.yaml}\n"
        self.sync(stack(name, "/outer.yaml"), **{"outer.yaml": outer, "inner.yaml": QUEUE})
        (key,) = self.account.objects(self.bucket)
        self.assertIn(f"https://{self.bucket}.s3.eu-west-1.amazonaws.com/{key}", self.account.stacks()[name]["template"])
        self.assertEqual({call: count for call, count in counted(self.account.calls()).items() if "object" in call},
                         {"HEAD object": 2, "PUT object": 1})

    def test_enabled_region(self):
        """a bucket of a region that accounts have to enable is found by a HEAD, too, whose answer has no words"""
        self.account.door("buckets", {self.bucket: ["eu-west-1", 0]})
        name = self.prefix + "large"
        self.sync(stack(name, "/large.yaml"), **{"large.yaml": "# " + "x" * 60_000 + "\n" + QUEUE})
        self.assertEqual(len(self.account.objects(self.bucket)), 1)
        self.assertEqual({call: count for call, count in counted(self.account.calls()).items() if call.startswith(("HEAD", "PUT"))},
                         {"HEAD object": 2, "HEAD bucket": 1, "PUT object": 1})

    def test_missing(self):
        """a path that the repository has not, and a template that nests itself, are errors that name both files"""
        event = self.sync(stack(self.prefix + "api", "/templates/api.yaml"), state="failed", **{"templates/api.yaml": FUNCTION})
        self.assertIn('the repository has no file "code"', event["error"])
        self.assertIn("web/all.yaml:2:", event["error"])
        nested = "Resources: {A: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: loop.yaml}}}\n"
        event = self.sync(stack(self.prefix + "loop", "/templates/loop.yaml"), state="failed", **{"templates/loop.yaml": nested})
        self.assertIn("'/templates/loop.yaml', line 1: TemplateURL of A: 'loop.yaml' nests itself", event["error"])

    def test_not_byte_for_byte(self):
        """a template that names nothing goes as it is, and needs no bucket"""
        self.sync(stack(self.prefix + "queue", "/queue.yaml"), **{"queue.yaml": QUEUE})
        self.assertEqual(self.account.objects(self.bucket), {})
        self.assertEqual(self.account.stacks()[self.prefix + "queue"]["template"], QUEUE)


class WithoutBucket(AccountScene):
    def test_told(self):
        """without a bucket for artifacts, what needs one is refused with the way out"""
        event = self.sync(stack(self.prefix + "api", "/templates/api.yaml"), state="failed",
                          **{"templates/api.yaml": FUNCTION, "code/app.py": "x"})
        self.assertIn("line 16: Code of Handler: '../code' is of the repository, and the destination has no bucket", event["error"])
        self.assertIn("artifacts: {bucket: NAME}", event["error"])
        event = self.sync(stack(self.prefix + "large", "/large.yaml"), state="failed",
                          **{"large.yaml": "# " + "x" * 60_000 + "\n" + QUEUE})
        self.assertIn("CloudFormation takes 51200", event["error"])
