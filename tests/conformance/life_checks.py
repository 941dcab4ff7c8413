"""apply, observe, list, cancel: a whole life of some resources, interrupted in every way."""
import os

from checks import Skip, check, expect
from client import Refused, blob_of, digest_of, eventually

OTHER = {"installation": "conformance", "application": "other"}


@check
def apply_and_observe(world):
    """apply tells begun and done of every step, in order, before it answers; then all is ours and without drift."""
    documents = world.set_of("first")
    with world.provider() as p:
        plan, resources = world.plan(p, documents)
        result = world.apply(p, plan, resources, documents)
        expect(result["outcome"] == "done", f"{result}")
        told = p.progress("1")
        for step in result["steps"]:
            expect(step["state"] == "done", f"{step}")
            expect(len(step.get("receipt", "").encode()) <= 1024, "a receipt of more than 1 KiB")
            states = [t["state"] for t in told if t["key"] == step["key"]]
            expect(states[:1] == ["begun"] and states[-1:] == ["done"], f"{step['key']}: {states}")
            receipt = [t.get("receipt", "") for t in told if t["key"] == step["key"]][-1]
            expect(receipt == step.get("receipt", ""), "progress and answer tell different receipts")
        entries = world.entries(plan, result)
        for full in (False, True):
            for seen in world.observe(p, entries, full=full).values():
                expect((seen["live"], seen["drift"], seen["health"]) == ("ours", "no", "healthy"), f"{seen}")
        items = p.call("list", installation="conformance")["items"]
        expect({i["id"] for i in items} == {e["id"] for e in entries}, f"list: {items}")
        expect(all(i["owner"] == world.owner for i in items), f"owners: {items}")


@check
def apply_twice(world):
    """(sync, key) is idempotent: again, also by a new process, changes nothing and answers the same."""
    documents = world.set_of("first")
    with world.provider() as p:
        plan, resources = world.plan(p, documents)
        first = world.apply(p, plan, resources, documents)
        second = world.apply(p, plan, resources, documents)
        expect(first == second, f"{first} and then {second}")
        entries = world.entries(plan, first)
        p.kill()
    with world.provider() as p:
        expect(world.apply(p, plan, resources, documents) == first, "a new process answers otherwise")
        again, _ = world.plan(p, documents, sync="2")
        expect({s["action"] for s in again["steps"]} <= {"none"}, f"a second plan: {again}")
        expect(all(o["drift"] == "no" for o in world.observe(p, entries).values()), "drift")


@check
def stateless_apply(world):
    """A new process can apply an old plan."""
    documents = world.set_of("first")
    with world.provider() as p:
        plan, resources = world.plan(p, documents)
    with world.provider() as p:
        expect(world.apply(p, plan, resources, documents)["outcome"] == "done", "refused")


@check
def update(world):
    """A changed document is an update or replace of its resource only."""
    with world.provider() as p:
        world.sync(p, "first")
        plan, _ = world.plan(p, world.set_of("second"), sync="2")
        changed = [s for s in plan["steps"] if s["action"] != "none"]
        expect(len(changed) == 1 and changed[0]["action"] in ("update", "replace"), f"{plan['steps']}")
        entries = world.sync(p, "second", sync="2")
        expect(all(o["drift"] == "no" for o in world.observe(p, entries).values()), "drift after an update")


@check
def removal(world):
    """Removing deletes what is ours; observe then says absent, list nothing, and again is done as well."""
    with world.provider() as p:
        entries = world.sync(p, "first")
        plan, _ = world.plan(p, [], [e["id"] for e in entries], sync="2")
        expect(all(s["action"] == "delete" for s in plan["steps"]), f"{plan}")
        for _ in range(2):
            result = world.apply(p, plan, sync="2")
            expect(result["outcome"] == "done", f"{result}")
        expect(all(o["live"] == "absent" for o in world.observe(p, entries).values()), "still there")
        expect(not p.call("list", installation="conformance")["items"], "still listed")


@check
def drift(world):
    """A change behind its back is drift with a reason, in a heal's plan, and gone after it."""
    documents = world.set_of("first")
    with world.provider() as p:
        entries = world.sync(p, "first")
        world.disturb()
        drifted = [o for o in world.observe(p, entries).values() if o["drift"] != "no"]
        expect(len(drifted) == 1 and drifted[0]["drift"] == "yes" and drifted[0]["reason"], f"{drifted}")
        plan, resources = world.plan(p, documents, sync="2", mode="heal")
        expect(world.apply(p, plan, resources, documents, sync="2")["outcome"] == "done", "not healed")
        expect(all(o["drift"] == "no" for o in world.observe(p, entries).values()), "drift after the heal")


@check
def stale_plan(world):
    """A step whose precondition no longer holds writes nothing; the outcome is stale."""
    with world.provider() as p:
        entries = world.sync(p, "first")
        documents = world.set_of("second")
        plan, resources = world.plan(p, documents, sync="2")
        victim = [s for s in plan["steps"] if s["action"] != "none"]
        world.disturb()
        before = world.disturbed()
        result = world.apply(p, plan, resources, documents, sync="2")
        states = {s["key"]: s["state"] for s in result["steps"]}
        if world.documents["drift"].get("of_changed", True):
            expect(result["outcome"] == "stale", f"{result}")
            expect(states[victim[0]["key"]] == "failed", f"{states}")
            expect(world.disturbed() == before, "it wrote all the same")
        expect(len(entries) == len(result["steps"]), "a step without a state")


@check
def watch(world):
    """`changed` says `all` after start; with watch: true a change of what was observed is told at once."""
    if not world.documents.get("watch", True):
        raise Skip("its documents say that it cannot watch")
    with world.provider() as p:
        entries = world.sync(p, "first")
        world.observe(p, entries, watch=True)
        expect(p.wait_note(lambda n: n["method"] == "changed" and n["params"].get("all")), "no `all` after start")
        world.sync(p, "second", sync="2")
        world.sync(p, "first", sync="3")
        with p.changed:
            p.notes.clear()
        world.disturb()
        expect(p.wait_note(lambda n: n["method"] == "changed" and tells(n["params"], entries), 10), "nothing told in 10 s")


def tells(params, entries):
    """`ids` or `all`, of this application or (none named) of every one."""
    known = {e["id"] for e in entries}
    return params.get("application") in (None, "", "app") and (params.get("all") or known & set(params.get("ids", [])))


@check
def conditions(world):
    """A destination that goes away is told as unreachable; when it is back that is told, and `changed` with `all`."""
    world.need("away")
    with world.provider() as p:
        entries = world.sync(p, "first")
        world.observe(p, entries, watch=True)
        with p.changed:
            p.notes.clear()
        with world.away():
            expect(p.wait_note(lambda n: n["method"] == "condition" and n["params"].get("unreachable")), "nothing told")
            told = [n["params"] for n in p.notes if n["method"] == "condition"][0]
            expect(told.get("key") and told.get("message"), f"{told}")
            try:
                expect(all(o["drift"] == "unknown" for o in world.observe(p, entries).values()), "it is compared all the same")
            except Refused as refused:
                expect(refused.error["data"]["cause"] == "transient", f"{refused}")
            with p.changed:
                p.notes.clear()
        expect(p.wait_note(lambda n: n["method"] == "condition" and n["params"].get("key") == told["key"]
                           and not n["params"].get("message")), "not told that it has passed")
        expect(p.wait_note(lambda n: n["method"] == "changed" and n["params"].get("all")), "no `all` afterwards")
        expect(all(o["drift"] == "no" for o in world.observe(p, entries).values()), "it is not as it was")


@check
def errors_are_unknown(world):
    """An id that cannot be looked at is unknown, never absent; every entry is answered."""
    with world.provider() as p:
        ids = ["no id of this provider", "x" * 512]
        seen = world.observe(p, [{"id": i} for i in ids])
        expect(set(seen) == set(ids), f"{seen}")
        expect(all(o["live"] == "unknown" for o in seen.values()), f"{seen}")


@check
def another_owner(world):
    """What belongs to one application is not planned for another, and the problem names the owner."""
    with world.provider() as p:
        world.sync(p, "first")
        plan, _ = world.plan(p, world.set_of("second"), sync="2", owner=OTHER)
        conflicts = [x for x in plan.get("problems", []) if x.get("cause") == "conflict"]
        expect(conflicts, f"{plan}")
        expect({x.get("owner") for x in conflicts} == {"app"}, f"{conflicts}")
        elsewhere = {"installation": "another", "application": "app"}
        plan, _ = world.plan(p, world.set_of("second"), sync="3", owner=elsewhere)
        expect(not any(x.get("owner") for x in plan.get("problems", [])), f"of another installation: {plan}")


def handed(entries, by):
    """What the daemon keeps of them when `by` has handed them over."""
    return [{**entry, "from": by} for entry in entries]


def owners(p):
    return {item["owner"]["application"] for item in p.call("list", installation="conformance")["items"]}


@check
def handed_over(world):
    """With `from`, that application's mark counts as the owner's until the next write, which replaces it."""
    documents = world.set_of("first")
    with world.provider() as p:
        entries = world.sync(p, "first")
        for seen in world.observe(p, handed(entries, "app"), owner=OTHER).values():
            expect((seen["live"], seen["drift"]) == ("ours", "yes"), f"before it is taken: {seen}")
        plan, resources = world.plan(p, documents, sync="2", owner=OTHER, entries=handed(entries, "app"))
        expect(not plan.get("problems"), f"{plan}")
        expect({s["action"] for s in plan["steps"]} == {"adopt"}, f"{plan['steps']}")
        expect({s.get("from") for s in plan["steps"]} == {"app"}, f"`from` is not in the steps: {plan['steps']}")
        expect(owners(p) == {"app"}, "the plan changed the owner")
        result = world.apply(p, plan, resources, documents, sync="2", owner=OTHER)
        expect(result["outcome"] == "done", f"{result}")
        expect(owners(p) == {"other"}, f"owners: {owners(p)}")
        for seen in world.observe(p, world.entries(plan, result), owner=OTHER).values():
            expect((seen["live"], seen["drift"]) == ("ours", "no"), f"when it is taken: {seen}")
        for seen in world.observe(p, entries).values():
            expect(seen["live"] != "ours", f"for the one that it was of: {seen}")


@check
def handed_over_and_changed(world):
    """What is handed over and declared otherwise is updated, and what is not declared is deleted."""
    documents = world.set_of("second")
    with world.provider() as p:
        entries = handed(world.sync(p, "first"), "app")
        plan, resources = world.plan(p, documents, sync="2", owner=OTHER, entries=entries)
        actions = [s["action"] for s in plan["steps"] if s["action"] != "adopt"]
        expect(len(actions) == 1 and actions[0] in ("update", "replace"), f"{plan}")
        result = world.apply(p, plan, resources, documents, sync="2", owner=OTHER)
        expect((result["outcome"], owners(p)) == ("done", {"other"}), f"{result}, owners {owners(p)}")
        entries = handed(world.entries(plan, result), "other")
        plan, _ = world.plan(p, [], [e["id"] for e in entries], sync="3", entries=entries)
        expect({s["action"] for s in plan["steps"]} == {"delete"}, f"{plan}")
        result = world.apply(p, plan, sync="3")
        expect((result["outcome"], owners(p)) == ("done", set()), f"{result}, owners {owners(p)}")


@check
def handed_over_by_another(world):
    """`from` counts for that application alone."""
    documents = world.set_of("first")
    with world.provider() as p:
        entries = world.sync(p, "first")
        for seen in world.observe(p, handed(entries, "somebody"), owner=OTHER).values():
            expect(seen["live"] != "ours", f"of somebody else: {seen}")
        plan, _ = world.plan(p, documents, sync="2", owner=OTHER, entries=handed(entries, "somebody"))
        expect(any(x.get("cause") == "conflict" for x in plan.get("problems", [])), f"{plan}")
        expect(owners(p) == {"app"}, f"owners: {owners(p)}")


@check
def cancel(world):
    """cancel is answered, for an unknown sync as well; the apply it ends still answers with a state per step."""
    documents = world.set_of("first")
    with world.provider() as p:
        p.call("cancel", sync="no such sync")
        plan, resources = world.plan(p, documents)
        apply = p.start("apply", {"sync": "1", "owner": world.owner, "policy": world.policy(), "steps": plan["steps"],
                                  "resources": resources, "documents": documents})
        p.call("cancel", sync="1")
        result = p.wait(apply)
        expect(result["outcome"] in ("done", "cancelled"), f"{result}")
        done = [s["id"] for s in plan["steps"]
                for t in result["steps"] if t["key"] == s["key"] and t["state"] == "done"]
        for identity, seen in world.observe(p, [{"id": s["id"]} for s in plan["steps"]]).items():
            expect((seen["live"] == "ours") == (identity in done), f"{identity}: {seen}, done: {done}")


@check
def killed_in_apply(world):
    """Killed at any instant, a new process finishes the same plan; nothing half-made is taken for whole."""
    documents = world.set_of("first")
    for round_ in range(10):
        with world.provider() as p:
            plan, resources = world.plan(p, documents, sync=f"a{round_}")
            p.start("apply", {"sync": f"a{round_}", "owner": world.owner, "policy": world.policy(),
                              "steps": plan["steps"], "resources": resources, "documents": documents})
            if round_ % 2:
                p.wait_note(lambda n: n["method"] == "progress", 2)
            p.kill()
        with world.provider() as p:
            result = world.apply(p, plan, resources, documents, sync=f"a{round_}")
            if result["outcome"] == "stale":
                plan, resources = world.plan(p, documents, sync=f"b{round_}")
                result = world.apply(p, plan, resources, documents, sync=f"b{round_}")
            expect(result["outcome"] == "done", f"round {round_}: {result}")
            entries = world.entries(plan, result)
            expect(all(o["drift"] == "no" for o in world.observe(p, entries, full=True).values()), "drift")
            removal_plan, _ = world.plan(p, [], [e["id"] for e in entries], sync=f"c{round_}")
            expect(world.apply(p, removal_plan, sync=f"c{round_}")["outcome"] == "done", "not removed")
    expect(not world.documents.get("litter_free") or not os.listdir(world.root), f"litter: {os.listdir(world.root)}")


@check
def blobs(world):
    """Blobs are asked for in chunks, at most four at once, and verified whole before use."""
    document, path = world.need("sourced"), world.need("source_path")
    data = os.urandom(1 << 20) if world.documents.get("binary", True) else b"text " * 200_000
    blob = blob_of(data)
    item = {"digest": digest_of(document), "json": document, "blobs": [{"path": path, "blob": blob}]}
    with world.provider() as p:
        p.blobs[blob["digest"]] = data
        plan, resources = world.plan(p, [item])
        p.blobs[blob["digest"]] = data[:-1] + b"!"
        lied = world.apply(p, plan, resources, [item])
        expect(lied["outcome"] == "failed", f"wrong bytes were taken: {lied}")
        seen = world.observe(p, [{"id": plan["steps"][0]["id"]}])
        expect(all(o["live"] == "absent" for o in seen.values()), f"wrong bytes arrived: {seen}")
        p.blobs[blob["digest"]] = data
        result = world.apply(p, plan, resources, [item])
        expect(result["outcome"] == "done", f"{result}")
        expect(p.most_open_blobs <= 4, f"{p.most_open_blobs} blob requests at once")
        expect(not p.blob_faults, f"{p.blob_faults}")


@check
def end_of_file_in_apply(world):
    """At the end of its input an apply is cancelled at its next step, and the process ends."""
    documents = world.set_of("first")
    with world.provider() as p:
        plan, resources = world.plan(p, documents)
        p.start("apply", {"sync": "1", "owner": world.owner, "policy": world.policy(), "steps": plan["steps"],
                          "resources": resources, "documents": documents})
        p.close_input()
        expect(p.exit_status(20) == 0, f"status {p.process.poll()}")
    with world.provider() as p:
        result = world.apply(p, plan, resources, documents)
        expect(result["outcome"] == "done", f"{result}")
        expect(eventually(lambda: len(p.call("list", installation="conformance")["items"]) == len(documents)), "list")


@check
def hostile_steps(world):
    """A step for another id than its document's, or without its document, is refused and changes nothing."""
    documents = world.set_of("first")
    with world.provider() as p:
        plan, resources = world.plan(p, documents)
        try:
            result = world.apply(p, plan, resources, [])
            expect(result["outcome"] == "failed", f"without documents: {result}")
        except Refused:
            pass
        for step in plan["steps"]:
            step["digest"] = documents[0]["digest"]
        result = world.apply(p, plan, resources, documents)
        expect(result["outcome"] == "failed", f"with another's document: {result}")
        expect(len(p.call("list", installation="conformance")["items"]) <= 1, "made under a wrong id")


@check
def another_destination(world):
    """Where another identity is meant than its own, plan, apply, observe and list are refused as transient, and nothing is written."""
    settings, documents = world.documents.get("settings"), world.set_of("second")
    with world.provider(initialize=False) as p:
        identity = p.initialize(settings).get("identity")
        if not identity:
            raise Skip("it tells no identity")
        expect(len(identity.encode()) <= 128, f"{len(identity.encode())} bytes of identity")
        entries = world.sync(p, "first")
        plan, resources = world.plan(p, documents, sync="2")
    with world.provider(initialize=False) as p:
        told = p.initialize(settings, identity="another").get("identity")
        expect(told == identity, f"after a restart it is {told}, not {identity}")
        for call in (lambda: world.plan(p, documents, sync="3"), lambda: world.apply(p, plan, resources, documents, sync="2"),
                     lambda: world.observe(p, entries), lambda: p.call("list", installation="conformance")):
            try:
                answer = call()
            except Refused as refused:
                expect((refused.error.get("data") or {}).get("cause") == "transient", f"refused by {refused.error}")
            else:
                raise AssertionError(f"answered: {answer}")
    with world.provider(initialize=False) as p:
        p.initialize(settings, identity=identity)
        seen = world.observe(p, entries)
        expect(all((o["live"], o["drift"]) == ("ours", "no") for o in seen.values()), f"something was written: {seen}")
