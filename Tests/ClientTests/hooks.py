"""Gives the generated requests something real to ask for: an execution and a key that exist."""

import os

import schemathesis


@schemathesis.hook
def before_load_schema(context, raw_schema):
    parameters = raw_schema["components"]["parameters"]
    parameters["executionId"]["example"] = os.environ["EXECUTION_ID"]
    parameters["keyId"]["example"] = os.environ["KEY_ID"]
