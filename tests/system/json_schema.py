"""Checks JSON against a schema, as far as docs/formats/*.schema.json need it, and refuses the rest."""

import re

KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "type", "enum", "const", "properties",
    "required", "additionalProperties", "items", "anyOf", "minimum", "minItems", "maxItems",
    "pattern",
}
TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
    "number": (int, float), "null": type(None),
}


def is_of(value, name):
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def simple(value, schema):
    """What is wrong with it, by the keywords that do not look inside."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_of(value, kind) for kind in kinds):
        yield f"{value!r} is no {' or '.join(kinds)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{value!r} is none of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{value!r} is not {schema['const']!r}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{value!r} is less than {schema['minimum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{value!r} is not like {schema['pattern']}"


def within_object(value, schema, root, where):
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}: no {name}"
    for name, item in value.items():
        if name in properties:
            yield from errors(item, properties[name], root, f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{where}: {name} is not in the schema"


def within_array(value, schema, root, where):
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{where}: {len(value)} items"
    for i, item in enumerate(value):
        yield from errors(item, schema.get("items", {}), root, f"{where}[{i}]")


def errors(value, schema, root=None, where="$"):
    """Sentences, none if the value is as the schema has it."""
    root = root or schema
    assert set(schema) <= KNOWN, f"not understood: {set(schema) - KNOWN}"
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        yield from errors(value, root["$defs"][name], root, where)
        return
    if "anyOf" in schema:
        tried = [list(errors(value, s, root, where)) for s in schema["anyOf"]]
        if all(tried):
            yield from min(tried, key=len)
        return
    found = list(simple(value, schema))
    yield from (f"{where}: {what}" for what in found)
    if not found and isinstance(value, dict):
        yield from within_object(value, schema, root, where)
    elif not found and isinstance(value, list):
        yield from within_array(value, schema, root, where)
