"""What the tests add to moto's CloudFormation: a double of their own, named as such.

moto 5.2.5 keeps no outputs and exports of what a change set made, tells no events of resources and no request tokens, answers a
resource that fails with an error of the call itself and leaves the stack half made, finds change sets by their name alone,
executes them twice, does not know a request's token, nor when a stack was updated. AWS documents otherwise, and so does this:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
"""
from moto.cloudformation import responses
from moto.cloudformation.models import CloudFormationBackend, Event, Stack
from moto.core.exceptions import ServiceException
from moto.core.utils import utcnow


class ChangeSetNotFound(ServiceException):
    __module__ = "moto.cloudformation.exceptions"
    code = "ChangeSetNotFound"


class InvalidChangeSetStatus(ServiceException):
    __module__ = "moto.cloudformation.exceptions"
    code = "InvalidChangeSetStatus"


WORDS = {"Add": "CREATE", "Modify": "UPDATE", "Remove": "DELETE"}


def find(backend: CloudFormationBackend, name: str, stack: str | None):
    """By id; or by name, of that stack."""
    for id_, change_set in backend.change_sets.items():
        if id_ == name or (change_set.change_set_name == name and stack in (change_set.stack_name, change_set.stack_id)):
            return change_set
    raise ChangeSetNotFound(f"ChangeSet [{name}] does not exist")


def tell(stack, change, status: str, reason: str | None = None) -> None:
    stack.events.append(Event(
        stack_id=stack.stack_id, stack_name=stack.name, logical_resource_id=change.logical_resource_id, physical_resource_id="",
        resource_type=change.resource_type, resource_status=status, resource_status_reason=reason, resource_properties=None))


def execute(backend: CloudFormationBackend, name: str, stack_name: str | None, token: str | None) -> None:
    change_set = find(backend, name, stack_name)
    stack = backend.stacks[change_set.stack_id]
    if change_set.execution_status != "AVAILABLE":
        raise InvalidChangeSetStatus(
            f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current status of [{change_set.execution_status}]")
    before = len(stack.events)
    kind = change_set.change_set_type
    stack._add_stack_event(f"{kind}_IN_PROGRESS", resource_status_reason="User Initiated")
    for change in change_set.changes:
        tell(stack, change, WORDS[change.action] + "_IN_PROGRESS")
    try:
        change_set.apply()
    except Exception as error:  # whatever a resource of moto says
        roll_back(stack, change_set, kind, getattr(error, "message", None) or str(error))
    else:
        for change in change_set.changes:
            tell(stack, change, WORDS[change.action] + "_COMPLETE")
        stack.template = change_set.template
        stack._parse_template()
        stack.parameters = change_set.parameters or stack.parameters
        stack.tags = change_set.tags or stack.tags
        stack.output_map = stack._create_output_map()
        backend.exports.update({export.name: export for export in stack.exports})
        stack._add_stack_event(f"{kind}_COMPLETE")
        stack.status = f"{kind}_COMPLETE"
        if kind == "UPDATE":
            stack.last_updated_time = utcnow()
        change_set.execution_status = "EXECUTE_COMPLETE"
    for event in stack.events[before:]:
        event.client_request_token = token


def roll_back(stack, change_set, kind: str, reason: str) -> None:
    made = dict.keys(stack.resource_map._parsed_resources)
    failed = [c for c in change_set.changes if c.action != "Remove" and c.logical_resource_id not in made] or change_set.changes
    tell(stack, failed[0], ("CREATE" if kind == "CREATE" else "UPDATE") + "_FAILED", reason)
    for change in failed[1:]:
        tell(stack, change, "CREATE_FAILED", "Resource creation cancelled")
    status = "ROLLBACK" if kind == "CREATE" else "UPDATE_ROLLBACK"
    stack._add_stack_event(f"{status}_IN_PROGRESS",
                           resource_status_reason=f"The following resource(s) failed to create: [{failed[0].logical_resource_id}]. ")
    if kind == "CREATE":
        try:
            stack.resource_map.delete()
        except Exception:  # of what was never made
            pass
    stack._add_stack_event(f"{status}_COMPLETE")
    stack.status = f"{status}_COMPLETE"
    change_set.execution_status = "EXECUTE_FAILED"


def install() -> None:
    def describe(self):
        return responses.ActionResult(find(self.cloudformation_backend, self._get_param("ChangeSetName"), self._get_param("StackName")))

    def delete(self):
        backend = self.cloudformation_backend
        del backend.change_sets[find(backend, self._get_param("ChangeSetName"), self._get_param("StackName")).change_set_id]
        return responses.EmptyResult()

    def run(self):
        execute(self.cloudformation_backend, self._get_param("ChangeSetName"), self._get_param("StackName"),
                self._get_param("ClientRequestToken"))
        return responses.EmptyResult()

    create = responses.CloudFormationResponse.create_change_set
    made: dict[tuple, str] = {}

    def create_once(self):
        """The same token is the same request."""
        backend, key = self.cloudformation_backend, (self._get_param("StackName"), self._get_param("ClientToken"))
        before = backend.change_sets.get(made.get(key, "")) if key[1] else None
        if before:
            return responses.ActionResult({"Id": before.change_set_id, "StackId": before.stack_id})
        told = create(self)
        made[key] = told.result["Id"]
        return told

    responses.CloudFormationResponse.create_change_set = create_once
    update = Stack.update

    def update_and_note(self, *arguments, **named):
        update(self, *arguments, **named)
        self.last_updated_time = utcnow()

    Stack.update = update_and_note
    responses.CloudFormationResponse.describe_change_set = describe
    responses.CloudFormationResponse.delete_change_set = delete
    responses.CloudFormationResponse.execute_change_set = run
