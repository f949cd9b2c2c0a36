#!/usr/bin/env python3
"""import-cases.py - turns described traffic (a list of cases as JSON) into vectors of tests/vectors/rules, one a line.

Usage: import-cases.py CASES.json docs/rules.md > tests/vectors/rules/cases.json

Rules that a case expects and that docs/rules.md does not list yet go to `awaited_rules`: they must fire as soon as they exist. All else
is kept as it is, so that cases and vectors can be compared line by line.
"""
import json
import re
import sys

EXCHANGE_KEYS = ("method", "url", "request_headers", "request_body", "status", "response_headers", "response_body", "seconds_since_start")
OPTIONAL_KEYS = ("duration", "client", "is_truncated", "is_response_local", "observed")


def vector_of(case, known_rules):
    missing = {"id", "kind", "exchanges", "expected_rules", "forbidden_rules"} - case.keys()
    if missing:
        raise ValueError(f"{case.get('id', 'a case without id')}: no {', '.join(sorted(missing))}")
    if case["kind"] not in ("failure", "healthy", "deviation"):
        raise ValueError(f"{case['id']}: kind is {case['kind']}")
    vector = {"id": case["id"], "kind": case["kind"], "symptom": case.get("symptom", ""),
              "exchanges": [{key: exchange[key] for key in EXCHANGE_KEYS + OPTIONAL_KEYS if key in exchange} for exchange in case["exchanges"]],
              "expected_rules": [rule for rule in case["expected_rules"] if rule in known_rules],
              "awaited_rules": [rule for rule in case["expected_rules"] if rule not in known_rules],
              "forbidden_rules": case["forbidden_rules"]}
    if case.get("expected_severity"):
        vector["expected_severity"] = case["expected_severity"]
    if "settings" in case:
        vector["settings"] = case["settings"]
    return vector


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        known_rules = set(re.findall(r"[a-z]+/[a-z0-9-]+", file.read()))
    try:
        lines = [json.dumps(vector_of(case, known_rules), ensure_ascii=False) for case in cases]
    except (KeyError, ValueError) as error:
        sys.exit(f"import-cases.py: {error}")
    print("[\n" + ",\n".join(lines) + "\n]")


if __name__ == "__main__":
    main()
