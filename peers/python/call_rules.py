"""What Apple's documents require of every single call by any client: method, path, headers, signature, body."""

import re
import time
from urllib.parse import parse_qs, unquote, urlsplit

from oauthlib.oauth1.rfc5849 import signature

from apple import JSON, NEWEST
from device_record import UUID, is_list_of_texts

BODY, NO_BODY = True, False
CALLS = {
    "GET /session": NO_BODY,
    "GET /account": NO_BODY,
    "POST /server/devices": BODY,
    "POST /devices/sync": BODY,
    "POST /devices": BODY,
    "POST /devices/disown": BODY,
    "POST /profile": BODY,
    "GET /profile": NO_BODY,
    "POST /profile/devices": BODY,
    "DELETE /profile/devices": BODY,
    "GET /device/replacementDetails": NO_BODY,
}
QUERIES = {"GET /profile": ["profile_uuid"], "GET /device/replacementDetails": ["device"]}
FIELDS = {
    "POST /server/devices": {"cursor", "limit"},
    "POST /devices/sync": {"cursor", "limit"},
    "POST /devices": {"devices"},
    "POST /devices/disown": {"devices"},
    "POST /profile/devices": {"profile_uuid", "devices"},
    "DELETE /profile/devices": {"devices"},
}
FLAGS = {
    *{"allow_pairing", "is_supervised", "is_mandatory", "is_mdm_removable", "await_device_configured"},
    *{"is_multi_user", "auto_advance_setup", "is_return_to_service", "do_not_use_profile_from_backup"},
}
LENGTHS = {
    "profile_name": 125,
    "url": 2000,
    "department": 125,
    "org_magic": 256,
    "support_phone_number": 50,
    "support_email_address": 250,
    "configuration_web_url": 2000,
    "language": 3,
    "region": 2,
}
LISTS = {"skip_setup_items", "anchor_certs", "supervising_host_certs"}
AGENT = re.compile(r"[A-Za-z][A-Za-z0-9.-]*/[0-9A-Za-z.-]+( .+)?")


def hold_call(judge, exchange, proxy, known):
    """Checks one call; `known` keeps what was seen so far: nonces of all calls, and what Apple sent to each server."""

    def hold(rule, wanted, seen):
        judge.hold(f"{rule} [{exchange.number}: {exchange.call}]", wanted, seen)

    parts = urlsplit(exchange.path)
    call = f"{exchange.method} {parts.path}"
    hold("Apple: a call that the service has", True, call in CALLS)
    hold("Apple: its query", QUERIES.get(call, []), sorted(parse_qs(parts.query, keep_blank_values=True)))
    if CALLS.get(call):
        hold("Apple: Content-Type, exactly", [JSON], exchange.header("Content-Type"))
        hold("Apple: a JSON object", dict, type(exchange.json))
    else:
        hold("Apple: no body", b"", exchange.body)
    hold("Observed: a User-Agent of product/version, once", 1, len(exchange.header("User-Agent")))
    agent = "".join(exchange.header("User-Agent"))
    hold("Observed: a User-Agent of product/version", AGENT, agent)
    hold(
        "Observed: and not of a tool that Apple refuses",
        None,
        re.search("godep|python|curl|hyper|reqwest", agent.lower()),
    )
    hold("Apple: X-Server-Protocol-Version", [str(NEWEST)], exchange.header("X-Server-Protocol-Version"))
    if call == "GET /session":
        hold_signature(hold, exchange, proxy, known)
    else:
        hold("Apple: X-ADM-Auth-Session, once", 1, len(exchange.header("X-ADM-Auth-Session")))
        hold("RFC 5849: credentials go to /session alone", [], exchange.header("Authorization"))
    if isinstance(exchange.json, dict):
        hold_body(hold, call, exchange.json, told(exchange, proxy, known))
    remember(call, exchange, told(exchange, proxy, known))


def hold_signature(hold, exchange, proxy, known):
    """The signature, by oauthlib and with the secrets of the token that it names."""
    hold("Apple get-session: Content-Type, exactly", [JSON], exchange.header("Content-Type"))
    hold("Observed: Accept", [JSON], exchange.header("Accept"))
    hold("Apple get-session: no session yet", [], exchange.header("X-ADM-Auth-Session"))
    scheme, _, text = "".join(exchange.header("Authorization")).partition(" ")
    hold("RFC 5849 §3.5.1: the scheme", "OAuth", scheme)
    pairs = re.findall(r'([a-z_]+)="([^"]*)"(?:,\s*|$)', text)
    given = {name: unquote(value) for name, value in pairs}
    hold('RFC 5849 §3.5.1: nothing but name="value"', text, ", ".join(f'{name}="{value}"' for name, value in pairs))
    hold("RFC 5849 §3.1: every parameter once", sorted(given), sorted(name for name, _ in pairs))
    needed = ["consumer_key", "nonce", "signature", "signature_method", "timestamp", "token", "version"]
    needed = [f"oauth_{name}" for name in needed]
    hold("Apple: the parameters of a signature", needed, sorted(set(given) - {"realm"}))
    if not set(needed) <= set(given):
        return
    hold("Apple: realm", {"ADM", None}, given.get("realm"))
    hold("Apple: HMAC-SHA1", "HMAC-SHA1", given["oauth_signature_method"])
    hold("RFC 5849 §3.1: version", "1.0", given["oauth_version"])
    hold(
        "RFC 5849 §3.3: the time, in seconds",
        range(-5, 6).__contains__,
        round(exchange.asked) - int(given["oauth_timestamp"]),
    )
    hold("RFC 5849 §3.3: a nonce of its own", False, given["oauth_nonce"] in known["nonces"])
    known["nonces"].add(given["oauth_nonce"])
    token = proxy.tokens.get(given["oauth_token"])
    hold(
        "Apple: the key and the token of one server token", token and token["consumer_key"], given["oauth_consumer_key"]
    )
    if token is None:
        return
    signed = [(name, value) for name, value in given.items() if name not in ("oauth_signature", "realm")]
    base = signature.signature_base_string("GET", proxy.url + "/session", signature.normalize_parameters(signed))

    class Secrets:
        client_secret, resource_owner_secret = token["consumer_secret"], token["access_secret"]

    expected = signature.sign_hmac_sha1_with_client(base, Secrets)
    hold("RFC 5849 §3.4: the signature", expected, given["oauth_signature"])
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(exchange.asked))
    hold("Apple examining-server-tokens: no call with an expired token", True, now < token["access_token_expiry"])


def hold_body(hold, call, body, known):
    if call in FIELDS:
        hold("Apple: no unknown fields", set(), set(body) - FIELDS[call])
    hold(
        "Apple: what is not set is left out, and never null",
        [],
        [name for name, value in body.items() if value is None],
    )
    if call in ("POST /server/devices", "POST /devices/sync"):
        hold(
            "Apple fetch-device-request: limit, always, from 1 to 1,000", range(1, 1001).__contains__, body.get("limit")
        )
    if call == "POST /devices/sync":
        hold("Apple sync-devices: a cursor", str, type(body.get("cursor")))
    if "cursor" in body:
        hold("Apple: a cursor that Apple gave", True, body["cursor"] in known["cursors"])
    if call == "POST /profile":
        hold_profile(hold, body)
    elif "devices" in body:
        devices = body["devices"]
        hold("Apple: from 1 to 1,000 devices", range(1, 1001).__contains__, len(devices))
        hold("Apple: each device once", len(devices), len(set(devices)))
        strange = [device for device in devices if device not in known["serials"]]
        hold("Apple: devices that Apple told of", [], strange[:3])
    if "profile_uuid" in body:
        hold("Observed: a profile's uuid", UUID, body["profile_uuid"])
        hold("Apple assign-profile: a profile that was defined", True, body["profile_uuid"] in known["profiles"])


def hold_profile(hold, body):
    unknown = set(body) - FLAGS - set(LENGTHS) - LISTS - {"devices"}
    hold("Apple profile: no unknown fields", set(), unknown)
    hold(
        "Apple define-profile: devices are assigned later, so that a lost answer assigns none", [], body.get("devices")
    )
    for name in ["profile_name", "url"]:
        hold(f"Apple define-profile: {name}", True, name in body)
    for name, most in LENGTHS.items():
        if name in body:
            hold(f"Apple define-profile: {name}", re.compile(f"(?s).{{1,{most}}}"), body[name])
    for name in FLAGS & set(body):
        hold(f"Apple profile: {name} is a flag", bool, type(body[name]))
    for name in LISTS & set(body):
        hold(f"Apple profile: the form of {name}", is_list_of_texts, body[name])
    removable, supervised = body.get("is_mdm_removable", True), body.get("is_supervised", False)
    hold("Apple define-profile: not removable only when supervised", True, removable or supervised)


def remember(call, exchange, known):
    """What Apple's answer adds to that, for later calls."""
    answer = exchange.answer_json
    if exchange.status != 200 or not isinstance(answer, dict):
        return
    if "cursor" in answer:
        known["cursors"].add(answer["cursor"])
        known["serials"].update(device["serial_number"] for device in answer.get("devices") or [])
    if call == "POST /profile":
        known["profiles"].add(answer["profile_uuid"])


def nothing_known():
    return {"nonces": set(), "servers": {}}


def told(exchange, proxy, known):
    """What Apple sent to the server of this call: cursors, devices and profiles of another server are foreign to it."""
    server = proxy.servers.get(exchange.token)
    return known["servers"].setdefault(server, {"cursors": set(), "serials": set(), "profiles": set()})
