"""Ten templates of the usual kinds, in YAML with its short forms and in JSON, through the life of a stack."""
from lib import process
from lib.aws import AccountScene, stack

FOLDER = process.ROOT / "tests" / "aws" / "templates"
#: A parameter of each that is changed, and which resources of it outlive the stack.
CHANGES = {"network.yaml": {"Stage": "production"}, "web-servers.yaml": {"Most": 4}, "database.yaml": {"KeepBackups": 14},
           "container-service.yaml": {"Count": 3}, "website.yaml": {"Keep": 60}, "api.yaml": {"Seconds": 20},
           "orders.yaml": {"Batch": 50}, "notices.json": {"Visible": 45}, "people.yaml": {"Session": 7200},
           "alarms.yaml": {"MostErrors": 9}}
RETAINED = {"website.yaml": "Logs (AWS::S3::Bucket)", "orders.yaml": "Orders (AWS::DynamoDB::Table)"}


class Templates(AccountScene):
    def configure(self):
        super().configure()
        self.policy.update(capabilities=["CAPABILITY_NAMED_IAM"], data={"allow": ["delete", "replace"]})

    def declared(self, **changed: dict) -> list[dict]:
        return [stack(self.name_of(file), f"/templates/{file}", capabilities=["CAPABILITY_NAMED_IAM"],
                      parameters=changed.get(file, {})) for file in CHANGES]

    def name_of(self, file: str) -> str:
        return self.prefix + file.split(".")[0]

    def counted(self) -> dict[str, int]:
        calls = self.account.calls()
        return {name: calls.count(name) for name in sorted(set(calls))}

    def test_life(self):
        """ten templates of the usual kinds are created, changed, left alone and deleted, with no call too many"""
        files = {f"templates/{file}": (FOLDER / file).read_text() for file in CHANGES}
        self.sync(*self.declared(), **files)
        made = self.account.stacks()
        for file in CHANGES:
            one = made[self.name_of(file)]
            self.assertEqual((one["status"], one["template"]), ("CREATE_COMPLETE", files[f"templates/{file}"]), file)
        calls = self.counted()
        self.assertEqual((calls["CreateChangeSet"], calls["ExecuteChangeSet"]), (10, 10), calls)

        self.sync(*self.declared(), **{"other": "x"})
        self.assertEqual(self.counted(), {}, "a commit that changes no stack asks for nothing")

        for file, change in CHANGES.items():
            with self.subTest(file):
                declared = {name: value for name, value in list(CHANGES.items())[:list(CHANGES).index(file) + 1]}
                self.sync(*self.declared(**declared))
                now = self.account.stacks()[self.name_of(file)]
                self.assertEqual((now["status"], now["id"]), ("UPDATE_COMPLETE", made[self.name_of(file)]["id"]))
                ((name, value),) = change.items()
                self.assertEqual(now["parameters"][name], str(value))
                calls = self.counted()
                self.assertLessEqual(sum(calls.values()), 6, calls)

        self.held()
        plan = self.daemon.ctl("plan", "web")
        for file, resource in RETAINED.items():
            self.assertIn(f"= {resource}", plan)
        self.daemon.ctl("approve", "web")
        self.assertFalse({self.name_of(file) for file in CHANGES} & self.account.stacks().keys())
        self.assertEqual(self.counted()["DeleteStack"], 10)
