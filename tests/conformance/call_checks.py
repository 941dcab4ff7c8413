"""initialize, resolve, plan: what is answered, and that it changes nothing."""
import json

from checks import check, expect
from client import blob_of, digest_of


@check
def nothing_before_initialize(world):
    """Before initialize every call is refused with -32002."""
    with world.provider(initialize=False) as p:
        for method in ("resolve", "plan", "apply", "observe", "list", "cancel"):
            code = p.refusal(method, sync="1", installation="i", documents=[], steps=[], entries=[],
                             owner=world.owner)
            expect(code == -32002, f"{method}: {code}")
        p.initialize(world.documents.get("settings"))


@check
def negotiation(world):
    """The highest common major is chosen; without one the error is -32005, and another try may follow."""
    with world.provider(initialize=False) as p:
        expect(p.refusal("initialize", protocols=[999], stateDirectory=p.state) == -32005, "999 is not refused")
        result = p.call("initialize", protocols=[1, 999], destination="x", installation="conformance",
                        settings=world.documents.get("settings"), stateDirectory=p.state, later={"field": True})
        expect(result["protocol"] == 1, f"protocol {result['protocol']}")
        expect(result["name"], "no name")
        for kind, schema in result.get("kinds", {}).items():
            expect(isinstance(schema, dict), f"the schema of {kind} is no object")
        code = p.refusal("initialize", protocols=[1], stateDirectory=p.state)
        expect(code == -32600, f"a second initialize: {code}")


@check
def wrong_params(world):
    """A missing or wrong field is answered with an error that names it."""
    with world.provider() as p:
        for method, params, field in (("resolve", {"documents": 5}, "documents"), ("plan", {}, "owner"),
                                      ("apply", {"sync": "1", "owner": {}}, "steps"), ("observe", {}, "owner")):
            try:
                p.call(method, **params)
            except Exception as error:  # Refused, or worse
                expect(field in str(error), f"{method}: '{error}' does not name {field}")
            else:
                raise AssertionError(f"{method} with wrong params was accepted")


@check
def resolve_is_pure(world):
    """The same documents give the same answer, in this process and the next; nothing changes."""
    documents = world.set_of("first")
    answers = []
    for _ in range(2):
        with world.provider() as p:
            answers += [world.resolve(p, documents), world.resolve(p, documents)]
            expect(not p.call("list", installation="conformance")["items"], "resolve made something")
    expect(not answers[0].get("problems"), f"problems: {answers[0].get('problems')}")
    expect(all(a == answers[0] for a in answers), "answers differ")
    ids = [r["id"] for r in answers[0]["resources"]]
    expect(len(ids) == len(documents) == len(set(ids)), f"ids: {ids}")
    expect(all(0 < len(i.encode()) <= 512 for i in ids), "an id of 0 or more than 512 bytes")
    digests = {d["digest"] for d in documents}
    expect({r["document"] for r in answers[0]["resources"]} == digests, "resources without their documents")


@check
def resolve_tells_all_problems(world):
    """Every bad document is told, each with document and pointer, and good ones beside them are resolved."""
    bad, good = world.set_of("broken"), world.set_of("first")
    with world.provider() as p:
        result = world.resolve(p, bad + good)
    told = {x.get("document") for x in result.get("problems", [])}
    expect({d["digest"] for d in bad} <= told, f"told: {result.get('problems')}")
    for problem in result["problems"]:
        expect(problem.get("message"), "a problem without message")
        document = next(d for d in bad if d["digest"] == problem["document"])
        expect(exists(document["json"], problem.get("pointer", "")), f"{problem['pointer']} is not in its document")


def exists(value, pointer):
    for token in pointer.split("/")[1:]:
        token = token.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(token)] if isinstance(value, list) else value[token]
        except (KeyError, IndexError, ValueError, TypeError):
            return False
    return True


@check
def policy_is_enforced(world):
    """What the policy does not allow is a problem with cause permission, in resolve and in plan."""
    forbidden = world.set_of("forbidden")
    with world.provider() as p:
        result = world.resolve(p, forbidden)
        causes = {x["document"]: x.get("cause") for x in result.get("problems", [])}
        expect(all(causes.get(d["digest"]) == "permission" for d in forbidden), f"told: {result.get('problems')}")
        # A daemon that sends it to plan all the same is refused there, too.
        wide = world.resolve(p, forbidden, policy=world.need("wide_policy"))
        expect(not wide.get("problems"), f"with the wide policy: {wide.get('problems')}")
        plan = p.call("plan", sync="1", owner=world.owner, policy=world.policy(), upsert=wide["resources"],
                      documents=forbidden)
        expect(any(x.get("cause") == "permission" for x in plan.get("problems", [])), f"plan: {plan}")
        expect(not plan["steps"], "steps beside a breach")


@check
def needs_are_asked_for(world):
    """A file of the repository is asked for by `needs`, and the second call with its blob has none."""
    document, path, text = world.need("sourced"), world.need("source_path"), "some bytes"
    item = {"digest": digest_of(document), "json": document}
    with world.provider() as p:
        first = world.resolve(p, [item])
        expect([n["path"] for n in first.get("needs", [])] == [path], f"needs: {first.get('needs')}")
        expect(first["needs"][0]["document"] == item["digest"], "needs of another document")
        blob = blob_of(text.encode())
        p.blobs[blob["digest"]] = text.encode()
        second = world.resolve(p, [{**item, "blobs": [{"path": path, "blob": blob}]}])
        expect(not second.get("needs"), f"needs again: {second.get('needs')}")
        expect(len(second["resources"]) == 1, "no resource")


@check
def definitions_hold_everywhere(world):
    """What documents define holds for those of other calls that are told of it, and its lack is `undefined`."""
    defining, using = world.set_of("defining"), world.set_of("using")
    with world.provider() as p:
        alone = world.resolve(p, using)
        told = [(x.get("code"), x.get("document")) for x in alone.get("problems", [])]
        expect(sorted(told) == sorted(("undefined", d["digest"]) for d in using), f"without it: {alone}")
        defines = world.resolve(p, defining).get("defines")
        expect(defines, "nothing is said to be defined")
        apart, together = world.resolve(p, using, defined=defines), world.resolve(p, defining + using)
        expect(not apart.get("problems"), f"with it: {apart.get('problems')}")
        wanted = [r for r in together["resources"] if r["document"] in {d["digest"] for d in using}]
        expect(apart["resources"] == wanted, f"{apart['resources']} is not {wanted}")
        unread = world.resolve(p, using, defined=[None, 5, "x", {}, {"later": True}])
        expect(unread.get("problems"), "what defines nothing solved it")
        # Nor does a part of a plan need what is in another.
        plan = p.call("plan", sync="1", owner=world.owner, policy=world.policy(), mode="changed", partial=True,
                      upsert=apart["resources"], documents=using)
        expect(not plan.get("problems") and len(plan["steps"]) == len(using), f"plan: {plan}")


@check
def plan_changes_nothing(world):
    """A plan changes nothing, and the same plan has the same steps."""
    documents = world.set_of("first")
    with world.provider() as p:
        first, _ = world.plan(p, documents)
        second, _ = world.plan(p, documents)
        expect(json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True), "two plans differ")
        expect(not p.call("list", installation="conformance")["items"], "the plan made something")
        seen = world.observe(p, [{"id": s["id"]} for s in first["steps"]])
        expect(all(o["live"] == "absent" for o in seen.values()), f"after a plan: {seen}")
        keys = [s["key"] for s in first["steps"]]
        expect(len(set(keys)) == len(keys) == len(documents), f"keys: {keys}")
        expect(all(s.get("reason") for s in first["steps"]), "a step without reason")
        for i, step in enumerate(first["steps"]):
            expect(set(step.get("after", [])) <= set(keys[:i]), f"{step['key']} comes before what it waits for")


@check
def secrets_are_not_shown(world):
    """What a document marks as sensitive is in no step and in no log line."""
    document, secret = world.need("secret_document"), world.need("secret")
    item = [{"digest": digest_of(document), "json": document}]
    with world.provider() as p:
        resolved = world.resolve(p, item)
        expect(resolved["resources"][0].get("sensitive"), "resolve names no sensitive pointer")
        plan, resources = world.plan(p, item)
        expect(secret not in json.dumps(plan), "the plan shows it")
        result = world.apply(p, plan, resources, item)
        expect(secret not in json.dumps(result), "the result shows it")
        removal, _ = world.plan(p, [], [s["id"] for s in plan["steps"]], sync="2")
        expect(secret not in json.dumps(removal), "the plan of its removal shows it")
        world.apply(p, removal, sync="2")
        expect(secret not in p.log_text(), "the log shows it")


@check
def unknown_words(world):
    """Unknown enum words and fields of a later version are not refused."""
    documents = world.set_of("first")
    with world.provider() as p:
        resources = world.resolve(p, documents)["resources"]
        for resource in resources:
            resource["options"] = {"prune": "someday", "drift": "shrug", "apply": "gently", "new": 1}
            resource["later"] = [1, 2]
        plan = p.call("plan", sync="1", owner=world.owner, policy=world.policy(), mode="sideways",
                      upsert=resources, documents=documents, remove=[], entries=[], novelty={})
        expect(len(plan["steps"]) == len(documents), f"plan: {plan}")
