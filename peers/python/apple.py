"""A small client of Apple's device assignment service: session, protocol version, and calls with their answers.

It does what it is told, also what is wrong, so that answers to wrong calls can be judged. It repeats nothing and
follows nothing.
"""

import json
from dataclasses import dataclass

import requests
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, Client
from urllib3.util import SKIP_HEADER

JSON = "application/json;charset=UTF8"
NEWEST = 10
AGENT = "Peer/1.0"


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        """The body; nothing when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def devices(self):
        return self.json["devices"]

    @property
    def code(self):
        """The status with Apple's code, however it is spelled: bare, with spaces, quoted, or in an object."""
        value = self.json
        if isinstance(value, dict):
            value = value.get("code")
        return self.status, value if isinstance(value, str) else self.text.strip()

    def __repr__(self):
        return f"{self.status} {self.text[:300]!r}"


class Apple:
    """One token at one service. `token` is what a server token holds."""

    def __init__(self, url, token, version=NEWEST, agent=AGENT):
        self.url = url
        self.token = token
        self.version = version
        self.agent = agent
        self.session = None
        self.connection = requests.Session()
        self.connection.trust_env = False

    def signature(self, url=None, method="GET", realm="ADM", **changes):
        """The value of `Authorization`, made by oauthlib."""
        given = {
            "client_key": self.token["consumer_key"],
            "client_secret": self.token["consumer_secret"],
            "resource_owner_key": self.token["access_token"],
            "resource_owner_secret": self.token["access_secret"],
            "signature_method": SIGNATURE_HMAC_SHA1,
            "realm": realm,
        }
        _, headers, _ = Client(**given | changes).sign(url or self.url + "/session", http_method=method)
        return headers["Authorization"]

    def ask_session(self, authorization=None, **headers):
        """`GET /session` with the given parameters; the token that it gets is used from then on."""
        wanted = {"Authorization": authorization or self.signature(), "Content-Type": JSON} | headers
        answer = self.send("GET", "/session", None, wanted)
        if answer.status == 200:
            self.session = answer.json["auth_session_token"]
        return answer

    def call(self, method, path, body=None, **headers):
        """Any other call, with the session; asks for one first when there is none."""
        if self.session is None:
            answer = self.ask_session()
            if answer.status != 200:
                return answer
        return self.send(method, path, body, {"X-ADM-Auth-Session": self.session, "Content-Type": JSON} | headers)

    def send(self, method, path, body, headers):
        """One request with exactly these headers; one of None stays out. A body that is no bytes is sent as JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        usual = {"Accept": JSON, "User-Agent": self.agent, "X-Server-Protocol-Version": self.version}
        headers = {name.replace("_", "-"): value for name, value in (usual | headers).items()}
        if headers["User-Agent"] is None:
            headers["User-Agent"] = SKIP_HEADER
        headers = {name: str(value) for name, value in headers.items() if value is not None}
        answer = self.connection.request(
            method, self.url + path, data=body, headers=headers, allow_redirects=False, timeout=30
        )
        return Answer(answer.status_code, answer.headers, answer.content)

    # The calls by name.

    def account(self):
        return self.call("GET", "/account")

    def fetch(self, **body):
        return self.call("POST", "/server/devices", body)

    def sync(self, **body):
        return self.call("POST", "/devices/sync", body)

    def details(self, devices):
        return self.call("POST", "/devices", {"devices": devices})

    def disown(self, devices):
        return self.call("POST", "/devices/disown", {"devices": devices})

    def define(self, **profile):
        return self.call("POST", "/profile", profile)

    def profile(self, uuid):
        return self.call("GET", f"/profile?profile_uuid={uuid}")

    def assign(self, uuid, devices, method="POST"):
        return self.call(method, "/profile/devices", {"profile_uuid": uuid, "devices": devices})

    def remove(self, devices):
        return self.call("DELETE", "/profile/devices", {"devices": devices})

    def lock(self, device, **more):
        return self.call("POST", "/device/activationlock", {"device": device} | more)

    def replacement(self, device):
        return self.call("GET", f"/device/replacementDetails?device={device}")

    def fetch_all(self, limit=1000):
        """Every page of a fetch, and the cursor behind the last."""
        return self._pages(self.fetch, limit)

    def sync_all(self, cursor, limit=1000):
        """Every page of changes since the cursor, and the next cursor."""
        return self._pages(self.sync, limit, cursor)

    def _pages(self, call, limit, cursor=None):
        pages, more = [], True
        while more and len(pages) < 100:
            answer = call(limit=limit, **({"cursor": cursor} if cursor else {}))
            assert answer.status == 200, answer
            pages.append(answer)
            cursor, more = answer.json["cursor"], answer.json["more_to_follow"]
        return pages, cursor


def devices_of(pages):
    """The records of all pages, in order."""
    return [device for page in pages for device in page.json.get("devices", [])]
