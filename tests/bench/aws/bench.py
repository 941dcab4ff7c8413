"""CloudFormation stacks in moto, behind the tests' strict door, which counts the calls; the peer is `aws cloudformation deploy` of PyPI's
awscli on the same account. What moto takes for a call is not what AWS takes: calls are what counts, and the times show what is beside them.
"""
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from lib import gitopsd, process, wait
from lib_bench.figure import Figure
from lib_bench.scene import Scene, median_ms, scaled

ROOT = Path(__file__).resolve().parents[3]
STACKS, PUSHES = 100, 10
QUEUES = 8


def python_with(requirements: str) -> str:
    """The Python of a virtual environment in the tests' cache that has what this file lists."""
    return subprocess.run(["bash", "-c", f". tests/lib/suite.sh; . tests/lib/moto.sh; need_python {requirements}"], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]


def template(text: str) -> str:
    """Sixteen resources in some kilobytes, as a service's queues are; without parameters, on which moto fails where nothing changes."""
    resources = "".join(f"""\
  Queue{i}:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      MessageRetentionPeriod: 1209600
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt Dead{i}.Arn
        maxReceiveCount: 5
      Tags:
        - {{Key: purpose, Value: "{text}"}}
        - {{Key: part, Value: "{i}"}}
  Dead{i}:
    Type: AWS::SQS::Queue
    Properties:
      MessageRetentionPeriod: 1209600
      Tags: [{{Key: part, Value: "dead letters of {i}, which somebody looks at by hand once a day"}}]
""" for i in range(QUEUES))
    return f'AWSTemplateFormatVersion: "2010-09-09"\nDescription: The queues of a service\nResources:\n{resources}'


def name_of(number: int) -> str:
    return f"bench-{number:03}"


def stack_file(number: int) -> dict[str, str]:
    document = {"apiVersion": "aws.gitopsd.io/v1", "kind": "Stack", "metadata": {"name": name_of(number)},
                "spec": {"template": f"/templates/{name_of(number)}.yaml"}}
    return {f"web/{name_of(number)}.yaml": json.dumps(document)}


def template_file(number: int, text: str) -> dict[str, str]:
    return {f"templates/{name_of(number)}.yaml": template(text)}


class Bench(Scene):
    def __init__(self, count: int):
        super().__init__()
        os.environ["MOTO"] = python_with("tests/aws/requirements.txt")
        from lib import aws  # starts what MOTO names
        self.count = count
        self.account = aws.Account(self.folder / "account").start()
        self.stack.callback(self.account.stop)
        self.daemon.config["destinations"] = [{
            "name": "here", "provider": "aws", "command": str(gitopsd.BUILD / "providers/aws/gitopsd-provider-aws"),
            "settings": {"region": aws.REGION, "account": aws.ACCOUNT, "endpoint": self.account.url,
                         "credentialsFile": str(self.account.credentials())}}]
        self.daemon.application.update({"policy": {"stacks": ["bench-*"]}, "check_interval": "24h"})

    def declare(self) -> None:
        files = {}
        for number in range(self.count):
            files |= stack_file(number) | template_file(number, "at first")
        self.converge(files)
        whole = [one for one in self.account.stacks().values() if one["status"] == "CREATE_COMPLETE"]
        if len(whole) != self.count:
            raise AssertionError(f"{len(whole)} of {self.count} stacks were created")
        self.account.calls()

    def timed(self, files: dict[str, str]) -> tuple[float, list[str]]:
        """A push: seconds from its POST to its event's end, and the calls that it cost."""
        commit = self.origin.checkout.commit(files)
        self.origin.checkout.push()
        began = time.monotonic()
        event = self.daemon.accept(commit)
        wait.until(lambda: self.daemon.event(event)["ended"], f"event {event} ends", 60, 0.002)
        took = time.monotonic() - began
        self.ended(event)
        return took, self.account.calls()

    def restart(self, **settings) -> float:
        """Seconds until all that is there was compared anew."""
        self.daemon.program.stop()
        self.daemon.application.update(settings)
        began = time.monotonic()
        self.daemon.start()
        wait.until(lambda: self.daemon.status()["status"] == "synced", "all of it was compared", 60, 0.005)
        return time.monotonic() - began

    def look(self) -> list[str]:
        """The calls of one look by the interval, alone: between two of them a second passes without any."""
        def nothing_comes() -> bool:
            self.account.calls()
            time.sleep(1)
            return not self.account.calls()
        found: list[str] = []

        def begun() -> bool:
            found.extend(self.account.calls())
            return bool(found)
        wait.until(nothing_comes, "no look runs", 60)
        wait.until(begun, "a look begins", 60)
        time.sleep(1)
        return found + self.account.calls()


class Deploy:
    """The peer: a call of awscli for each stack."""

    def __init__(self, bench: Bench):
        from lib import aws
        self.bench = bench
        self.program = Path(python_with("tests/bench/aws/requirements.txt")).parent / "aws"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(bench.folder), "AWS_DEFAULT_REGION": aws.REGION,
                            "AWS_SHARED_CREDENTIALS_FILE": str(bench.account.credentials()), "AWS_ENDPOINT_URL": bench.account.url}

    def deploy(self, number: int, text: str) -> None:
        file = self.bench.folder / "peer.yaml"
        file.write_text(template(text))
        process.run(self.program, "cloudformation", "deploy", "--stack-name", f"peer-{number:03}", "--template-file", file,
                    "--no-fail-on-empty-changeset", env=self.environment, seconds=60)

    def timed(self, numbers: range, text: str) -> tuple[float, list[str]]:
        self.bench.account.calls()
        began = time.monotonic()
        for number in numbers:
            self.deploy(number, text)
        return time.monotonic() - began, self.bench.account.calls()


def aws_stacks(_) -> Iterator[Figure]:
    """100 stacks of 16 resources: a push without a change, with one of them changed, a look at all; beside aws cloudformation deploy"""
    count = scaled(STACKS, 5)
    with Bench(count).start() as bench:
        bench.declare()
        peer = Deploy(bench)
        for number in range(count):
            peer.deploy(number, "at first")
        bench.account.calls()

        ours = [bench.timed({"web/notes.txt": f"{turn}\n"}) for turn in range(PUSHES)]
        theirs, their_calls = peer.timed(range(count), "at first")
        yield Figure("aws no-op calls", max(len(calls) for _, calls in ours), "calls", len(their_calls), "awscli", 0, True, True)
        yield Figure("aws no-op", median_ms([took for took, _ in ours]), "ms", theirs * 1000, "awscli")

        ours = [bench.timed(template_file(turn, f"turn {turn}")) for turn in range(min(PUSHES, count))]
        theirs, their_calls = peer.timed(range(1), "another")
        yield Figure("aws one changed calls", max(len(calls) for _, calls in ours), "calls", len(their_calls), "awscli", 5, True, True)
        yield Figure("aws one changed", median_ms([took for took, _ in ours]), "ms", theirs * 1000, "awscli")

        took = bench.restart(check_interval="5s")
        calls = bench.look()
        pages = -(-2 * count // 50)  # the peer's stacks are there, too
        yield Figure("aws look calls", len(calls), "calls", pages, "pages", pages, True, True)
        yield Figure("aws start to compared", took * 1000, "ms")


NAMES = {"aws-stacks": aws_stacks}
LONG = {"aws-stacks"}
