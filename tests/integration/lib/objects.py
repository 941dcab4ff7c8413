"""Kubernetes objects for tests, each of a kind that needs no controller to be well."""


def of(kind: str, version: str, name: str, **members) -> dict:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **members}


def pods(name: str, **spec) -> dict:
    """A PodTemplate: what a Pod has, without one who runs it."""
    container = {"name": "web", "image": "web:1"}
    return of("PodTemplate", "v1", name, template={
        "metadata": {"labels": {"app": name}}, "spec": {"containers": [container], **spec}})


def with_container(name: str, **members) -> dict:
    return pods(name, containers=[{"name": "web", "image": "web:1", **members}])


def cron_job(name: str, containers: list[dict], **spec) -> dict:
    return of("CronJob", "batch/v1", name, spec={"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": containers, **spec}}}}})


def deployment(name: str, **spec) -> dict:
    """Paused, and so one that no controller has to look at."""
    labels = {"app": name}
    return of("Deployment", "apps/v1", name, spec={"paused": True, "selector": {"matchLabels": labels}, **spec, "template": {
        "metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}})


def service(name: str, *ports: dict, **spec) -> dict:
    return of("Service", "v1", name, spec={"ports": list(ports), "selector": {"app": name}, **spec})


def autoscaler(name: str) -> dict:
    def metric(resource, value):
        return {"type": "Resource", "resource": {"name": resource, "target": {"type": "Utilization", "averageUtilization": value}}}

    return of("HorizontalPodAutoscaler", "autoscaling/v2", name, spec={
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": 1,
        "maxReplicas": 3, "metrics": [metric("cpu", 50), metric("memory", 70)]})


def kind_of(plural: str, kind: str, group: str, spec: dict | None = None, versions: tuple[str, ...] = ("v1",)) -> dict:
    """A CustomResourceDefinition; the first version is stored."""
    schema = {"type": "object", "properties": {"spec": spec or {
        "type": "object", "properties": {"apples": {"type": "integer", "minimum": 1}}}}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural},
                     "versions": [{"name": version, "served": True, "storage": version == versions[0],
                                   "schema": {"openAPIV3Schema": schema}} for version in versions]}}
