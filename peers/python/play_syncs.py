"""Onboarding and syncing, with and without faults: the calls of Adept, step by step."""

import time

import portal
from life import shorts, to

SESSION, ACCOUNT = "GET /session → 200", "GET /account → 200"
FETCH, SYNC = "POST /server/devices → 200", "POST /devices/sync → 200"
FETCH_PATH, SYNC_PATH = "/server/devices", "/devices/sync"


def onboarding(judge, life):
    """A first token, 2,500 devices, then changes"""
    life.onboard(2500)
    said = life.calls
    wanted = [SESSION, ACCOUNT, FETCH, FETCH, FETCH]
    judge.hold("Apple: one session, the account, then page after page", wanted, shorts(said)[: len(wanted)])
    fetches = to(FETCH_PATH, said)
    cursors = [None, *[exchange.answer_json["cursor"] for exchange in fetches[:-1]]]
    seen = [exchange.json.get("cursor") for exchange in fetches]
    judge.hold("Apple fetch-devices: first without a cursor, then with the last one", cursors, seen)
    later = [exchange.path for exchange in said[len(wanted) :]]
    judge.hold("Apple sync-devices: then nothing but changes", [SYNC_PATH] * len(later), later)

    life.server.change(life.server.serials()[0], asset_tag="peer")
    before = life.last_cursor()
    said = life.sync()
    judge.hold("Apple sync-devices: one call under the same session", [SYNC], shorts(said))
    judge.hold("Apple sync-devices: with the last cursor", before, said[0].json["cursor"])
    said = life.sync()
    judge.hold("Apple sync-devices: the cursor moves on even without changes", True, said[0].json["cursor"] != before)


def page_sizes(judge, life):
    """Pages that Apple limits to a smaller size"""
    limit = {"default": 100, "maximum": 200}
    urls = [{"uri": path, "http_method": ["POST"], "limit": limit} for path in [FETCH_PATH, SYNC_PATH]]
    life.spoil({"set": {"urls": urls}}, "/account", times=None)
    life.onboard(500)
    limits = [exchange.json["limit"] for exchange in to(FETCH_PATH, life.calls)]
    judge.hold("Apple account-detail: as many devices a page as urls allow", [200, 200, 200], limits)
    judge.hold("Apple account-detail: also of changes", 200, life.sync()[-1].json["limit"])


def ended_sessions(judge, life):
    """Sessions that ended or were replaced"""
    life.onboard(30)
    portal.ask("POST", "/sessions/expire", {"server_uuid": life.server.uuid})
    wanted = ["POST /devices/sync → 401 UNAUTHORIZED", SESSION, SYNC]
    judge.hold("Apple: 401, one new session, the same again", wanted, shorts(life.sync()))
    refused = "POST /devices/sync → 403 FORBIDDEN"
    life.spoil("forget_session", SYNC_PATH)
    judge.hold("Apple: 403 FORBIDDEN is the same", [refused, SESSION, SYNC], shorts(life.sync()))
    life.spoil({"refuse": "FORBIDDEN"}, SYNC_PATH, times=2)
    judge.hold("Observed: a second refusal is final", [refused, SESSION, refused], shorts(life.sync()))
    # The next run may start with a new session and with the account.
    judge.hold("Observed: the next sync goes on", SYNC, shorts(life.sync())[-1])
    rule = life.spoil({"rotate_session": {"keep_old": False}}, SYNC_PATH, times=None)
    life.server.seed(2100)
    said = shorts(life.sync())
    judge.hold("Apple: a session that is replaced with every answer is followed", [SYNC] * 3, said)
    portal.ask("DELETE", f"/faults/{rule}")
    judge.hold("Apple: and the last one is used", [SYNC], shorts(life.sync()))


def refusals(judge, life):
    """Refusals for which no new session helps"""
    life.onboard(30)
    for code in ["T_C_NOT_SIGNED", "ACCESS_DENIED"]:
        life.spoil({"refuse": code}, SYNC_PATH)
        wanted = [f"POST /devices/sync → 403 {code}"]
        judge.hold(f"Observed: {code} ends the sync, and /session is not asked", wanted, shorts(life.sync()))
        judge.hold(f"Observed: after {code} all goes on", SYNC, shorts(life.sync())[-1])


def waits(judge, life):
    """Waits that Apple asks for"""
    life.onboard(30)
    asked = [
        (SYNC_PATH, {"status": 429, "headers": {"Retry-After": "5"}}),
        (SYNC_PATH, {"status": 503, "retry_after_date": 5}),
        ("/session", {"status": 429, "headers": {"Retry-After": "5"}}),
    ]
    for path, answer in asked:
        status = answer["status"]
        if path == "/session":
            portal.ask("POST", "/sessions/expire", {"server_uuid": life.server.uuid})
        life.spoil({"answer": answer | {"body": "TOO_MANY_REQUESTS"}}, path)
        said = life.sync()
        judge.hold(
            f"RFC 9110 §10.2.3: {status} at {path} is the last word", (path, status), (said[-1].path, said[-1].status)
        )
        nothing = life.said_nevertheless(life.setting.sync)
        judge.hold("RFC 9110 §10.2.3: a request to sync does not shorten the wait", [], shorts(nothing))
        time.sleep(max(0.0, said[-1].answered + 5 - time.time()))
        said = shorts(life.sync())
        judge.hold("RFC 9110 §10.2.3: it goes on when the wait is over", SYNC, said[-1] if said else None)


def odd_answers(judge, life):
    """Answers that are odd, or none"""
    life.onboard(30)
    odd = {
        "a cut answer": {"truncate": {"keep": 30, "honest_length": True}},
        "an answer that ends early": {"truncate": {"keep": 30}},
        "a page of HTML": {"answer": {"status": 200, "headers": {"Content-Type": "text/html"}, "body": "<html>"}},
    }
    for name, do in odd.items():
        before = life.last_cursor()
        life.spoil(do, SYNC_PATH)
        life.sync()
        judge.hold(f"Observed: {name} does not move the cursor", before, to(SYNC_PATH, life.sync())[0].json["cursor"])
    elsewhere = {"status": 307, "headers": {"Location": life.proxy.url + "/elsewhere"}}
    life.spoil({"answer": elsewhere}, SYNC_PATH)
    judge.hold("Observed: a redirect is not followed", ["POST /devices/sync → 307"], shorts(life.sync()))


def odd_cursors(judge, life):
    """Cursors that lead nowhere"""
    life.onboard(30)
    rule = life.spoil("same_cursor", SYNC_PATH, times=None)
    judge.hold("Observed: a cursor that comes back ends the sync", range(1, 4).__contains__, len(life.sync()))
    portal.ask("DELETE", f"/faults/{rule}")
    life.sync()
    for code in ["INVALID_CURSOR", "EXPIRED_CURSOR"]:
        life.spoil({"refuse": code}, SYNC_PATH)
        said = life.sync()
        first = ["cursor" in exchange.json for exchange in to(FETCH_PATH, said)[:1]]
        judge.hold(f"Apple sync-devices: {code}, then everything from the beginning", [False], first)
        asked = shorts(said).count(f"POST /devices/sync → 400 {code}")
        judge.hold(f"Apple sync-devices: {code} is asked once", 1, asked)


def renewal(judge, life):
    """The next token, of the same and of another Apple account; a revoked one"""
    life.onboard(30)
    taken = "Apple: the next token is taken"
    for query in [{}, {"account": "second@example.com"}]:
        before = life.last_cursor()
        said = life.said(lambda query=query: judge.hold(taken, 204, life.upload(**query)))
        judge.hold("Apple: first a session and the account under the new token", [SESSION, ACCOUNT], shorts(said)[:2])
        syncs = to(SYNC_PATH, said + life.sync())
        judge.hold("Observed: the cursor is kept", before, syncs[0].json["cursor"])
    portal.ask("POST", f"{life.server.path}/revoke")
    said = life.sync()
    judge.hold("Observed: a revoked token asks /session once", 1, len(to("/session", said)))
    judge.hold("Observed: and then nothing", "/session", said[-1].path)
    judge.hold(taken, 204, life.upload())
    judge.hold("Apple: and the sync goes on", SYNC, shorts(life.sync())[-1])


def expired_tokens(judge, life):
    """Tokens after their time"""
    life.onboard(30)

    def upload(at):
        return life.upload(expires=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)))

    said = life.said_nevertheless(
        lambda: judge.hold("Apple: an expired token is refused", 400, upload(time.time() - 60))
    )
    judge.hold("Apple examining-server-tokens: and never used", [], shorts(said))
    end = int(time.time()) + 8
    life.said(lambda: judge.hold("Apple: one that ends in a moment is taken", 204, upload(end)))
    time.sleep(max(0.0, end + 1 - time.time()))
    nothing = life.said_nevertheless(life.setting.sync)
    judge.hold("Apple examining-server-tokens: no call after its end", [], shorts(nothing))


PARTS = [onboarding, page_sizes, waits, odd_answers, ended_sessions, renewal, expired_tokens, refusals, odd_cursors]
