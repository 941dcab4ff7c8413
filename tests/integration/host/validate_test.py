"""gitopsctl validate on a checkout: what the providers that are here have against what it declares."""
from lib.checkout_case import CheckoutScene

FILE = "apiVersion: host.gitopsd.io/v1\nkind: File\nmetadata: {name: %s}\nspec: {path: %s, %s}\n"
STACK = "apiVersion: aws.gitopsd.io/v1\nkind: Stack\nmetadata: {name: %s}\nspec: {%s}\n"


class Validate(CheckoutScene):
    def setUp(self):
        """An application of a host, one of AWS, and one of a provider that is elsewhere."""
        super().setUp()
        self.config = {
            "repositories": [{"name": "infra", "url": "https://git.example.com/infra.git"}],
            "destinations": [
                {"name": "h", "provider": "host", "socket": "/nowhere/host.sock"}, {"name": "o", "provider": "odd", "socket": "/nowhere/odd.sock"},
                {"name": "a", "provider": "aws", "settings": {
                    "region": "eu-central-1", "account": "123456789012", "credential": "elsewhere", "profile": "prod"}}],
            "applications": [
                {"name": "files", "repository": "infra", "path": "hosts", "destination": "h", "policy": {"paths": ["/srv/www"]},
                 "substitute": {"A": "a"}},
                {"name": "stacks", "repository": "infra", "path": "aws", "destination": "a", "policy": {"stacks": ["web-*"]}},
                {"name": "odd", "repository": "infra", "path": "odd", "destination": "o"}]}
        self.write({"hosts/a.yaml": FILE % ("a", "/srv/www/a", "source: '${A}.txt'"), "hosts/a.txt": "a\n",
                    "odd/a.yaml": FILE % ("odd", "/x", "content: x"),
                    "aws/net.yaml": STACK % ("web-net", "template: /templates/net.json"), "templates/net.json": "{}"})

    def test_good(self):
        """a checkout with nothing wrong is shown to each provider that is a program here, and the others are named"""
        said = self.configured(0)
        self.assertEqual((said["applications"], said["documents"]), (3, 3))
        (odd,) = said["not_checked"]
        self.assertIn('destination o: kinds, fields and policy: its provider "odd" answers only at /nowhere/odd.sock', odd)

    def test_credentials_elsewhere(self):
        """a file of credentials that is elsewhere, and the profile in it, keep nothing from being checked"""
        settings = self.config["destinations"][2]["settings"]
        del settings["credential"]
        settings["credentialsFile"] = "/nowhere/credentials"
        self.write({"aws/net.yaml": STACK % ("db", "template: /templates/net.json")})
        (problem,) = self.configured(1)["problems"]
        self.assertIn("policy", problem["message"])

    def test_wrong(self):
        """what they have against kinds, fields and policy is told with what is wrong with the files, by place"""
        self.write({
            "hosts/a.yaml": FILE % ("a", "/srv/www/a", "source: b.txt"),
            "hosts/b.yaml": FILE % ("b", "/etc/passwd", "content: x") + "---\n" + FILE % ("c", "/srv/www/c", "content: x, contents: y") + "---\nkind: File\n",
            "hosts/d.yaml": FILE % ("d", "/srv/www/d", "content: '${A'"),
            "hosts/e.yaml": FILE % ("e", "/srv/www/e", "content: x") + "---\n" + FILE % ("f", "/srv/www/e", "content: x"),
            "aws/a.yaml": STACK % ("web-a", "template: /templates/net.json, templat: x"), "aws/b.yaml": STACK % ("db", "template: /templates/net.json")})
        found = [(p["file"], p["line"], p["message"]) for p in self.configured(1)["problems"]]
        expected = [("aws/a.yaml", 4, "'templat'"), ("aws/b.yaml", 3, "policy"), ("hosts/a.yaml", 4, 'no file "hosts/b.txt"'),
                    ("hosts/b.yaml", 4, "/etc/passwd"), ("hosts/b.yaml", 9, "'contents'"), ("hosts/b.yaml", 11, "apiVersion"),
                    ("hosts/d.yaml", 4, "is no variable"), ("hosts/e.yaml", 9, "declared twice")]
        self.assertEqual([(file, line) for file, line, _ in found], [(file, line) for file, line, _ in expected], found)
        for (_, _, message), (_, _, words) in zip(found, expected):
            self.assertIn(words, message)

    def test_policy(self):
        """a policy that its provider refuses is told at its place in the configuration"""
        self.config["applications"][0]["policy"] = {"pathes": ["/srv/www"]}
        (problem,) = self.configured(1)["problems"]
        self.assertEqual(problem["file"], str(self.root / "gitopsd.yaml"))
        self.assertIn("application files: policy: unknown key 'pathes'", problem["message"])
