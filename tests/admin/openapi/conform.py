"""Holds a description and the examples of the documentation against each other.

conform.py DESCRIPTION DOCUMENTATION: the description is valid OpenAPI 3.1, and every answer that follows a `call` in the documentation
is one it describes.
"""

import json
import shlex
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012


def main(description, documentation):
    described = json.load(open(description, encoding="utf-8"))
    validate(described)
    registry = Registry().with_resource("urn:api", Resource.from_contents(described, default_specification=DRAFT202012))
    lines = open(documentation, encoding="utf-8").read().splitlines()
    examples = [(call, answer[2:]) for call, answer in zip(lines, lines[1:]) if call.startswith("call ") and answer.startswith("# {")]
    failures = []
    for call, answer in examples:
        endpoint, *parameters = shlex.split(call)[1:]
        path = f"/{endpoint}.action"
        if path not in described["paths"]:
            failures.append(f"{endpoint} is not described")
            continue
        operation = described["paths"][path]["post"]
        body = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
        aliases = {name.lower() for name in body}
        failures += [f"{endpoint}: {p} is not described" for p in parameters if p.split("=")[0].lower() not in aliases]
        pointer = "urn:api#/paths/" + path.replace("/", "~1")
        schema = {"$ref": pointer + "/post/responses/200/content/application~1json/schema"}
        errors = Draft202012Validator(schema, registry=registry).iter_errors(json.loads(answer))
        failures += [f"{endpoint}: {answer}: {error.message}" for error in errors]
    shown = {shlex.split(call)[1] for call, _ in examples}
    failures += [f"{path} has no example" for path in described["paths"] if path[1:].removesuffix(".action") not in shown]
    sys.exit("\n".join(failures) or 0)


main(*sys.argv[1:])
