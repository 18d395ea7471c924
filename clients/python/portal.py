"""Apple's portal, as the simulator provides it: servers, their certificates, devices and tokens."""

import json
import os
import urllib.request

SIM = os.environ["SIM"]


def ask(method, path, body=None):
    request = urllib.request.Request(SIM + path, data=body, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def add_server(name, certificate):
    """Adds a device management service with its public key; its id."""
    server = json.loads(ask("POST", "/servers", json.dumps({"name": name}).encode()))["server_uuid"]
    replace_certificate(server, certificate)
    return server


def replace_certificate(server, certificate):
    """Gives a server another public key: its next token is sealed to it."""
    ask("PUT", f"/servers/{server}/certificate", certificate.encode())


def assign_devices(server, devices):
    """Assigns devices of the organization to a server."""
    ask("POST", f"/servers/{server}/devices", json.dumps({"devices": devices}).encode())


def download_token(server):
    """The text of a new server token. The one before is invalid from now on."""
    return ask("POST", f"/servers/{server}/token")


def revoke_token(server):
    """Revokes the server's token without a new one."""
    ask("POST", f"/servers/{server}/revoke")
