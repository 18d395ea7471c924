"""Adept's other side, as much of it as makes it call Apple: a setting, its token, its profiles and devices."""

import base64
import json
import subprocess

import requests

from programs import running, until


class Graph:
    """Adept, signed in."""

    def __init__(self, url, credentials):
        self.url = url
        form = {
            "grant_type": "client_credentials",
            "client_id": credentials["clientId"],
            "client_secret": credentials["clientSecret"],
            "scope": "https://localhost/.default",
        }
        answer = requests.post(f"{url}/{credentials['tenantId']}/oauth2/v2.0/token", data=form)
        assert answer.ok, answer.text
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def until_it_listens(self):
        until(lambda: listens(self.url), "Adept listens")

    def ask(self, method, path, body=None):
        url = f"{self.url}/beta/deviceManagement{path}"
        return requests.request(method, url, json=body, headers=self.headers, timeout=60)

    def must(self, method, path, body=None):
        """A call that must succeed; what it answers."""
        answer = self.ask(method, path, body)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


class Setting:
    """A setting of Adept's."""

    def __init__(self, graph, name):
        self.graph = graph
        self.path = "/depOnboardingSettings/" + graph.must("POST", "/depOnboardingSettings", {"tokenName": name})["id"]

    def read(self):
        return self.graph.must("GET", self.path)

    def public_key(self):
        """Its certificate in PEM, which Apple's portal is given."""
        return self.graph.must("GET", f"{self.path}/getEncryptionPublicKey")["value"].encode()

    def upload(self, file):
        """Uploads a server token; the status."""
        token = base64.b64encode(file).decode()
        return self.graph.ask("POST", f"{self.path}/uploadDepToken", {"depToken": token}).status_code

    def sync(self):
        self.graph.must("POST", f"{self.path}/syncWithAppleDeviceEnrollmentProgram")

    def release(self, serials):
        """Requests the release of these devices from the organization."""
        self.graph.must("POST", f"{self.path}/releaseAppleDevices", {"deviceSerialNumbers": serials})

    def want(self, profile, serials):
        """Requests a profile for these devices."""
        self.graph.must("POST", f"{profile}/updateDeviceProfileAssignment", {"deviceIds": serials})

    def make_default(self, profile):
        """Makes a profile the default of its platform."""
        self.graph.must("POST", f"{profile}/setDefaultProfile")

    def make_profile(self, **fields):
        """Makes a profile; its path."""
        made = self.graph.must("POST", f"{self.path}/enrollmentProfiles", fields)
        return f"{self.path}/enrollmentProfiles/{made['id']}"

    def wait_for(self, what, **wanted):
        """Until the setting has these values."""
        until(lambda: all(self.read()[name] == value for name, value in wanted.items()), f"{what}: {wanted}")


def serve(adept, folder, apple_url, port):
    """`adept serve` without TLS, with a database of its own, talking to Apple at this URL."""
    return running(
        *[adept, "serve", "--plain-http", "--listen", f"127.0.0.1:{port}", "--metrics-listen", "off"],
        *["--apple-url", apple_url, "--data-dir", str(folder), "--log", "warn"],
        *["--mdm-url", "https://mdm.example.org/enroll/{settingId}"],
        stderr=(folder / "serve.log").open("a"),
        stdout=subprocess.DEVNULL,
    )


def listens(url):
    try:
        return requests.get(f"{url}/livez").ok
    except requests.ConnectionError:
        return False


def sign_in(adept, folder, port):
    """A client of Adept, once it listens."""
    url = f"http://127.0.0.1:{port}"

    until(lambda: listens(url), "Adept listens")
    permission = "DeviceManagementServiceConfig.ReadWrite.All"
    added = subprocess.run(
        [adept, "client", "add", "peers", "--permission", permission, "--json", "--data-dir", str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    return Graph(url, json.loads(added.stdout))
