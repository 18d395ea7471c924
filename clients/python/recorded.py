"""Sends the requests that programs for Graph were seen to send, byte for byte as they are recorded, and reads the answers.

    ADEPT=https://localhost:8443 SIM=http://127.0.0.1:8080/_sim TENANT=… CLIENT=… SECRET=… CA=adept-data/tls/ca.pem \\
    python recorded.py requests.json

What the file means stands beside it, in `fixtures/requests/README.md`.
"""

import http.client
import json
import os
import ssl
import sys
import time
from urllib.parse import quote, urlencode, urlsplit

import portal

TENANT = os.environ["TENANT"]
SETTINGS = "/beta/deviceManagement/depOnboardingSettings"
# What a URL may hold as it is; clients write the rest in this way.
AS_IT_IS = "%/:?#[]@!$&'()*+,;=~"

adept = urlsplit(os.environ["ADEPT"])
trust = ssl.create_default_context(cafile=os.environ["CA"])
connection = http.client.HTTPSConnection(adept.hostname, adept.port, context=trust, timeout=30)


def ask(method, path, headers, body=None):
    """Status, headers and text of an answer."""
    connection.request(method, quote(path, safe=AS_IT_IS), body, headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def sign_in():
    form = urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": os.environ["CLIENT"],
            "client_secret": os.environ["SECRET"],
            "scope": "https://localhost/.default",
        }
    )
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    _, _, text = ask("POST", f"/{TENANT}/oauth2/v2.0/token", kind, form)
    return {"Authorization": "Bearer " + json.loads(text)["access_token"]}


def graph(method, path, body=None):
    """The JSON of an answer that must be good."""
    text = None if body is None else json.dumps(body)
    status, _, answer = ask(method, path, signed_in | {"Content-Type": "application/json"}, text)
    assert status < 300, (method, path, status, answer)
    return json.loads(answer) if answer else None


def tenant_with_a_synced_setting():
    """The names in the recorded requests, and what they stand for here."""
    setting = graph("POST", SETTINGS, {"tokenName": "Recorded"})["id"]
    at = f"{SETTINGS}/{setting}"
    server = portal.add_server("Recorded", graph("GET", f"{at}/getEncryptionPublicKey")["value"])
    kinds = [("RECORD0001", "iPhone", "iOS"), ("RECORD0002", "Mac", "OSX")]
    devices = [
        {"serial_number": serial, "model": family, "device_family": family, "os": os, "description": f"A {family}"}
        for serial, family, os in kinds
    ]
    portal.assign_devices(server, devices)
    graph("POST", f"{at}/uploadDepToken", {"depToken": portal.download_token(server)})
    end = time.monotonic() + 30
    while graph("GET", at)["syncedDeviceCount"] < len(devices):
        assert time.monotonic() < end, "the devices do not come"
        time.sleep(0.1)
    device = graph("GET", f"{at}/importedAppleDeviceIdentities")["value"][0]

    def profile(kind):
        body = {"@odata.type": f"#microsoft.graph.{kind}", "displayName": kind}
        return graph("POST", f"{at}/enrollmentProfiles", body)["id"]

    return {
        "{ios}": profile("depIOSEnrollmentProfile"),
        "{mac}": profile("depMacOSEnrollmentProfile"),
        "{device}": device["id"],
        "{serial}": device["serialNumber"],
        "{tenant}": TENANT,
        "{setting}": setting,
    }


def filled(text):
    for name, value in names.items():
        text = text.replace(name, value)
    return text


def at_pointer(document, pointer):
    for key in pointer.split("/")[1:]:
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def faults(one):
    """What is wrong with the answer to a recorded request."""
    path = filled(one["path"])
    path = SETTINGS + path[1:] if path.startswith("S") else path
    headers = {} if one.get("anonymous") else dict(signed_in)
    body = filled(one["text"]) if "text" in one else None
    if "body" in one:
        body = filled(json.dumps(one["body"]))
        headers["Content-Type"] = "application/json"
    status, answered, text = ask(one["method"], path, headers | one.get("headers", {}), body and body.encode())
    if status != one["status"]:
        return [f"status {status} instead of {one['status']}: {text}"]
    found = []
    for pointer, expected in one.get("json", {}).items():
        value = at_pointer(json.loads(text), pointer)
        if value != json.loads(filled(json.dumps(expected))):
            found.append(f"{pointer} is {value}")
    found += [f"{part} is not there: {text}" for part in one.get("contains", []) if part not in text]
    for name, part in one.get("header", {}).items():
        if part not in (answered.get(name) or ""):
            found.append(f"the header {name} is {answered.get(name)}")
    return found


signed_in = sign_in()
names = tenant_with_a_synced_setting()
with open(sys.argv[1], encoding="utf-8") as file:
    recorded = json.load(file)
wrong = {one["what"]: found for one in recorded if (found := faults(one))}
assert not wrong, json.dumps(wrong, indent=1)
print(f"ok {len(recorded)} recorded requests are answered as their senders expect")
