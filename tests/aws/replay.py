"""CloudFormation for tests as AWS documents it: a double of the tests' own, in memory, and no proof of what AWS does.

moto answers much of CloudFormation differently (stacks.py) or not at all: drift detection, rollbacks that fail, protection,
capabilities, pages. This follows the API reference instead, with the shapes and the error codes that it gives:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
Templates are JSON; of functions only Ref to a parameter is resolved. replay_nested.py has stacks within stacks.

Tests hold the `Replay` itself, in their own process: they make stacks, say what fails, and count calls.
An operation is under way at the first look at its stack and over at the next one, unless `hold` keeps it going.
"""
import datetime
import itertools
import json
import re
import threading
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import model
from door import Refused
from replay_nested import ONLY_FROM_ROOT, STACK, Nested, of_nested

ACCOUNT = "123456789012"
NO_CHANGE = ("The submitted information didn't contain changes. Submit different information to create a change set.")
EARLY_VALIDATION = ("The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To troubleshoot Early "
                    "Validation errors, use the DescribeEvents API for detailed failure information.")
LARGEST_BODY = 51_200
#: Properties of which AWS's reference says "Update requires: Replacement".
RECREATING = {("AWS::S3::Bucket", "BucketName"), ("AWS::SQS::Queue", "QueueName"), ("AWS::SNS::Topic", "TopicName")}


def invalid(message: str) -> Refused:
    return Refused("ValidationError", message, 400)


def xml(value) -> str:
    """Lists as `member` elements, what is None left out."""
    if isinstance(value, dict):
        return "".join(f"<{name}>{xml(item)}</{name}>" for name, item in value.items() if item is not None)
    if isinstance(value, list):
        return "".join(f"<member>{xml(item)}</member>" for item in value)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))


def in_ascii(text: str) -> str:
    """As CloudFormation gives back templates and outputs."""
    return re.sub(r"[^\x00-\x7f]", "?", text)


def text_of(value) -> str | None:
    """A property's value as change sets tell it."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


class Fields(dict):
    """A request's parameters."""

    def __init__(self, body: bytes):
        super().__init__({name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()})

    def listed(self, name: str) -> list[str] | None:
        """None where it is not given; an empty list is sent as an empty text."""
        found = {int(m[1]): value for key, value in self.items() if (m := re.fullmatch(rf"{name}\.member\.(\d+)", key))}
        return [found[number] for number in sorted(found)] if found or name in self else None

    def pairs(self, name: str, key: str, value: str) -> dict[str, str]:
        return {text: self.get(f"{name}.member.{m[1]}.{value}", "") for at, text in self.items()
                if (m := re.fullmatch(rf"{name}\.member\.(\d+)\.{key}", at))}


class Resource:
    def __init__(self, logical: str, declared: dict, properties: dict, stack: "Stack"):
        self.logical, self.type, self.properties = logical, declared["Type"], properties
        self.deletion = declared.get("DeletionPolicy", "Delete")
        self.replacing = declared.get("UpdateReplacePolicy", "Delete")
        self.physical = f"{stack.name}-{logical}-{next(stack.account.numbers)}"
        self.status = "CREATE_COMPLETE"


class Stack:
    def __init__(self, account: "Replay", region: str, name: str, status: str):
        self.account, self.region, self.name, self.status, self.reason = account, region, name, status, None
        self.id = f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/{name}/{next(account.numbers):08d}"
        self.template, self.parameters, self.tags, self.outputs = "", {}, {}, {}
        self.notifications, self.role, self.protected, self.policy = [], None, False, None
        self.created, self.updated = account.now(), None
        self.resources: dict[str, Resource] = {}
        self.events: list[dict] = []
        self.change_sets: dict[str, ChangeSet] = {}
        self.actual: dict[str, dict] = {}  # what somebody changed of a resource past CloudFormation
        self.drift, self.drift_checked = "NOT_CHECKED", None
        self.detection: str | None = None
        self.finish = None  # what ends the operation that is under way
        self.hold = False
        self.looked = False
        self.parent: Stack | None = None
        self.stale: list[dict] = []  # what the next looks at it still show

    def tell(self, logical: str, type_: str, status: str, reason: str | None, token: str | None, physical: str | None = None,
             **more) -> None:
        if logical in self.resources:
            self.resources[logical].status = status
        self.events.append({
            "StackId": self.id, "EventId": f"e{next(self.account.numbers)}", "StackName": self.name, "LogicalResourceId": logical,
            "PhysicalResourceId": physical, "ResourceType": type_, "Timestamp": self.account.now(), "ResourceStatus": status,
            "ResourceStatusReason": reason, "ClientRequestToken": token, **more})

    def become(self, status: str, token: str | None, reason: str | None = None) -> None:
        self.status, self.reason = status, reason
        self.tell(self.name, "AWS::CloudFormation::Stack", status, reason, token)

    def begin(self, status: str, token: str | None, finish) -> None:
        self.become(status, token, "User Initiated")
        self.finish, self.looked = finish, False
        if self.account.hold_next:
            self.hold, self.account.hold_next = True, False

    def lag(self) -> None:
        """An operation is about to begin, which the first looks do not show yet."""
        self.stale = [self.described()] * self.account.stale_looks

    def look(self) -> dict:
        if self.stale:
            return self.stale.pop()
        self.pass_time()
        return self.described()

    def pass_time(self) -> None:
        """Somebody has looked."""
        if self.finish and self.looked and not self.hold:
            finish, self.finish = self.finish, None
            finish()
        self.looked = True

    def described(self) -> dict:
        return {
            "StackId": self.id, "StackName": self.name, "CreationTime": self.created, "LastUpdatedTime": self.updated,
            "StackStatus": self.status, "StackStatusReason": self.reason, "DisableRollback": False,
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()],
            "Tags": [{"Key": k, "Value": v} for k, v in self.tags.items()],
            "Outputs": [{"OutputKey": k, "OutputValue": in_ascii(v)} for k, v in self.outputs.items()],
            "NotificationARNs": self.notifications, "RoleARN": self.role, "EnableTerminationProtection": self.protected,
            "DriftInformation": {"StackDriftStatus": self.drift, "LastCheckTimestamp": self.drift_checked}}


class ChangeSet:
    def __init__(self, stack: Stack, fields: Fields, type_: str):
        self.stack, self.name, self.type = stack, fields["ChangeSetName"], type_
        self.id = (f"arn:aws:cloudformation:{stack.region}:{ACCOUNT}:changeSet/{self.name}/{next(stack.account.numbers):08d}")
        self.template = fields["TemplateBody"]
        self.parameters, self.tags = fields.pairs("Parameters", "ParameterKey", "ParameterValue"), fields.pairs("Tags", "Key", "Value")
        self.notifications, self.role = fields.listed("NotificationARNs"), fields.get("RoleARN")
        self.on_failure, self.mode = fields.get("OnStackFailure", "ROLLBACK"), fields.get("DeploymentMode")
        self.chosen = "OnStackFailure" in fields
        self.imports = fields.get("ImportExistingResources") == "true"
        self.status, self.reason, self.execution = "CREATE_PENDING", None, "UNAVAILABLE"
        self.changes: list[dict] = []
        self.nested = fields.get("IncludeNestedStacks") == "true"
        self.parent: ChangeSet | None = None
        self.inner: dict[str, ChangeSet] = {}  # of nested stacks, by logical id
        self.late = False  # one more look finds it unfinished

    def described(self) -> dict:
        return {"ChangeSetName": self.name, "ChangeSetId": self.id, "StackId": self.stack.id, "StackName": self.stack.name,
                "Status": self.status, "StatusReason": self.reason, "ExecutionStatus": self.execution, "DeploymentMode": self.mode,
                "StackDriftStatus": self.stack.drift if self.mode else None, "IncludeNestedStacks": self.nested,
                "ParentChangeSetId": self.parent.id if self.parent else None}


class Replay(Nested):
    """The account, as a WSGI application."""

    def __init__(self):
        super().__init__()
        self.lock = threading.RLock()
        self.numbers = itertools.count(1)
        self.clock = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
        self.stacks: list[Stack] = []
        self.page = 50
        self.fails: dict[str, str] = {}  #: why an operation fails at a resource, by logical id; likewise:
        self.hooks: dict[str, list[dict]] = {}  #: what Hooks say of a resource, as their events' fields, by its logical id
        self.rollback_fails: dict[str, str] = {}
        self.delete_fails: dict[str, str] = {}
        self.unchecked: set[str] = set()  #: types without drift detection
        self.unread: set[str] = set()  #: types that drift detection cannot read
        self.change_set_fails = ""  #: why the next change set comes to nothing
        self.phantoms: list[dict] = []  #: changes that a drift-aware change set shows though nothing there has drifted
        self.recreates: str | None = "Add"  #: how a drift-aware change set shows that it makes a deleted resource again; None: not at all
        self.lose: list[str] = []  #: actions of which the answer is lost, once each
        self.skipped: list[str] = []
        #: what the next change sets are in that somebody looks at, since somebody else deletes them; None: they are gone
        self.unwanted: list[str | None] = []
        self.findings: list[dict] = []  #: operation events of validations, for which the next change sets fail
        self.stalls = False  #: change sets are not made until it is taken away, and as on AWS cannot be deleted meanwhile
        self.stale_looks = 0  #: how many looks at a stack do not show yet that an operation has begun, as AWS is eventually consistent
        self.hold_next = False  #: the next operation goes on until its stack's `hold` is taken away
        self.asked: list[tuple[str, Fields]] = []
        self.tokens: dict[tuple, str] = {}
        self.detections: dict[str, list] = {}
        self.invented: list[str] = []  #: what AWS's models do not have of what was answered

    # ---- for tests

    def now(self) -> str:
        """It moves on with every question."""
        self.clock += datetime.timedelta(seconds=1)
        return self.clock.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def put(self, name: str, template: dict, region: str = "eu-central-1", status: str = "CREATE_COMPLETE", **more) -> Stack:
        """A stack that somebody made."""
        with self.lock:
            stack = Stack(self, region, name, status)
            stack.template, stack.parameters = json.dumps(template), self.parameters_of(template, {})
            for logical, declared in template.get("Resources", {}).items():
                properties = self.resolved(declared.get("Properties", {}), stack.parameters)
                stack.resources[logical] = Resource(logical, declared, properties, stack)
                if declared["Type"] == STACK:
                    stack.resources[logical].physical = self.put_nested(logical, properties, stack).id
            for key, value in more.items():
                assert hasattr(stack, key), key
                setattr(stack, key, value)
            self.stacks.append(stack)
            return stack

    def find(self, name: str, region: str = "eu-central-1") -> Stack | None:
        with self.lock:
            live = [s for s in self.stacks if s.region == region and
                    (s.id == name or (s.name == name and s.status != "DELETE_COMPLETE"))]
            return live[-1] if live else None

    def fields_of(self, action: str) -> list[Fields]:
        """What each call of it said, in order."""
        with self.lock:
            return [fields for name, fields in self.asked if name == action]

    # ---- the protocol

    def __call__(self, environ, start):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        fields = Fields(environ["wsgi.input"].read(length))
        action = fields["Action"]
        _, _, region, service, _ = environ["HTTP_AUTHORIZATION"].split("/", 4)
        try:
            with self.lock:
                self.asked.append((action, fields))
                handler = getattr(self, "do_" + re.sub(r"(?<!^)([A-Z])", r"_\1", action).lower(), None)
                if not handler:
                    raise Refused("InvalidAction", f"Could not find operation {action}", 400)
                result = handler(region, fields)
                self.check_answer(service, action, result)
                if action in self.lose:
                    self.lose.remove(action)
                    raise Refused("InternalFailure", "the answer is lost", 500)
            namespace = f"https://{service}.amazonaws.com/doc/{fields['Version']}/"
            body = (f'<{action}Response xmlns="{namespace}"><{action}Result>{xml(result)}</{action}Result>'
                    f"<ResponseMetadata><RequestId>r{next(self.numbers)}</RequestId></ResponseMetadata></{action}Response>").encode()
            status = 200
        except Refused as refused:
            status, body = refused.status, refused.body()
        start(f"{status} X", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    def check_answer(self, service: str, action: str, answer) -> None:
        try:
            model.check_answer(service, action, answer)
        except model.Differs as differs:
            self.invented.append(str(differs))

    def paged(self, fields: Fields, name: str, items: list) -> dict:
        begin = int(fields.get("NextToken", "0"))
        more = begin + self.page < len(items)
        return {name: items[begin:begin + self.page], "NextToken": str(begin + self.page) if more else None}

    def needed(self, region: str, name: str) -> Stack:
        stack = self.find(name, region)
        if not stack:
            raise invalid(f"Stack with id {name} does not exist")
        return stack

    def change_set(self, region: str, name: str) -> ChangeSet:
        for stack in self.stacks:
            if stack.region == region and name in stack.change_sets:
                return stack.change_sets[name]
        raise Refused("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)

    def once(self, region: str, action: str, fields: Fields) -> None:
        token = fields.get("ClientRequestToken")
        if token and (region, token) in self.tokens:
            raise Refused("TokenAlreadyExistsException", f"A client request token [{token}] already exists", 400)
        self.tokens[(region, token)] = action

    # ---- actions

    def do_get_caller_identity(self, _region, _fields):
        return {"Arn": f"arn:aws:iam::{ACCOUNT}:user/tests", "UserId": "AIDA", "Account": ACCOUNT}

    def do_describe_stacks(self, region, fields):
        if "StackName" in fields:
            return {"Stacks": [self.needed(region, fields["StackName"]).look()]}
        live = [s.look() for s in self.stacks if s.region == region and s.status != "DELETE_COMPLETE"]
        return self.paged(fields, "Stacks", [told for told in live if told["StackStatus"] != "DELETE_COMPLETE"])

    def do_describe_stack_events(self, region, fields):
        return self.paged(fields, "StackEvents", self.needed(region, fields["StackName"]).events[::-1])

    def do_list_stack_resources(self, region, fields):
        stack = self.needed(region, fields["StackName"])
        return self.paged(fields, "StackResourceSummaries", [
            {"LogicalResourceId": r.logical, "PhysicalResourceId": r.physical, "ResourceType": r.type, "ResourceStatus": r.status,
             "LastUpdatedTimestamp": self.now(), "DriftInformation": {"StackResourceDriftStatus": self.drift_of(stack, r)}}
            for r in stack.resources.values()])

    def do_get_template(self, region, fields):
        return {"TemplateBody": in_ascii(self.needed(region, fields["StackName"]).template), "StagesAvailable": ["Original", "Processed"]}

    def do_create_change_set(self, region, fields):
        key = (region, fields["StackName"], fields.get("ClientToken"))
        if key[2] and key in self.tokens:
            again = self.change_set(region, self.tokens[key])
            return {"Id": again.id, "StackId": again.stack.id}
        stack = self.stack_for(region, fields)
        body = fields["TemplateBody"]
        if len(body.encode()) > LARGEST_BODY:
            raise invalid("1 validation error detected: Value at 'templateBody' failed to satisfy constraint")
        self.check_template(json.loads(body), fields)
        if "DeploymentMode" in fields and "IncludeNestedStacks" in fields:
            raise invalid("not documented, and refused here")
        if any(s.name == fields["ChangeSetName"] for s in stack.change_sets.values()):
            raise Refused("AlreadyExistsException", f"ChangeSet {fields['ChangeSetName']} already exists", 400)
        made = ChangeSet(stack, fields, fields.get("ChangeSetType", "UPDATE"))
        stack.change_sets[made.id] = made
        if stack not in self.stacks:
            self.stacks.append(stack)
        if key[2]:
            self.tokens[key] = made.id
        return {"Id": made.id, "StackId": stack.id}

    def stack_for(self, region, fields) -> Stack:
        stack, name = self.find(fields["StackName"], region), fields["StackName"]
        if fields.get("ChangeSetType") == "CREATE":
            if stack and stack.status != "REVIEW_IN_PROGRESS":
                raise Refused("AlreadyExistsException", f"Stack [{name}] already exists and cannot be created again", 400)
            return stack or Stack(self, region, name, "REVIEW_IN_PROGRESS")
        if not stack:
            raise invalid(f"Stack [{name}] does not exist")
        self.check_updatable(stack)
        return stack

    def new_stack(self, region: str, name: str, status: str) -> Stack:
        return Stack(self, region, name, status)

    def new_change_set(self, stack: Stack, query: str, type_: str) -> ChangeSet:
        made = ChangeSet(stack, Fields(query.encode()), type_)
        stack.change_sets[made.id] = made
        return made

    @staticmethod
    def check_updatable(stack: Stack) -> None:
        well = stack.status.endswith("_COMPLETE") and stack.status not in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE")
        if not well and stack.status not in ("CREATE_FAILED", "UPDATE_FAILED"):
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")

    @staticmethod
    def check_template(template: dict, fields: Fields) -> None:
        given = fields.pairs("Parameters", "ParameterKey", "ParameterValue")
        missing = [name for name, one in template.get("Parameters", {}).items() if "Default" not in one and name not in given]
        if missing:
            raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
        unknown = sorted(given.keys() - template.get("Parameters", {}).keys())
        if unknown:
            raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        iam = any(one["Type"].startswith("AWS::IAM::") for one in template["Resources"].values())
        if iam and not fields.listed("Capabilities"):
            raise Refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]", 400)

    def do_describe_change_set(self, region, fields):
        one = self.change_set(region, fields["ChangeSetName"])
        if self.unwanted:
            one.status = self.unwanted.pop(0)
            if not one.status:
                del one.stack.change_sets[one.id]
                return self.change_set(region, one.id)
            return one.described()
        if one.late:
            one.late = False
            return {**one.described(), "Status": "CREATE_IN_PROGRESS", "StatusReason": None}
        if one.status == "DELETE_IN_PROGRESS":
            self.drop_nested(one)
            del one.stack.change_sets[one.id]
        elif one.status == "CREATE_PENDING" or (one.status == "CREATE_IN_PROGRESS" and self.stalls):
            one.status = "CREATE_IN_PROGRESS"
        elif one.status == "CREATE_IN_PROGRESS":
            self.compare(one)
            self.fail_with_nested(one)
        page = self.paged(fields, "Changes", one.changes)
        return {**one.described(), **page}

    def do_list_change_sets(self, region, fields):
        stack = self.needed(region, fields["StackName"])
        return self.paged(fields, "Summaries", [{"StackId": stack.id, "ChangeSetId": one.id, "Status": one.status}
                                                for one in stack.change_sets.values()])

    def do_describe_events(self, region, fields):
        """Of a failed change set, nothing else. https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_OperationEvent.html"""
        one = self.change_set(region, fields["ChangeSetName"])
        if fields.get("Filters.FailedEvents") != "true":
            raise invalid("only what failed is told here")
        told = [{"EventId": f"e{next(self.numbers)}", "StackId": one.stack.id, "EventType": "VALIDATION_ERROR", "ValidationStatus": "FAILED",
                 "Timestamp": self.now(), **found} for found in self.findings]
        return self.paged(fields, "OperationEvents", told)

    def do_delete_change_set(self, region, fields):
        one = self.change_set(region, fields["ChangeSetName"])
        if one.parent:
            raise Refused("InvalidChangeSetStatus", "Only deletable from the root change set.", 400)
        if one.status == "CREATE_IN_PROGRESS" and self.stalls:
            raise Refused("InvalidChangeSetStatus", "Cannot delete ChangeSet in status CREATE_IN_PROGRESS", 400)
        if one.nested:
            one.status = "DELETE_IN_PROGRESS"
        else:
            del one.stack.change_sets[one.id]

    def do_execute_change_set(self, region, fields):
        self.once(region, "ExecuteChangeSet", fields)
        one = self.change_set(region, fields["ChangeSetName"])
        if one.parent:
            raise Refused("InvalidChangeSetStatus", ONLY_FROM_ROOT, 400)
        if one.execution != "AVAILABLE":
            raise Refused("InvalidChangeSetStatus",
                          f"ChangeSet [{one.id}] cannot be executed in its current status of [{one.execution}]", 400)
        if one.type == "UPDATE":
            self.check_updatable(one.stack)
        self.choose_rollback(one, fields)
        one.stack.lag()
        self.run(one, fields.get("ClientRequestToken"))

    @staticmethod
    def choose_rollback(one: ChangeSet, fields: Fields) -> None:
        """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html"""
        off = fields.get("DisableRollback") == "true"
        if off and one.chosen:
            raise invalid("Cannot specify DisableRollback for a change set with OnStackFailure")
        if one.stack.status in ("CREATE_FAILED", "UPDATE_FAILED") and not off:
            raise invalid(f"This stack is currently in a non-terminal [{one.stack.status}] state. To update the stack from this state, "
                          "please use the disable-rollback parameter with update-stack API. To rollback to the last known good state, "
                          "use the rollback-stack API")
        if off:
            one.on_failure = "DO_NOTHING"

    def do_delete_stack(self, region, fields):
        stack = self.find(fields["StackName"], region)
        if not stack or stack.status == "DELETE_COMPLETE":
            return None
        if stack.protected:
            raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        if stack.status == "DELETE_IN_PROGRESS":
            return None
        if stack.status.startswith("UPDATE_") and stack.status.endswith("_IN_PROGRESS"):
            raise invalid(f"Stack [{stack.id}] cannot be deleted while in status {stack.status}")
        self.once(region, "DeleteStack", fields)
        stack.lag()
        token = fields.get("ClientRequestToken")
        before = stack.status
        stack.begin("DELETE_IN_PROGRESS", token, lambda: self.end_deletion(stack, token, before))
        return None

    def do_update_termination_protection(self, region, fields):
        stack = self.needed(region, fields["StackName"])
        stack.protected = fields["EnableTerminationProtection"] == "true"
        return {"StackId": stack.id}

    def do_set_stack_policy(self, region, fields):
        self.needed(region, fields["StackName"]).policy = fields["StackPolicyBody"]

    def do_get_stack_policy(self, region, fields):
        return {"StackPolicyBody": self.needed(region, fields["StackName"]).policy}

    def do_continue_update_rollback(self, region, fields):
        self.once(region, "ContinueUpdateRollback", fields)
        stack, token = self.needed(region, fields["StackName"]), fields.get("ClientRequestToken")
        if stack.status != "UPDATE_ROLLBACK_FAILED":
            raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not continue update rollback.")
        skipped = fields.listed("ResourcesToSkip") or []
        self.skipped += skipped
        stack.lag()
        left = {name: why for name, why in self.rollback_fails.items() if name not in skipped}
        stack.begin("UPDATE_ROLLBACK_IN_PROGRESS", token, lambda: self.end_rollback(stack, token, left))

    def do_detect_stack_drift(self, region, fields):
        stack = self.needed(region, fields["StackName"])
        if stack.detection:
            raise invalid(f"Drift detection is already in progress for stack [{stack.id}]")
        if not stack.status.endswith("_COMPLETE"):
            raise invalid(f"Drift detection cannot be performed on stack [{stack.id}] while it is in [{stack.status}] state")
        stack.detection = f"d{next(self.numbers)}"
        stack.drift_checked = self.now()
        self.detections[stack.detection] = [stack, False]
        return {"StackDriftDetectionId": stack.detection}

    def do_describe_stack_drift_detection_status(self, _region, fields):
        found = self.detections.get(fields["StackDriftDetectionId"])
        if not found:
            raise invalid("Stack drift detection operation with id does not exist")
        stack, looked = found
        found[1] = True
        answer = {"StackId": stack.id, "StackDriftDetectionId": fields["StackDriftDetectionId"], "Timestamp": stack.drift_checked}
        if not looked:
            return {**answer, "DetectionStatus": "DETECTION_IN_PROGRESS"}
        drifted = [r for r in stack.resources.values() if self.drift_of(stack, r) in ("MODIFIED", "DELETED")]
        stack.drift, stack.detection = "DRIFTED" if drifted else "IN_SYNC", None
        answer |= {"StackDriftStatus": stack.drift, "DriftedStackResourceCount": len(drifted)}
        if unread := [r.logical for r in stack.resources.values() if r.type in self.unread]:
            return {**answer, "DetectionStatus": "DETECTION_FAILED",
                    "DetectionStatusReason": json.dumps({
                        "Summary": f"Failed to detect drift on resources [{', '.join(unread)}]",
                        "Failures": [{"Resource": name, "FailureReason": f"no right (Request ID: r{next(self.numbers)})"} for name in unread]})}
        return {**answer, "DetectionStatus": "DETECTION_COMPLETE"}

    def drift_of(self, stack: Stack, resource: Resource) -> str:
        if resource.type in self.unchecked or resource.type == STACK:
            return "NOT_CHECKED"
        if resource.type in self.unread:
            return "UNKNOWN"
        if resource.logical not in stack.actual:
            return "IN_SYNC"
        return "DELETED" if stack.actual[resource.logical] is None else "MODIFIED"

    def do_describe_stack_resource_drifts(self, region, fields):
        stack = self.needed(region, fields["StackName"])
        wanted = fields.listed("StackResourceDriftStatusFilters")
        told = []
        for one in stack.resources.values():
            status = self.drift_of(stack, one)
            if status == "NOT_CHECKED" or (wanted and status not in wanted):
                continue
            actual = stack.actual.get(one.logical) or {}
            told.append({
                "StackId": stack.id, "LogicalResourceId": one.logical, "PhysicalResourceId": one.physical, "ResourceType": one.type,
                "ExpectedProperties": json.dumps(one.properties), "StackResourceDriftStatus": status, "Timestamp": stack.drift_checked,
                "PropertyDifferences": [
                    {"PropertyPath": "/" + name, "ExpectedValue": one.properties.get(name, "null"), "ActualValue": value,
                     "DifferenceType": "NOT_EQUAL"} for name, value in actual.items()]})
        return self.paged(fields, "StackResourceDrifts", told)

    # ---- what a template means

    @staticmethod
    def resolved(value, parameters: dict):
        if isinstance(value, dict):
            if value.keys() == {"Ref"}:
                return parameters.get(value["Ref"], value["Ref"])
            return {name: Replay.resolved(item, parameters) for name, item in value.items()}
        if isinstance(value, list):
            return [Replay.resolved(item, parameters) for item in value]
        return value

    @staticmethod
    def parameters_of(template: dict, given: dict) -> dict[str, str]:
        return {name: given.get(name, str(one.get("Default", ""))) for name, one in template.get("Parameters", {}).items()}

    def compare(self, one: ChangeSet) -> None:
        stack, template = one.stack, json.loads(one.template)
        parameters = self.parameters_of(template, one.parameters)
        declared = template["Resources"]
        for logical, wanted in declared.items():
            properties = self.resolved(wanted.get("Properties", {}), parameters)
            there = stack.resources.get(logical)
            if wanted["Type"] == STACK:
                self.compare_nested(one, logical, there, properties)
            elif not there:
                self.change(one, "Import" if one.imports else "Add", logical, wanted["Type"])
            elif one.mode:
                self.revert(one, there)
            elif there.properties != properties:
                self.modify(one, there, properties)
        for logical, there in stack.resources.items():
            if logical not in declared:
                self.change(one, "Remove", logical, there.type, PhysicalResourceId=there.physical, PolicyAction=there.deletion)
        if one.mode:
            self.follow(one, declared)
            one.changes += self.phantoms
        same = one.type == "UPDATE" and not one.changes and (one.mode or (
            json.loads(stack.template).get("Outputs") == template.get("Outputs") and stack.tags == one.tags))
        one.status, one.reason = ("FAILED", NO_CHANGE) if same else ("CREATE_COMPLETE", None)
        if missing := [name for name in re.findall(r'"Fn::ImportValue": "([^"]+)"', one.template) if name not in self.exports(stack.region)]:
            one.status, one.reason = "FAILED", f"No export named {missing[0]} found."
        if self.change_set_fails:
            one.status, one.reason, self.change_set_fails = "FAILED", self.change_set_fails, ""
        if any(found["ValidationFailureMode"] == "FAIL" for found in self.findings):
            one.status, one.reason = "FAILED", EARLY_VALIDATION
        one.execution = "AVAILABLE" if one.status == "CREATE_COMPLETE" else "UNAVAILABLE"

    def exports(self, region: str) -> set[str]:
        return {output["Export"]["Name"] for stack in self.stacks if stack.region == region and stack.outputs
                for output in json.loads(stack.template).get("Outputs", {}).values() if "Export" in output}

    @staticmethod
    def change(one: ChangeSet, action: str, logical: str, type_: str, **more) -> None:
        one.changes.append({"Type": "Resource", "ResourceChange": {
            "Action": action, "LogicalResourceId": logical, "ResourceType": type_, **more}})

    def modify(self, one: ChangeSet, there: Resource, properties: dict) -> None:
        names = sorted(n for n in there.properties.keys() | properties.keys() if there.properties.get(n) != properties.get(n))
        replaced = any((there.type, name) in RECREATING for name in names)
        self.change(one, "Modify", there.logical, there.type, PhysicalResourceId=there.physical, Replacement=str(replaced),
                    PolicyAction=f"ReplaceAnd{there.replacing}" if replaced else None, Scope=["Properties"], Details=[
                        {"Target": {"Attribute": "Properties", "Name": name,
                                    "RequiresRecreation": "Always" if (there.type, name) in RECREATING else "Never",
                                    "Path": f"/Properties/{name}", "BeforeValue": text_of(there.properties.get(name)),
                                    "AfterValue": text_of(properties.get(name)), "AttributeChangeType": "Modify"},
                         "Evaluation": "Static", "ChangeSource": "DirectModification"} for name in names])

    def revert(self, one: ChangeSet, there: Resource) -> None:
        actual = one.stack.actual.get(there.logical, {})
        if actual is None and self.recreates:
            more = {"Replacement": "True", "PolicyAction": "ReplaceAndDelete"} if self.recreates == "Modify" else {}
            self.change(one, self.recreates, there.logical, there.type, PhysicalResourceId=there.physical, ResourceDriftStatus="DELETED",
                        **more)
        if there.type in self.unchecked or not actual:
            return
        self.change(one, "Modify", there.logical, there.type, PhysicalResourceId=there.physical, Replacement="False",
                    ResourceDriftStatus="MODIFIED", Scope=["Properties"], Details=[
                        {"Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": "Never",
                                    "Path": f"/Properties/{name}", "BeforeValue": value, "BeforeValueFrom": "ACTUAL_STATE",
                                    "AfterValue": there.properties.get(name), "AfterValueFrom": "TEMPLATE",
                                    "AttributeChangeType": "Modify"},
                         "Evaluation": "Static", "ChangeSource": "DirectModification"} for name, value in actual.items()])

    def follow(self, one: ChangeSet, declared: dict) -> None:
        """What refers to a resource that is made again changes with it."""
        for gone in (c["ResourceChange"]["LogicalResourceId"] for c in list(one.changes)):
            if one.stack.actual.get(gone, {}) is not None:
                continue
            for logical, wanted in declared.items():
                names = [name for name, value in wanted.get("Properties", {}).items() if value == {"Ref": gone}]
                if names and logical in one.stack.resources:
                    self.change(one, "Modify", logical, wanted["Type"], PhysicalResourceId=one.stack.resources[logical].physical,
                                Replacement="False", ResourceDriftStatus="IN_SYNC", Scope=["Properties"], Details=[
                                    {"Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": "Never"},
                                     "Evaluation": "Dynamic", "ChangeSource": "ResourceReference", "CausingEntity": gone}
                                    for name in names])

    # ---- operations

    def run(self, one: ChangeSet, token: str | None) -> None:
        stack = one.stack
        one.execution = "EXECUTE_IN_PROGRESS"
        stack.change_sets = {one.id: one}  # the others are deleted
        if one.type == "UPDATE":
            stack.updated = self.now()
        else:
            stack.tags, stack.template = one.tags, one.template
        stack.begin(f"{one.type}_IN_PROGRESS", token, lambda: self.end(one, token))
        words = {"Add": "CREATE", "Import": "IMPORT", "Modify": "UPDATE", "Remove": "DELETE"}
        for change in (c["ResourceChange"] for c in one.changes):
            stack.tell(change["LogicalResourceId"], change["ResourceType"], words[change["Action"]] + "_IN_PROGRESS", None, token)

    def end(self, one: ChangeSet, token: str | None) -> None:
        stack = one.stack
        changes = [c["ResourceChange"] for c in one.changes]
        if broken := self.broken_nested(one):
            failed = next(c for c in changes if c["LogicalResourceId"] == broken[0])
            self.roll_back(one, changes, failed, token, self.break_nested(broken[1]), broken[1].stack.id)
            return
        replaced = [c for c in changes if c.get("Replacement") == "True"]
        if replaced and one.on_failure == "DO_NOTHING":
            self.roll_back(one, changes, replaced[0], token, "Replacement type updates not supported on stack with disable-rollback.")
            return
        fails = self.fails | self.ask_hooks(one, changes, token)
        failed = [c for c in changes if c["LogicalResourceId"] in fails]
        if failed:
            self.roll_back(one, changes, failed[0], token, fails[failed[0]["LogicalResourceId"]])
            return
        template = json.loads(one.template)
        stack.template, stack.parameters = one.template, self.parameters_of(template, one.parameters)
        stack.tags, stack.role = one.tags, one.role or stack.role
        stack.notifications = stack.notifications if one.notifications is None else [arn for arn in one.notifications if arn]
        for change in changes:
            self.carry_out(one, change, template["Resources"].get(change["LogicalResourceId"]), token)
        stack.outputs = {name: str(self.resolved(o["Value"], {**{r.logical: r.physical for r in stack.resources.values()},
                                                              **stack.parameters})) for name, o in template.get("Outputs", {}).items()}
        stack.become(f"{one.type}_COMPLETE", token)
        one.execution = "EXECUTE_COMPLETE"

    def ask_hooks(self, one: ChangeSet, changes: list[dict], token: str | None) -> dict[str, str]:
        """Why CloudFormation fails the resources that they refuse, which only names them.
        https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/hooks-concepts.html"""
        refused: dict[str, str] = {}
        for change in changes:
            logical = change["LogicalResourceId"]
            for said in self.hooks.get(logical, []):
                one.stack.tell(logical, change["ResourceType"], f"{one.type}_IN_PROGRESS", None, token,
                               HookInvocationPoint="PRE_PROVISION", **said)
                if said["HookStatus"] == "HOOK_COMPLETE_FAILED" and said["HookFailureMode"] == "FAIL":
                    refused[logical] = f"The following hook(s) failed: [{said['HookType']}]"
        return refused

    def carry_out(self, one: ChangeSet, change: dict, declared: dict | None, token: str | None) -> None:
        stack, logical, type_ = one.stack, change["LogicalResourceId"], change["ResourceType"]
        if change["Action"] == "Remove":
            if of_nested(change) and change.get("PolicyAction") != "Retain":
                inner = self.nested_stack(stack, logical)
                inner.become("DELETE_IN_PROGRESS", None)
                self.end_deletion(inner, None)
            del stack.resources[logical]
            stack.tell(logical, type_, "DELETE_SKIPPED" if change.get("PolicyAction") == "Retain" else "DELETE_COMPLETE", None, token)
            return
        before = stack.resources.get(logical)
        now = Resource(logical, declared, self.resolved(declared.get("Properties", {}), stack.parameters), stack)
        if before and change.get("Replacement") != "True" and change["Action"] != "Add":
            now.physical = before.physical
        if of_nested(change):
            now.physical = self.carry_out_nested(one, logical)
        stack.resources[logical] = now
        stack.actual.pop(logical, None)
        stack.tell(logical, type_, "UPDATE_COMPLETE" if before else "CREATE_COMPLETE", None, token)

    def roll_back(self, one: ChangeSet, changes: list[dict], failed: dict, token: str | None, why: str,
                  physical: str | None = None) -> None:
        stack, kind = one.stack, one.type
        name = failed["LogicalResourceId"]
        word = "UPDATE_FAILED" if name in stack.resources else "CREATE_FAILED"
        stack.tell(name, failed["ResourceType"], word, why, token, physical)
        for change in changes:
            if change is not failed:
                stack.tell(change["LogicalResourceId"], change["ResourceType"], word, "Resource creation cancelled", token)
        one.execution = "EXECUTE_FAILED"
        if one.on_failure == "DO_NOTHING":
            stack.become(f"{kind}_FAILED", token, f"The following resource(s) failed: [{name}].")
        elif one.on_failure == "DELETE":
            stack.become("DELETE_COMPLETE", token)
        elif kind == "CREATE":
            stack.become("ROLLBACK_IN_PROGRESS", token, f"The following resource(s) failed to create: [{name}].")
            stack.become("ROLLBACK_COMPLETE", token)
        else:
            stack.become("UPDATE_ROLLBACK_IN_PROGRESS", token, f"The following resource(s) failed to update: [{name}].")
            self.end_rollback(stack, token, self.rollback_fails)

    @staticmethod
    def end_rollback(stack: Stack, token: str | None, fails: dict[str, str]) -> None:
        for name, why in fails.items():
            if name in stack.resources:
                stack.tell(name, stack.resources[name].type, "UPDATE_FAILED", why, token)
                stack.become("UPDATE_ROLLBACK_FAILED", token, f"The following resource(s) failed to update: [{name}].")
                return
        stack.become("UPDATE_ROLLBACK_COMPLETE", token)

    def imported(self, stack: Stack) -> tuple[str, str] | None:
        """An export of it that another one imports, and which."""
        for output in json.loads(stack.template or "{}").get("Outputs", {}).values():
            name = output.get("Export", {}).get("Name")
            for other in self.stacks:
                if name and other.region == stack.region and other.status != "DELETE_COMPLETE" and \
                        f'"Fn::ImportValue": "{name}"' in other.template:
                    return name, other.name
        return None

    def end_deletion(self, stack: Stack, token: str | None, before: str | None = None) -> None:
        """Where an export is in use, the stack is `before` again."""
        if before and (used := self.imported(stack)):
            stack.become(before, token, f"Export {used[0]} cannot be deleted as it is in use by {used[1]}")
            return
        for name, why in self.delete_fails.items():
            if name in stack.resources:
                stack.tell(name, stack.resources[name].type, "DELETE_FAILED", why, token)
                stack.become("DELETE_FAILED", token, f"The following resource(s) failed to delete: [{name}].")
                return
        if broken := self.delete_nested(stack):
            one, inner = broken
            stack.tell(one.logical, one.type, "DELETE_FAILED", f"Embedded stack {inner.id} was not successfully deleted: {inner.reason}",
                       token, inner.id)
            stack.become("DELETE_FAILED", token, f"The following resource(s) failed to delete: [{one.logical}].")
            return
        for one in list(stack.resources.values()):
            stack.tell(one.logical, one.type, "DELETE_SKIPPED" if one.deletion == "Retain" else "DELETE_COMPLETE", None, token)
        stack.become("DELETE_COMPLETE", token)
