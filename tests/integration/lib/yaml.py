"""Writes the few kinds of YAML that configurations and manifests need."""
import json


def dump(value, indent: int = 0) -> str:
    pad = "  " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{key}:{_below(item, indent)}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}-{_item(item, indent)}" for item in value)
    return f"{pad}{_scalar(value)}\n"


def documents(*values) -> str:
    return "---\n".join(dump(value) for value in values)


def _below(value, indent: int) -> str:
    if isinstance(value, (dict, list)) and value:
        return "\n" + dump(value, indent + 1)
    return f" {_scalar(value)}\n"


def _item(value, indent: int) -> str:
    if isinstance(value, dict) and value:
        return " " + dump(value, indent + 1).lstrip(" ")
    return _below(value, indent)


def _scalar(value) -> str:
    if isinstance(value, str) and value.replace("/", "").replace("-", "").isalpha() and \
            value.lower() not in ("yes", "no", "on", "off", "true", "false", "null", "y", "n"):
        return value
    return json.dumps(value, ensure_ascii=False)
