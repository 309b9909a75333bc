#!/usr/bin/env python3
"""Runs the shell steps of action.yml as GitHub does: packaging/run-action.py [INPUT=VALUE…]

GITHUB_PATH is a file of the caller; what another action does is left out, as if there were nothing in the cache, or, with
CACHE_HIT=true in the environment, as if it had been. Needs PyYAML.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

root = Path(__file__).parent.parent.resolve()
action = yaml.safe_load((root / "action.yml").read_text())
given = dict(argument.split("=", 1) for argument in sys.argv[1:])
inputs = {}
for name, described in action["inputs"].items():
    if described.get("required") and name not in given:
        sys.exit(f"the input {name} is required")
    inputs[name] = given.pop(name, described.get("default", ""))
if given:
    sys.exit(f"no such inputs: {', '.join(given)}")

# A condition that is not here is a mistake, or has to be added.
holds = {
    "steps.cache.outputs.cache-hit != 'true'": os.environ.get("CACHE_HIT") != "true",
    "inputs.job != ''": inputs["job"] != "",
}
contexts = {f"inputs.{name}": value for name, value in inputs.items()} | {"runner.os": "Linux", "runner.arch": "X64"}


def filled(text):
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda expression: contexts[expression[1]], text)


for step in action["runs"]["steps"]:
    if "if" in step and not holds[step["if"]]:
        continue
    if "uses" in step:
        print(f"left out: {step['uses']}", {name: filled(value) for name, value in step.get("with", {}).items()})
        continue
    assert step["shell"] == "bash", step
    added = Path(os.environ["GITHUB_PATH"]).read_text().splitlines()
    environment = os.environ | {name: filled(value) for name, value in step.get("env", {}).items()}
    environment["PATH"] = ":".join([*reversed(added), os.environ["PATH"]])
    environment["GITHUB_ACTION_PATH"] = str(root)
    # An expression in a script would put the text of an input into it.
    assert "${{" not in step["run"], step
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    ended = subprocess.run(command, env=environment)
    if ended.returncode:
        sys.exit(ended.returncode)
