"""Tests the checks: real calls of Adept, each with one mistake in it, must differ."""

import copy
import json

from apple import JSON
from call_rules import hold_call, nothing_known
from judge import Judge
from session_rules import hold_order


def changed_header(name, value):
    """The call with another value of a header, or without it."""

    def change(exchange):
        exchange.headers = [pair for pair in exchange.headers if pair[0].lower() != name.lower()]
        if value is not None:
            exchange.headers.append((name, value))

    return change


def changed_body(**fields):
    """The call with other fields in its body; one of `...` is taken out."""

    def change(exchange):
        body = exchange.json | fields
        exchange.body = json.dumps({name: value for name, value in body.items() if value is not ...}).encode()

    return change


def changed_signature(old, new):
    def change(exchange):
        authorization = exchange.header("Authorization")[0]
        assert old in authorization, authorization
        changed_header("Authorization", authorization.replace(old, new, 1))(exchange)

    return change


def moved(path):
    def change(exchange):
        exchange.path = path

    return change


MISTAKES = {
    "GET /session": [
        changed_header("Content-Type", "application/json"),
        changed_header("Content-Type", JSON.lower()),
        changed_header("Accept", None),
        changed_header("Authorization", "OAuth "),
        changed_header("X-ADM-Auth-Session", "0" * 128),
        changed_signature('oauth_signature="', 'oauth_signature="A'),
        changed_signature('oauth_nonce="', 'oauth_nonce="A'),
        changed_signature('oauth_timestamp="1', 'oauth_timestamp="2'),
        changed_signature('oauth_version="1.0"', 'oauth_version="2.0"'),
        changed_signature("HMAC-SHA1", "PLAINTEXT"),
        changed_signature("oauth_consumer_key", "oauth_consumer"),
    ],
    "GET /account": [
        changed_header("User-Agent", None),
        changed_header("User-Agent", "python-requests/2.32.5"),
        changed_header("X-Server-Protocol-Version", "3"),
        changed_header("X-ADM-Auth-Session", None),
        changed_header("Authorization", "OAuth "),
        moved("/account/"),
        moved("/account?a=b"),
    ],
    "POST /server/devices": [
        changed_body(limit=...),
        changed_body(limit=1001),
        changed_body(cursor=None),
        changed_body(cursor=""),
        changed_body(extra=1),
    ],
    "POST /devices/sync": [
        changed_header("Content-Type", "application/json"),
        changed_header("Content-Type", None),
        changed_body(limit=0),
        changed_body(cursor=...),
        changed_body(cursor="made up"),
        moved("/devices/Sync"),
    ],
    "POST /profile": [
        changed_body(devices=...),
        changed_body(devices=["C02TEST00001"]),
        changed_body(profile_name=...),
        changed_body(profile_name="n" * 126),
        changed_body(department=""),
        changed_body(org_magic=""),
        changed_body(support_phone_number=None),
        changed_body(is_mandatory="true"),
        changed_body(is_mdm_removable=False, is_supervised=False),
        changed_body(displayName="Staff"),
        changed_body(skip_setup_items="Siri"),
    ],
    "POST /profile/devices": [
        changed_body(devices=[]),
        changed_body(devices=["UNKNOWN"]),
        changed_body(devices=[f"{number}" for number in range(1001)]),
        changed_body(profile_uuid="0" * 32),
        changed_body(profile_uuid="00000000-0000-0000-0000-000000000000"),
    ],
    "POST /devices/disown": [changed_body(devices=[])],
}


def mistakes(judge, proxy):
    """Mistakes in single calls are noticed"""
    for call, changes in MISTAKES.items():
        right = next(exchange for exchange in proxy.exchanges if exchange.call == call)
        known = nothing_known()
        for before in proxy.exchanges[: right.number]:
            hold_call(Judge(), before, proxy, known)
        for number, change in enumerate(changes):
            wrong = copy.copy(right)
            change(wrong)
            judge.hold(f"The judge notices mistake {number} in {call}", True, differences(wrong, proxy, known) > 0)
        judge.hold(f"The judge notices nothing in {call}", 0, differences(right, proxy, known))
    session = next(exchange for exchange in proxy.exchanges if exchange.path == "/session")
    known = nothing_known()
    hold_call(Judge(), session, proxy, known)
    judge.hold("The judge notices a nonce that was used", 1, differences(session, proxy, known))


def strangers(judge, proxy):
    """What Apple sent to another server is not used for this one"""
    known = nothing_known()
    for exchange in proxy.exchanges:
        hold_call(Judge(), exchange, proxy, known)
    for call in ["POST /devices/sync", "POST /profile/devices", "POST /devices/disown"]:
        right = next(exchange for exchange in proxy.exchanges if exchange.call == call)
        own = proxy.servers[right.token]
        wrong = copy.copy(right)
        wrong.token = next(token for token, server in proxy.servers.items() if server != own)
        judge.hold(f"The judge notices nothing in {call} of its own server", 0, differences(right, proxy, known))
        judge.hold(f"The judge notices {call} of another server", True, differences(wrong, proxy, known) > 0)


def differences(exchange, proxy, known):
    """What differs in one call, given what is known."""
    own = Judge()
    hold_call(own, exchange, proxy, copy.deepcopy(known))
    return own.differences


def wrong_order(judge, proxy):
    """Mistakes in the order of calls are noticed"""
    refused = next(each for each in proxy.exchanges if (each.status, each.code) == (401, "UNAUTHORIZED"))
    calls = [exchange for exchange in proxy.exchanges if exchange.token == refused.token]
    at = calls.index(refused)
    session, replay = calls[at + 1], calls[at + 2]
    other = copy.copy(replay)
    changed_body(limit=1)(other)
    stale = copy.copy(replay)
    stale.headers = refused.headers
    wait = copy.copy(refused)
    wait.status, wait.answer, wait.answer_headers = 429, b"", [("Retry-After", "60")]
    early = copy.copy(session)
    early.asked = refused.answered - 0.001
    orders = {
        "a new session without a reason": [*calls[:at], session, *calls[at + 3 :]],
        "the same call under the old session": [*calls[: at + 2], stale, *calls[at + 3 :]],
        "another call than the one that was refused": [*calls[: at + 2], other, *calls[at + 3 :]],
        "two new sessions": [*calls[: at + 2], session, *calls[at + 2 :]],
        "no session at all": [*calls[:at], *calls[at + 2 :]],
        "a wait that was not kept": [*calls[:at], wait, *calls[at + 1 :]],
        "two calls at once": [*calls[: at + 1], early, *calls[at + 2 :]],
    }
    for mistake, order in orders.items():
        own = Judge()
        hold_order(own, order)
        judge.hold(f"The judge notices {mistake}", True, own.differences > 0)


PARTS = [mistakes, strangers, wrong_order]
