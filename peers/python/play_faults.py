"""Faults: what a rule of the simulator does to a call arrives at the client as specified."""

import time
from email.utils import parsedate_to_datetime

import requests

import portal
from apple import devices_of
from portal import Server


def waits(judge):
    """Answers that ask for a wait"""
    portal.reset()
    apple = Server().client()
    apple.account()
    for status, header in [(429, "30"), (503, "5"), (429, None), (503, "soon")]:
        headers = {"Retry-After": header} if header else {}
        portal.fault({"answer": {"status": status, "headers": headers, "body": "TOO_MANY_REQUESTS"}}, path="/account")
        answer = apple.account()
        judge.hold(
            f"RFC 9110 §10.2.3: {status} with Retry-After {header}",
            (status, header),
            (answer.status, answer.headers.get("Retry-After")),
        )
    portal.fault({"answer": {"status": 429, "retry_after_date": 60}}, path="/account")
    answer = apple.account()
    date = parsedate_to_datetime(answer.headers["Retry-After"]).timestamp() - time.time()
    judge.hold("RFC 9110 §5.6.7: a date in 60 seconds", True, 50 < date < 70)
    portal.fault(
        {"answer": {"status": 500, "headers": {"Content-Type": "text/html"}, "body": "<html>", "pad_to": 1 << 20}},
        path="/account",
    )
    answer = apple.account()
    judge.hold("Simulator: a megabyte of HTML", (500, 1 << 20), (answer.status, len(answer.body)))
    portal.fault({"redirect": "http://other.example"}, path="/account")
    answer = apple.account()
    judge.hold(
        "Simulator: a redirect", (307, "http://other.example/account"), (answer.status, answer.headers["Location"])
    )
    judge.hold("Simulator: once each", 200, apple.account().status)


def sessions(judge):
    """Sessions that end under way"""
    portal.reset()
    apple = Server().client()
    for do, wanted in {"expire_session": (401, "UNAUTHORIZED"), "forget_session": (403, "FORBIDDEN")}.items():
        apple.ask_session()
        portal.fault(do, path="/account")
        judge.hold(f"Simulator: {do}", [wanted, wanted], [apple.account().code, apple.account().code])
    for keeps, after in {True: 200, False: 401}.items():
        apple.ask_session()
        portal.fault({"rotate_session": {"keep_old": keeps}}, path="/account")
        answer = apple.account()
        judge.hold(
            f"Simulator: rotate_session, keep_old {keeps}",
            (200, True),
            (answer.status, "X-ADM-Auth-Session" in answer.headers),
        )
        seen = apple.account().status
        judge.hold("Simulator: the old session", {after} if keeps else {401, 403}, seen)
    for code in ["ACCESS_DENIED", "FORBIDDEN", "T_C_NOT_SIGNED"]:
        apple.ask_session()
        portal.fault({"refuse": code}, path="/account")
        judge.hold(f"Apple interpreting-device-assignment-error-codes: {code}", (403, code), apple.account().code)
    for code in ["INVALID_CURSOR", "EXHAUSTED_CURSOR", "EXPIRED_CURSOR"]:
        portal.fault({"refuse": code}, path="/devices/sync")
        judge.hold(f"Apple sync-devices: {code}", (400, code), apple.sync(cursor="any").code)


def pages(judge):
    """Pages that are odd"""
    portal.reset()
    server = Server()
    server.seed(30)
    apple = server.client()
    truth = server.serials()

    def fetched():
        pages, _ = apple.fetch_all(limit=10)
        return [len(page.json.get("devices", [])) for page in pages], sorted(
            {device["serial_number"] for device in devices_of(pages)}
        )

    judge.hold("Simulator: three pages", ([10, 10, 10], truth), fetched())
    for do, sizes in {"duplicate_page": [10, 10, 10, 10], "empty_page": [10, 0, 10, 10]}.items():
        portal.fault(do, path="/server/devices", nth=2)
        judge.hold(f"Observed: {do}", (sizes, truth), fetched())
    portal.fault({"repeat_devices": 3}, path="/server/devices", nth=2)
    judge.hold("Apple: devices that come twice", ([10, 13, 10], truth), fetched())
    portal.fault({"drop_devices": {"serials": truth[:1]}}, times=3, path="/server/devices")
    judge.hold("Observed: a device that is missing", truth[1:], fetched()[1])
    _, cursor = apple.fetch_all()
    portal.fault("same_cursor", path="/devices/sync")
    answer = apple.sync(cursor=cursor)
    judge.hold(
        "Observed: the same cursor, and more to follow",
        (cursor, True),
        (answer.json["cursor"], answer.json["more_to_follow"]),
    )
    portal.fault([{"set_devices": {"os": "fridgeOS", "color": None}}, {"set": {"more": 1}}], path="/server/devices")
    answer = apple.fetch()
    judge.hold(
        "Simulator: unknown values, null, unknown fields",
        ("fridgeOS", None, 1),
        (answer.devices[0]["os"], answer.devices[0]["color"], answer.json["more"]),
    )


def connections(judge):
    """Answers that do not arrive whole"""
    portal.reset()
    server = Server()
    server.seed(30)
    apple = server.client()
    apple.account()

    def broken(call):
        try:
            return call().status
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return "broken"

    for do in [{"disconnect": {}}, {"disconnect": {"reset": True}}, {"truncate": {"keep": 40}}]:
        portal.fault(do, path="/account")
        judge.hold(f"Simulator: {do}", "broken", broken(apple.account))
    portal.fault({"truncate": {"keep": 40, "honest_length": True}}, path="/account")
    answer = apple.account()
    judge.hold("Simulator: cut with an honest length", (200, 40, None), (answer.status, len(answer.body), answer.json))
    portal.fault("gzip", path="/account")
    answer = apple.account()
    judge.hold(
        "RFC 9110 §8.4.1.3: gzip", ("gzip", True), (answer.headers["Content-Encoding"], "server_name" in answer.json)
    )
    portal.fault({"drip": {"bytes": 200, "pause_ms": 1}}, path="/account")
    judge.hold("Simulator: slowly, but whole", True, "server_name" in apple.account().json)
    portal.fault({"disconnect": {"applied": True}}, path="/profile", method="POST")
    judge.hold(
        "Simulator: a lost answer",
        "broken",
        broken(lambda: apple.define(profile_name="Lost", url="https://mdm.example.org")),
    )
    kept = portal.ask("GET", f"{server.path}/profiles")["profiles"]
    judge.hold("Apple define-profile: leaves a profile that nobody knows of", [True], [each["orphan"] for each in kept])
    held = portal.fault({"hold": "after"}, path="/account")
    portal.ask("DELETE", f"/faults/{held}")
    judge.hold("Simulator: a rule that is removed does nothing", 200, apple.account().status)


PARTS = [waits, sessions, pages, connections]
