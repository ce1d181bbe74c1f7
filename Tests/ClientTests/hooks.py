"""Gives the generated requests something real to ask for: an execution, keys and accounts that exist."""

import os

import schemathesis


@schemathesis.hook
def before_load_schema(context, raw_schema):
    parameters = raw_schema["components"]["parameters"]
    # Of all vendors, its is asked last for the first time: it shows whether runs take as long as the simulator does.
    parameters["internalName"]["examples"]["audio"] = {"value": "suno-v5"}
    parameters["executionId"]["example"] = os.environ["EXECUTION_ID"]
    parameters["keyId"]["example"] = os.environ["KEY_ID"]
    parameters["account"]["example"] = os.environ["ACCOUNT_ID"]
    paths = raw_schema["paths"]
    paths["/api/api-keys"]["parameters"][0]["example"] = "u_" + os.environ["ACCOUNT_ID"]
    # A repetition is answered with what was made then, and that may have been deleted since: the checks hold that what was
    # just created can be read.
    save = paths["/api/workflows"]["post"]
    save["parameters"] = [one for one in save["parameters"] if not one["$ref"].endswith("/Idempotency-Key")]
    # What is gone for good is another's, so that the rest still finds its own.
    paths["/api/api-keys/{id}"]["parameters"] = [{**parameters["keyId"], "example": os.environ["SPARE_KEY_ID"]}]
    path = "/admin/accounts/{account}/close"
    paths[path]["parameters"] = [{**parameters["account"], "example": os.environ["SPARE_ACCOUNT_ID"]}]


@schemathesis.hook
def before_call(context, case, kwargs):
    # A private workflow has no public schema, and the checks hold that what was just created can be read.
    saves = case.operation.label in ("POST /api/workflows", "PUT /api/workflows/{slug}")
    if saves and isinstance(case.body, dict):
        wish = case.body.get("publicPlayground")
        if wish is None or wish is False:
            case.body["publicPlayground"] = True
