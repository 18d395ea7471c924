"""The simulator's portal side: what an administrator does on Apple's web site, and what only a simulator can do."""

from contextlib import contextmanager

import requests

from apple import NEWEST, Apple
from token_file import Key, open_token

KEY = Key("server")

_url = ""


def connect(url):
    """Where the simulator is; nothing here works before."""
    global _url
    _url = url


def apple(token, version=NEWEST):
    """A client of the simulator."""
    return Apple(_url, token, version)


def ask(method, path, body=None, data=None, **query):
    """One call of the portal, which must succeed; what it answers."""
    answer = attempt(method, path, body, data, **query)
    assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.content


def attempt(method, path, body=None, data=None, **query):
    return requests.request(method, f"{_url}/_sim{path}", json=body, data=data, params=query, timeout=60)


def reset():
    """As right after the start."""
    ask("POST", "/reset")


@contextmanager
def options(**changes):
    """Other switches, until the end of the block."""
    before = ask("GET", "/options")
    unknown = set(changes) - set(before)
    assert not unknown, f"The simulator knows no {unknown}."
    ask("PUT", "/options", changes)
    try:
        yield
    finally:
        ask("PUT", "/options", {name: before[name] for name in changes})


def advance(seconds):
    """The simulator's clock moves forward. Signatures still use the machine's time, and are compared with that from now on."""
    ask("PUT", "/options", {"signature_clock": "machine"})
    ask("POST", "/clock/advance", {"seconds": seconds})


def fault(do, times=1, **match):
    """A rule that spoils calls; its id."""
    return ask("POST", "/faults", {"match": match, "do": do, "times": times})["id"]


class Server:
    """A device management service of an organization, with its public key."""

    def __init__(self, name="Peer", key=KEY, **organization):
        org = ask("POST", "/organizations", organization)["org_id"] if organization else None
        made = ask("POST", "/servers", {"name": name} | ({"org_id": org} if org else {}))
        self.uuid = made["server_uuid"]
        self.path = f"/servers/{self.uuid}"
        self.org = ask("GET", self.path)["org_id"]
        self.key = key
        ask("PUT", f"{self.path}/certificate", data=key.certificate_pem)

    def sibling(self):
        """Another server of the same organization."""
        other = Server.__new__(Server)
        made = ask("POST", "/servers", {"name": "Sibling", "org_id": self.org})
        other.uuid, other.org, other.key = made["server_uuid"], self.org, self.key
        other.path = f"/servers/{other.uuid}"
        ask("PUT", f"{other.path}/certificate", data=self.key.certificate_pem)
        return other

    def token_file(self, **query):
        """Downloads a server token; the one before is invalid from now on. Its bytes and Content-Disposition."""
        answer = attempt("POST", f"{self.path}/token", **query)
        assert answer.ok, answer.text
        return answer.content, answer.headers.get("Content-Disposition", "")

    def token(self, **query):
        """What is in a new server token."""
        return open_token(self.token_file(**query)[0], self.key)

    def client(self, version=NEWEST, **query):
        """A client with a new server token."""
        return apple(self.token(**query), version)

    def add(self, *devices, **more):
        """Assigns devices; a text stands for a device with that serial number."""
        given = [device if isinstance(device, dict) else {"serial_number": device} for device in devices]
        ask("POST", f"{self.path}/devices", {"devices": given} | more)

    def seed(self, count):
        """Assigns this number of generated devices."""
        ask("POST", f"{self.path}/devices", {"count": count})

    def serials(self):
        """The serial numbers of all its devices at Apple."""
        page = ask("GET", f"{self.path}/devices", offset=0, limit=10000)
        return sorted(device["serial_number"] for device in page["devices"])

    def change(self, serial, **fields):
        ask("PATCH", f"{self.path}/devices/{serial}", fields)

    def take_away(self, serial):
        ask("DELETE", f"{self.path}/devices/{serial}")

    def life(self, serial, event, **body):
        """Something happens to a device: activate, move, release, replace, leave."""
        return ask("POST", f"{self.path}/devices/{serial}/{event}", body)

    def permit(self, release):
        """Whether the server may disown devices."""
        ask("PUT", f"{self.path}/permissions", {"release_devices": release})

    def accept_terms(self, accepted):
        ask("PUT", f"/organizations/{self.org}/terms", {"accepted": accepted})
