"""The account, activation locks, replacements, account-driven enrollment, beta tokens."""

import hashlib
import re

import portal
from apple import devices_of
from portal import Server

TEXTS = [
    "server_name",
    "server_uuid",
    "admin_id",
    "facilitator_id",
    "org_name",
    "org_email",
    "org_phone",
    "org_address",
    "org_id",
    "org_id_hash",
]
URIS = {
    "/session",
    "/account",
    "/server/devices",
    "/devices/sync",
    "/devices",
    "/devices/disown",
    "/device/activationlock",
    "/device/replacementDetails",
    "/profile",
    "/profile/devices",
    "/account-driven-enrollment/profile",
    "/os-beta-enrollment/tokens",
}


def account(judge):
    """The account"""
    portal.reset()
    server = Server("Head Office")
    answer = server.client().account().json
    for name in TEXTS:
        judge.hold(f"Apple account-detail: {name} is text", re.compile("(?s).+"), answer[name])
    judge.hold("Apple account-detail: the server's name", "Head Office", answer["server_name"])
    judge.hold(
        "Observed: server_uuid has 32 upper-case hexadecimal digits", re.compile("[0-9A-F]{32}"), answer["server_uuid"]
    )
    judge.hold("Apple account-detail: org_type", {"org", "edu"}, answer["org_type"])
    judge.hold("Apple account-detail: org_version", "v2", answer["org_version"])
    judge.hold("Observed: facilitator_id is admin_id's twin", answer["admin_id"], answer["facilitator_id"])
    judge.hold("Apple account-detail: admin_id is an address", re.compile(".+@.+"), answer["admin_id"])
    limited = {each["uri"]: each["limit"] for each in answer["urls"] if "limit" in each}
    thousand = {"default": 1000, "maximum": 1000}
    judge.hold("Observed: limits of two calls only", {"/server/devices": thousand, "/devices/sync": thousand}, limited)
    judge.hold("Apple account-detail: urls", set(), URIS - {each["uri"] for each in answer["urls"]})
    judge.hold("Simulator: no other urls", set(), {each["uri"] for each in answer["urls"]} - URIS)
    methods = {each["uri"]: sorted(each["http_method"]) for each in answer["urls"]}
    judge.hold("Observed: methods of /profile/devices", ["DELETE", "POST", "PUT"], methods["/profile/devices"])
    with portal.options(limit_default=100, limit_maximum=5000):
        urls = server.client().account().json["urls"]
        limit = next(each["limit"] for each in urls if each["uri"] == "/devices/sync")
        judge.hold("Observed: other limits", {"default": 100, "maximum": 5000}, limit)
    school = Server("School", type="edu", version="v1").client().account().json
    judge.hold("Apple account-detail: a school of before", ("edu", "v1"), (school["org_type"], school["org_version"]))
    judge.hold(
        "Apple account-detail: server_uuid outlives a token",
        answer["server_uuid"],
        server.client().account().json["server_uuid"],
    )


def locks(judge):
    """Activation locks"""
    portal.reset()
    server = Server()
    server.add(
        {"serial_number": "PEERLOCK0001", "device_family": "iPhone", "os": "iOS"},
        {"serial_number": "PEERLOCK0002", "device_family": "AppleTV", "os": "tvOS"},
        {"serial_number": "PEERLOCK0003", "device_family": "Mac", "os": "OSX"},
    )
    apple = server.client()
    key = hashlib.pbkdf2_hmac("sha256", bytes(range(16)), bytes(4), 50_000, 32).hex()
    answer = apple.lock("PEERLOCK0001", escrow_key=key, lost_message="Please call us.")
    judge.hold(
        "Apple activation-lock-a-device: the answer",
        {"serial_number": "PEERLOCK0001", "response_status": "SUCCESS"},
        answer.json,
    )
    locked = portal.ask("GET", f"{server.path}/devices/PEERLOCK0001/lock")
    judge.hold("Simulator: it is locked", True, locked["locked"])

    def status(serial, **more):
        return apple.lock(serial, **more).json["response_status"]

    judge.hold("Apple: a second time", "DEVICE_ALREADY_LOCKED", status("PEERLOCK0001"))
    judge.hold("Apple: without a key", "SUCCESS", status("PEERLOCK0003"))
    judge.hold("Apple: an Apple TV", "DEVICE_NOT_SUPPORTED", status("PEERLOCK0002"))
    judge.hold("Apple: somebody else's device", "NOT_ACCESSIBLE", status("UNKNOWN"))
    malformed = (400, "MALFORMED_REQUEST_BODY")
    for body in [{}, {"device": None}, {"device": 1}, {"device": ""}]:
        judge.hold(f"Apple: {body}", malformed, apple.call("POST", "/device/activationlock", body).code)
    for wrong in [key[:-2], key + "00", "x" * 64]:
        judge.hold(
            "Apple: an escrow key that is no 64 hexadecimal digits",
            malformed,
            apple.lock("PEERLOCK0001", escrow_key=wrong).code,
        )
    before = Server("Before", version="v1")
    before.add({"serial_number": "PEERLOCK0004", "device_family": "iPhone"})
    answer = before.client().lock("PEERLOCK0004").json["response_status"]
    judge.hold("Apple: an organization of before Apple Business Manager", "ORG_NOT_SUPPORTED", answer)


def replacements(judge):
    """Devices that replace others"""
    portal.reset()
    server = Server()
    server.add("PEERREPLACED", "PEERORDINARY")
    apple = server.client()
    _, cursor = apple.fetch_all()
    server.life("PEERREPLACED", "replace", **{"with": "PEERREPLACES"})
    changes = {change["serial_number"]: change for change in devices_of(apple.sync_all(cursor)[0])}
    gone, came = changes["PEERREPLACED"], changes["PEERREPLACES"]
    judge.hold(
        "Apple device: released_by_replacement",
        ("deleted", True),
        (gone["op_type"], gone.get("released_by_replacement")),
    )
    judge.hold(
        "Apple device: is_replacement_device", ("added", True), (came["op_type"], came.get("is_replacement_device"))
    )
    answer = apple.replacement("PEERREPLACES")
    wanted = {"serial_number": "PEERREPLACES", "original_device_serial_number": "PEERREPLACED"}
    judge.hold(
        "Apple get-replacement-details: the answer",
        wanted,
        {name: value for name, value in answer.json.items() if name != "replacement_date"},
    )
    judge.hold("Apple get-replacement-details: a day", re.compile(r"\d{4}-\d\d-\d\d"), answer.json["replacement_date"])
    required = (400, "DEVICE_ID_REQUIRED")
    for path in ["/device/replacementDetails", "/device/replacementDetails?device="]:
        judge.hold(f"Apple get-replacement-details: {path}", required, apple.call("GET", path).code)
    foreign = Server("Foreign").client()
    for who, serial in [
        (apple, "UNKNOWN"),
        (apple, "PEERORDINARY"),
        (apple, "PEERREPLACED"),
        (foreign, "PEERREPLACES"),
    ]:
        judge.hold(
            "Apple get-replacement-details: unknown, ordinary, or not ours",
            (404, "DEVICE_NOT_FOUND"),
            who.replacement(serial).code,
        )


def account_driven_enrollment(judge):
    """Account-driven enrollment"""
    portal.reset()
    apple = Server().client()
    path = "/account-driven-enrollment/profile"
    judge.hold("Apple: nothing yet", (404, "NOT_FOUND"), apple.call("GET", path).code)
    required, invalid = "MDM_SERVICE_DISCOVERY_URL_REQUIRED", "MDM_SERVICE_DISCOVERY_URL_NOT_VALID"
    judge.hold("Apple: no URL", (400, required), apple.call("POST", path, {}).code)
    for url in ["http://mdm.example.org", "mdm.example.org", "https://"]:
        judge.hold(f"Apple: {url}", (400, invalid), apple.call("POST", path, {"mdm_service_discovery_url": url}).code)
    url = "https://mdm.example.org/.well-known/com.apple.remotemanagement"
    judge.hold("Apple: an https URL", (200, ""), apple.call("POST", path, {"mdm_service_discovery_url": url}).code)
    read = apple.call("GET", path).json
    judge.hold("Apple: it is read back", url, read["mdm_service_discovery_url"])
    judge.hold("Apple: with its time", ["last_updated_timestamp", "mdm_service_discovery_url"], sorted(read))
    judge.hold("Apple: it can be taken away", (200, ""), apple.call("DELETE", path).code)
    judge.hold("Apple: and is gone", (404, "NOT_FOUND"), apple.call("GET", path).code)
    before = Server("Before", version="v1").client()
    for method in ["GET", "POST", "DELETE"]:
        body = {"mdm_service_discovery_url": url} if method == "POST" else None
        judge.hold(
            f"Apple: {method} in an organization of before",
            (400, "ORG_NOT_SUPPORTED"),
            before.call(method, path, body).code,
        )


def beta_tokens(judge):
    """Beta software"""
    portal.reset()
    server = Server()
    apple = server.client()
    path = "/os-beta-enrollment/tokens"
    answer = apple.call("GET", path).json
    judge.hold("Apple get-beta-enrollment-tokens: the answer", ["betaEnrollmentTokens"], list(answer))
    judge.hold("Apple get-beta-enrollment-tokens: some", True, bool(answer["betaEnrollmentTokens"]))
    for each in answer["betaEnrollmentTokens"]:
        judge.hold("Apple seed-build-token: three fields", ["os", "title", "token"], sorted(each))
        judge.hold("Apple seed-build-token: os", {"homePodOS", "iOS", "OSX", "tvOS", "visionOS", "watchOS"}, each["os"])
    for option in ["seedBuildTokens", "both"]:
        with portal.options(beta_tokens_key=option):
            names = {"betaEnrollmentTokens", option} - ({"both"} if option == "both" else {"betaEnrollmentTokens"})
            names |= {"seedBuildTokens"}
            judge.hold(f"Observed: beta_tokens_key {option}", names.__eq__, set(apple.call("GET", path).json))
    portal.ask("PUT", f"/organizations/{server.org}/beta", {"enabled": False})
    judge.hold("Apple: turned off", (403, "APPLE_SEED_FOR_IT_TURNED_OFF"), apple.call("GET", path).code)
    judge.hold("Apple: everything else goes on", 200, portal.apple(apple.token).account().status)


PARTS = [account, locks, replacements, account_driven_enrollment, beta_tokens]
