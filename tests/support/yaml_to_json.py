"""Prints a YAML file as JSON: there is no YAML reader among the dependencies of the tests."""

import datetime
import json
import sys

import yaml


def plain(value):
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    raise TypeError(type(value))


def keys(value):
    if isinstance(value, dict):
        return {str(key): keys(inner) for key, inner in value.items()}
    return [keys(inner) for inner in value] if isinstance(value, list) else value


with open(sys.argv[1], encoding="utf-8") as file:
    json.dump(keys(yaml.safe_load(file)), sys.stdout, default=plain)
