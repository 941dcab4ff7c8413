"""Nested stacks of the double in replay.py, as AWS documents them:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/change-sets-for-nested-stacks.html

A nested stack's template is what `templates` has for its TemplateURL. Its change set is made with the root's, where that asks for
them, and is executed and deleted with the root's alone; deleting takes until somebody has looked.
"""
import json
from urllib.parse import urlencode

STACK = "AWS::CloudFormation::Stack"
ONLY_FROM_ROOT = "Only executable from the root change set."


def of_nested(change: dict) -> bool:
    return change["ResourceType"] == STACK


class Nested:
    """What a Replay does with stacks in stacks."""

    def __init__(self):
        self.templates: dict[str, dict] = {}  #: by URL
        self.nested_fails: dict[str, str] = {}  #: why the change set of a nested stack fails, by its logical id
        self.silent = False  #: change sets say nothing of what changes in nested stacks

    def put_nested(self, logical: str, properties: dict, parent):
        """The stack of a resource that is there."""
        made = self.put(f"{parent.name}-{logical}-{next(self.numbers)}", self.templates[properties["TemplateURL"]], parent.region)
        made.parent = parent
        return made

    def nested_stack(self, stack, logical: str):
        """The live one that a resource stands for."""
        return self.find(stack.resources[logical].physical, stack.region)

    # ---- change sets

    def compare_nested(self, one, logical: str, there, properties: dict) -> None:
        """Into the change set `one`: what changes in the nested stack, or that something may."""
        stack = self.nested_stack(one.stack, logical) if there else None
        if not one.nested:
            if there:
                self.change(one, "Modify", logical, STACK, PhysicalResourceId=there.physical, Replacement="False", Scope=["Properties"],
                            Details=[{"Target": {"Attribute": "Properties", "RequiresRecreation": "Never"}, "Evaluation": "Dynamic",
                                      "ChangeSource": "Automatic"}])
            else:
                self.change(one, "Add", logical, STACK)
            return
        inner = self.nested_change_set(one, logical, stack, properties)
        if inner.status == "FAILED" and not self.nested_failure(inner):
            del inner.stack.change_sets[inner.id]  # nothing changes in it
            return
        more = {"PhysicalResourceId": stack.id, "Replacement": "False", "Scope": ["Properties"]} if there else {}
        self.change(one, "Modify" if there else "Add", logical, STACK, ChangeSetId=None if self.silent else inner.id, **more)
        one.inner[logical] = inner

    def nested_change_set(self, one, logical: str, stack, properties: dict):
        template = self.templates[properties["TemplateURL"]]
        fields = {"ChangeSetName": f"{one.name}-{logical}", "TemplateBody": json.dumps(template), "IncludeNestedStacks": "true"}
        for number, (key, value) in enumerate(properties.get("Parameters", {}).items(), 1):
            fields[f"Parameters.member.{number}.ParameterKey"] = key
            fields[f"Parameters.member.{number}.ParameterValue"] = value
        inner = self.new_change_set(stack or self.nested_to_be(one.stack, logical), urlencode(fields), "UPDATE" if stack else "CREATE")
        inner.parent, inner.tags = one, inner.stack.tags
        self.compare(inner)
        self.fail_with_nested(inner)
        inner.execution = "UNAVAILABLE"
        if why := self.nested_fails.get(logical):
            inner.status, inner.reason, inner.late = "FAILED", why, True
        elif inner.status == "CREATE_COMPLETE":
            inner.reason = ONLY_FROM_ROOT
        return inner

    def nested_to_be(self, parent, logical: str):
        made = self.new_stack(parent.region, f"{parent.name}-{logical}-{next(self.numbers)}", "REVIEW_IN_PROGRESS")
        made.parent = parent
        self.stacks.append(made)
        return made

    def nested_failure(self, one) -> bool:
        return one.status == "FAILED" and "didn't contain changes" not in one.reason

    def fail_with_nested(self, one) -> None:
        """It failed where one within it did; others are not ready yet."""
        failed = [inner for inner in one.inner.values() if self.nested_failure(inner)]
        if failed:
            one.status, one.execution = "FAILED", "UNAVAILABLE"
            one.reason = f"Nested change set {failed[0].id} was not successfully created: Currently in FAILED."
            for inner in one.inner.values():
                inner.late = True

    def drop_nested(self, one) -> None:
        """With their stacks, where these were made for nothing else."""
        for inner in one.inner.values():
            self.drop_nested(inner)
            inner.stack.change_sets.pop(inner.id, None)
            if inner.stack.status == "REVIEW_IN_PROGRESS":
                self.stacks.remove(inner.stack)

    # ---- operations

    def broken_nested(self, one):
        """The nested change set within that fails, by a resource or by one within it."""
        for logical, inner in one.inner.items():
            names = [c["ResourceChange"]["LogicalResourceId"] for c in inner.changes]
            if any(name in self.fails for name in names) or self.broken_nested(inner):
                return logical, inner
        return None

    def break_nested(self, inner) -> str:
        """Its operation fails; why, as the parent's event says it."""
        stack = inner.stack
        stack.become(f"{inner.type}_IN_PROGRESS", None)
        changes = [c["ResourceChange"] for c in inner.changes]
        deeper = self.broken_nested(inner)
        name = deeper[0] if deeper else next(c["LogicalResourceId"] for c in changes if c["LogicalResourceId"] in self.fails)
        failed = next(c for c in changes if c["LogicalResourceId"] == name)
        why = self.break_nested(deeper[1]) if deeper else self.fails[name]
        self.roll_back(inner, changes, failed, None, why, deeper[1].stack.id if deeper else None)
        verb = "created" if inner.type == "CREATE" else "updated"
        if inner.type == "CREATE":  # its parent takes it away
            stack.become("DELETE_IN_PROGRESS", None)
            stack.become("DELETE_COMPLETE", None)
        return f"Embedded stack {stack.id} was not successfully {verb}: The following resource(s) failed to {verb[:-1]}: [{name}]."

    def declared(self, one, logical: str) -> dict:
        return self.resolved(json.loads(one.template)["Resources"][logical]["Properties"], one.stack.parameters)

    def carry_out_nested(self, one, logical: str) -> str:
        """Executes what was planned for it; the physical id."""
        inner = one.inner.get(logical)
        if not inner:  # nothing was shown of it
            there = one.stack.resources.get(logical)
            return there.physical if there else self.put_nested(logical, self.declared(one, logical), one.stack).id
        if inner.type == "UPDATE":
            inner.stack.updated = self.now()
        inner.stack.change_sets = {}
        inner.stack.become(f"{inner.type}_IN_PROGRESS", None)
        self.end(inner, None)
        return inner.stack.id

    def delete_nested(self, stack):
        """The stacks of its resources, when it goes; the one that does not."""
        for one in stack.resources.values():
            if one.type == STACK and one.deletion != "Retain" and (inner := self.find(one.physical, stack.region)):
                inner.become("DELETE_IN_PROGRESS", None)
                self.end_deletion(inner, None)
                if inner.status == "DELETE_FAILED":
                    return one, inner
        return None
