"""What headers decide: the protocol version, the user agent, the method; bodies that are none."""

import portal
from apple import JSON
from portal import Server

SINCE = {
    2: {"os", "device_family"},
    8: {"mdm_migration_deadline"},
    10: {
        *{"imei", "meid", "eid", "wifi_mac_address", "bluetooth_mac_address", "ethernet_mac_address"},
        *{"is_replacement_device", "released_by_replacement"},
    },
}
EVERYTHING = {
    "serial_number": "PEER00000001",
    "model": "iPad",
    "description": "IPAD WI-FI 64GB",
    "color": "SILVER",
    "asset_tag": "1",
    "os": "iPadOS",
    "device_family": "iPad",
    "mdm_migration_deadline": "2030-01-01T00:00:00Z",
    "imei": ["353000000000001"],
    "meid": ["35300000000000"],
    "eid": "89049032000000000000000000000001",
    "wifi_mac_address": "00:00:5E:00:53:01",
    "bluetooth_mac_address": "00:00:5E:00:53:02",
    "ethernet_mac_address": "00:00:5E:00:53:03",
    "is_replacement_device": True,
    "released_by_replacement": True,
}
PATHS = {
    "/session": ["GET"],
    "/account": ["GET"],
    "/server/devices": ["POST"],
    "/devices/sync": ["POST"],
    "/devices": ["POST"],
    "/devices/disown": ["POST"],
    "/device/activationlock": ["POST"],
    "/device/replacementDetails": ["GET"],
    "/profile": ["GET", "POST"],
    "/profile/devices": ["POST", "PUT", "DELETE"],
    "/account-driven-enrollment/profile": ["GET", "POST", "DELETE"],
    "/os-beta-enrollment/tokens": ["GET"],
}
DEVICE_PATHS = [path for path in PATHS if path not in ("/session", "/account")]
TAKE_BODIES = [
    *[("POST", path) for path, methods in PATHS.items() if "POST" in methods],
    *[("PUT", "/profile/devices"), ("DELETE", "/profile/devices")],
]


def versions(judge):
    """Each field and call since its protocol version"""
    portal.reset()
    server = Server()
    server.add(EVERYTHING)
    serial = EVERYTHING["serial_number"]
    token = server.token()
    _, cursor = portal.apple(token).fetch_all()
    server.change(serial, asset_tag="2")
    for version in [None, 1, 2, 3, 6, 7, 8, 9, 10, 11, "x"]:
        speaks = version if isinstance(version, int) else 1
        apple = portal.apple(token, version)
        wanted = {name for name in EVERYTHING if name not in set().union(*SINCE.values())}
        wanted |= {name for since, names in SINCE.items() if since <= speaks for name in names}
        source = f"Apple device, version {version}"
        fetched = apple.fetch().devices[0]
        # released_by_replacement is said of deleted devices only, and so not here.
        seen = set(fetched) & set(EVERYTHING) - {"released_by_replacement"}
        judge.hold(f"{source}: fields of a fetched device", wanted - {"released_by_replacement"}, seen)
        details = apple.details([serial]).devices[serial]
        judge.hold(
            f"{source}: fields of a device's details",
            wanted - {"released_by_replacement"},
            set(details) & set(EVERYTHING) - {"released_by_replacement"},
        )
        synced = apple.sync(cursor=cursor).devices[0]
        judge.hold(
            f"{source}: fields of a synced device",
            wanted - {"released_by_replacement"},
            set(synced) & set(EVERYTHING) - {"released_by_replacement"},
        )
        if speaks >= 2:
            judge.hold(f"{source}: iPads are iPadOS from 7 on", "iPadOS" if speaks >= 7 else "iOS", fetched["os"])
        account = set(apple.account().json)
        third = {"org_id", "org_id_hash", "org_type", "org_version", "urls"}
        judge.hold(
            f"Apple account-detail, version {version}: the organization from 3 on",
            third if speaks >= 3 else set(),
            account & third,
        )
        status = apple.replacement(serial).status
        judge.hold(
            f"Apple get-replacement-details, version {version}: from 10 on", 404 if speaks < 10 else {200, 404}, status
        )
        if speaks >= 3:
            listed = any("replacementDetails" in each["uri"] for each in apple.account().json["urls"])
            judge.hold(
                f"Simulator, version {version}: /account lists replacement details from 10 on", speaks >= 10, listed
            )


def throttling_by_version(judge):
    """A throttled device in each protocol version"""
    portal.reset()
    server = Server()
    server.add("PEER00000002")
    token = server.token()
    uuid = portal.apple(token).define(profile_name="One", url="https://mdm.example.org").json["profile_uuid"]
    with portal.options(assign_throttle_count=1, assign_throttle_seconds=86400):
        portal.apple(token).assign(uuid, ["PEER00000002"])
        for version, wanted in {3: "FAILED", 8: "FAILED", 9: "THROTTLED", 10: "THROTTLED"}.items():
            answer = portal.apple(token, version).assign(uuid, ["PEER00000002"])
            rule = f"Apple assign-profile, version {version}: THROTTLED from 9 on, FAILED before"
            judge.hold(rule, wanted, answer.devices["PEER00000002"])
            rule = f"Apple assign-profile, version {version}: retry_after_seconds from 10 on"
            judge.hold(rule, version >= 10, "retry_after_seconds" in answer.json)
        judge.hold(
            "Apple assign-profile: retry_after_seconds is a number of seconds",
            int,
            type(answer.json["retry_after_seconds"]),
        )


def user_agents(judge):
    """User agents that are missing or refused"""
    portal.reset()
    apple = Server().client()
    apple.account()
    for path in DEVICE_PATHS:
        method = PATHS[path][0]
        body = {} if method == "POST" else None
        for agent, code in {
            None: "USER_AGENT_MISSING",
            "": "USER_AGENT_MISSING",
            "nanodep-godep/0": "USER_AGENT_INVALID",
        }.items():
            seen = apple.call(method, path, body, User_Agent=agent).code
            judge.hold(f"Apple: {method} {path} with user agent {agent!r}", (400, code), seen)
    for agent in ["nanodep-g-o-dep/0", "fleetdm/nanodep", "Peer/1.0", "Adept/0.1.0"]:
        judge.hold(
            f"Observed: user agent {agent} is taken",
            200,
            apple.call("POST", "/server/devices", {}, User_Agent=agent).status,
        )


def methods(judge):
    """Wrong methods and unknown paths"""
    portal.reset()
    apple = Server().client()
    apple.account()
    for path, allowed in PATHS.items():
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"]:
            if method not in allowed:
                judge.hold(f"Observed of depsim: {method} {path}", (405, ""), apple.call(method, path, {}).code)
    for path in ["/devices/activationlock", "/profiles", "/", "/session/", "/Account", "/server/devices/more", "/sync"]:
        judge.hold(f"Apple: there is no {path}", 404, apple.call("GET", path).status)


def bodies(judge):
    """Bodies that are no JSON object, or one of wrong types"""
    portal.reset()
    apple = Server().client()
    apple.account()
    for method, path in TAKE_BODIES:
        for body in [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"a"',
            b"\xff{}",
            b'{"devices": "PEER1"}',
            b'{"devices": [1]}',
            b'{"cursor": 5, "limit": "a"}',
        ]:
            # A field of another call is unknown here, and unknown fields do no harm.
            if b"devices" in body and path not in ("/devices", "/devices/disown", "/profile", "/profile/devices"):
                continue
            if b"cursor" in body and path not in ("/server/devices", "/devices/sync"):
                continue
            seen = apple.call(method, path, body).code
            judge.hold(f"Observed: {method} {path} with {body}", (400, "MALFORMED_REQUEST_BODY"), seen)
    judge.hold("Apple: unknown fields do no harm", 200, apple.call("POST", "/server/devices", {"unknown": 1}).status)
    judge.hold(
        "Apple: a body in UTF-8 with a long list",
        200,
        apple.details([f"PEER{number:08}" for number in range(1000)]).status,
    )
    judge.hold(
        "Apple: answers are JSON in UTF-8",
        JSON.lower(),
        apple.account().headers["Content-Type"].replace(" ", "").lower(),
    )


PARTS = [versions, throttling_by_version, user_agents, methods, bodies]
