"""`GET /session`: its signature and its refusals; what becomes of a session."""

import re
import time

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, SIGNATURE_PLAINTEXT

import portal
from portal import Server

SIGNED_WRONG = 'OAuth oauth_consumer_key="a"'


def signatures(judge):
    """Signatures by oauthlib, and everything that may be wrong with one"""
    portal.reset()
    server = Server()
    apple = server.client()

    answer = apple.ask_session()
    judge.hold(
        "Apple authenticating-with-a-device-assignment-service: a signature by oauthlib is good", 200, answer.status
    )
    judge.hold("Apple get-session: the answer is auth_session_token", ["auth_session_token"], list(answer.json))
    judge.hold("Observed: 128 hexadecimal digits", re.compile("[0-9A-Fa-f]{128}"), apple.session)

    def ask(authorization=None, **headers):
        return apple.ask_session(authorization, **headers)

    def pieces():
        return apple.signature().removeprefix("OAuth ").split(", ")

    good = "RFC 5849 §3.5.1"
    judge.hold(f"{good}: realm may be left out", 200, ask(apple.signature(realm=None)).status)
    judge.hold(f"{good}: another realm is not signed", 200, ask(apple.signature(realm="One, two")).status)
    judge.hold(f"{good}: parameters in any order", 200, ask("OAuth " + ", ".join(reversed(pieces()))).status)
    judge.hold(f"{good}: commas without spaces", 200, ask("OAuth " + ",".join(pieces())).status)
    judge.hold(f"{good}: spaces around commas", 200, ask("OAuth   " + " ,  ".join(pieces())).status)
    judge.hold(f"{good}: the scheme in any case", 200, ask(apple.signature().replace("OAuth", "oauth", 1)).status)
    judge.hold(
        "RFC 5849 §3.6: a nonce of every kind of character",
        200,
        ask(apple.signature(nonce="a b+c/d=e&f%20~ü\"'")).status,
    )
    judge.hold("RFC 5849 §3.2: `Host` is the one that was called", 200, ask().status)
    plain = {"consumer_key": apple.token["consumer_key"]}
    unversioned = sign_manually(apple)
    judge.hold("RFC 5849 §3.1: oauth_version may be left out", 200, ask(unversioned).status)

    bad = "Apple interpreting-device-assignment-error-codes"
    once = apple.signature()
    ask(once)
    judge.hold(f"{bad}: a nonce that was used", (401, "nonce_used"), ask(once).code)
    stamped = {"timestamp": str(int(time.time())), "nonce": "twice"}
    ask(apple.signature(**stamped))
    judge.hold(f"{bad}: a nonce that was used, signed again", (401, "nonce_used"), ask(apple.signature(**stamped)).code)
    for minutes in [-6, 6]:
        late = apple.signature(timestamp=str(int(time.time()) + minutes * 60))
        judge.hold(f"{bad}: a clock that is {minutes} minutes off", (401, "timestamp_refused"), ask(late).code)
    for minutes in [-4, 4]:
        near = apple.signature(timestamp=str(int(time.time()) + minutes * 60))
        judge.hold(f"Simulator: a clock that is {minutes} minutes off is near enough", 200, ask(near).status)
    wrong = {"client_secret", "resource_owner_secret"}
    for name in sorted(wrong):
        judge.hold(
            f"{bad}: a wrong {name}", (401, "signature_invalid"), ask(apple.signature(**{name: "CS_wrong"})).code
        )
    unknown = {(401, "consumer_key_unknown"), (401, "token_rejected")}
    judge.hold(f"{bad}: an unknown consumer key", unknown, ask(apple.signature(client_key="CK_" + "0" * 32)).code)
    judge.hold(
        f"{bad}: an unknown access token",
        (401, "token_rejected"),
        ask(apple.signature(resource_owner_key="AT_O1O2O3")).code,
    )
    elsewhere = apple.signature("https://mdmenrollment.apple.com/session")
    judge.hold("RFC 5849 §3.4.1.2: the URL is part of the signature", (401, "signature_invalid"), ask(elsewhere).code)
    judge.hold(
        "RFC 5849 §3.4.1.1: the method is part of it",
        (401, "signature_invalid"),
        ask(apple.signature(method="POST")).code,
    )
    other = Server("Other").client()
    mixed = apple.signature(
        resource_owner_key=other.token["access_token"], resource_owner_secret=other.token["access_secret"]
    )
    judge.hold(
        f"{bad}: one server's key with another's token",
        {(401, "token_rejected"), (401, "signature_invalid")},
        ask(mixed).code,
    )

    for method in [SIGNATURE_PLAINTEXT, SIGNATURE_HMAC_SHA256]:
        judge.hold(f"{bad}: signature method {method}", 400, ask(apple.signature(signature_method=method)).status)
    for name in ["consumer_key", "token", "signature_method", "signature", "timestamp", "nonce"]:
        left = [piece for piece in pieces() if not piece.startswith(f"oauth_{name}=")]
        judge.hold(f"{bad}: without oauth_{name}", 400, ask("OAuth " + ", ".join(left)).status)
    for name in ["nonce", "timestamp", "signature"]:
        given = pieces()
        twice = given + [piece for piece in given if piece.startswith(f"oauth_{name}=")]
        judge.hold(f"{bad}: oauth_{name} twice", 400, ask("OAuth " + ", ".join(twice)).status)
    judge.hold(f"{bad}: oauth_version 2.0", 400, ask("OAuth " + ", ".join(pieces()).replace('"1.0"', '"2.0"')).status)
    judge.hold(f"{bad}: another scheme", (401, "UNAUTHORIZED"), ask("Bearer abc").code)
    judge.hold(
        f"{bad}: no Authorization",
        (401, "UNAUTHORIZED"),
        apple.send("GET", "/session", None, {"Content-Type": "application/json;charset=UTF8"}).code,
    )
    for given in [None, "application/json", "application/json; charset=utf-8", "text/plain"]:
        judge.hold(f"Observed of depsim: /session with Content-Type {given}", (400, ""), ask(Content_Type=given).code)
    judge.hold(
        "Apple get-session: POST is no method of it",
        (405, ""),
        apple.send("POST", "/session", {}, {"Authorization": apple.signature(method="POST")}).code,
    )
    judge.hold(
        "Apple: header names in any case",
        200,
        apple.send(
            "GET",
            "/session",
            None,
            {"authorization": apple.signature(), "content-type": "application/json;charset=UTF8"},
        ).status,
    )
    judge.hold(
        "Simulator: a body for the refusals of the OAuth layer", re.compile("oauth_problem=.*"), ask(SIGNED_WRONG).text
    )
    judge.hold("Simulator: nothing here changed the token", plain["consumer_key"], apple.token["consumer_key"])


def sign_manually(apple):
    """A signature without oauth_version, which oauthlib always sends."""
    from oauthlib.oauth1.rfc5849 import signature

    token = apple.token
    parameters = {
        "oauth_consumer_key": token["consumer_key"],
        "oauth_token": token["access_token"],
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": f"by-hand-{time.monotonic_ns()}",
    }
    base = signature.signature_base_string(
        "GET", apple.url + "/session", signature.normalize_parameters(parameters.items())
    )

    class Secrets:
        client_secret, resource_owner_secret = token["consumer_secret"], token["access_secret"]

    parameters["oauth_signature"] = signature.sign_hmac_sha1_with_client(base, Secrets)
    quoted = [f'{name}="{signature.utils.escape(value)}"' for name, value in parameters.items()]
    return "OAuth " + ", ".join(quoted)


def tokens(judge):
    """Tokens that are replaced, revoked or expired"""
    portal.reset()
    server = Server()
    old = server.client()
    judge.hold("Apple account-detail: the first token works", 200, old.account().status)
    dead = {(401, "signature_invalid"), (401, "token_rejected")}
    new = server.client()
    judge.hold("Observed: a new download kills the token before", dead, portal.apple(old.token).ask_session().code)
    judge.hold("Observed: and its session", (403, "FORBIDDEN"), old.account().code)
    judge.hold("Observed: the new one works", 200, new.account().status)
    with portal.options(credential_status=403):
        gone = {(403, code) for _, code in dead}
        judge.hold(
            "Observed: credentials may be refused with 403 too", gone, portal.apple(old.token).ask_session().code
        )
    other = server.client(account="second@example.com")
    judge.hold("Observed: another account's download kills it too", dead, portal.apple(new.token).ask_session().code)
    judge.hold(
        "Apple account-detail: admin_id is who downloaded", "second@example.com", other.account().json["admin_id"]
    )
    expired = server.client(expires="2020-01-01T00:00:00Z")
    judge.hold("Observed: a token after its expiry", (401, "token_expired"), expired.ask_session().code)
    last = server.client()
    last.account()
    portal.ask("POST", f"{server.path}/revoke")
    judge.hold(
        "Observed: a revoked token",
        {(401, "token_rejected"), (401, "signature_invalid")},
        portal.apple(last.token).ask_session().code,
    )
    judge.hold("Observed: a revoked token's session", (403, "FORBIDDEN"), last.account().code)

    year = Server("Year").client()
    portal.advance(365 * 86400 - 60)
    judge.hold("Observed: a token is good until its expiry", 200, year.ask_session().status)
    portal.advance(61)
    judge.hold("Observed: and not a second longer", (401, "token_expired"), portal.apple(year.token).ask_session().code)


def lives(judge):
    """The life of a session"""
    portal.reset()
    server = Server()
    apple = server.client()
    judge.hold("Apple: without a session", (401, "UNAUTHORIZED"), apple.send("GET", "/account", None, {}).code)
    signed = {"Authorization": apple.signature(apple.url + "/account")}
    judge.hold(
        "Apple: a signature does not stand for a session",
        (401, "UNAUTHORIZED"),
        apple.send("GET", "/account", None, signed).code,
    )
    apple.session = "0" * 128
    judge.hold("Apple: an unknown session", (403, "FORBIDDEN"), apple.account().code)
    apple.ask_session()
    lower = apple.send("GET", "/account", None, {"x-adm-auth-session": apple.session})
    judge.hold("RFC 9110 §5.1: header names in any case", 200, lower.status)
    judge.hold("Apple: the same session again", 200, apple.account().status)
    server_of = apple.account().json["server_uuid"].replace("-", "").upper()
    judge.hold("Apple: a session is its server's", server.uuid.replace("-", "").upper(), server_of)

    first = apple.session
    apple.ask_session()
    judge.hold("Simulator: a second session is another one", True, first != apple.session)
    apple.session, second = first, apple.session
    judge.hold("Simulator: several sessions are valid", 200, apple.account().status)
    with portal.options(single_session=True):
        apple.ask_session()
        apple.session, third = second, apple.session
        judge.hold("Simulator: with single_session the one before is dead", {401, 403}, apple.account().status)
        apple.session = third
        judge.hold("Simulator: with single_session the last one lives", 200, apple.account().status)

    portal.ask("POST", "/sessions/expire", {"server_uuid": server.uuid})
    judge.hold("Apple: a session that ended", (401, "UNAUTHORIZED"), apple.account().code)
    apple.ask_session()
    portal.ask("POST", "/restart")
    judge.hold("Observed of depsim: sessions are forgotten at its restart", (403, "FORBIDDEN"), apple.account().code)
    apple.ask_session()
    portal.advance(170)
    judge.hold("Simulator: a session lives for three minutes", 200, apple.account().status)
    portal.advance(11)
    judge.hold("Simulator: three minutes from its issue", (401, "UNAUTHORIZED"), apple.account().code)


def rotation(judge):
    """Sessions that are replaced under way"""
    portal.reset()
    server = Server()
    header = "X-ADM-Auth-Session"
    for keeps in [True, False]:
        with portal.options(rotate_every=2, rotation_keeps_old=keeps):
            apple = server.client()
            tokens = []
            for call in [apple.account, apple.account, apple.account, lambda: apple.sync(cursor="wrong")]:
                answer = call()
                before = apple.session
                apple.session = answer.headers.get(header) or apple.session
                tokens.append((answer.status, apple.session != before))
            seen = [new for _, new in tokens]
            judge.hold("Simulator: every second answer brings a new session", [False, True, False, True], seen)
            judge.hold("Apple: a refusal may bring one as well", (400, True), tokens[3])
            judge.hold("Apple: the new session works", 200, apple.account().status)
            apple.session = before
            wanted = {200} if keeps else {401, 403}
            judge.hold(f"Simulator: the old one with rotation_keeps_old {keeps}", wanted, apple.account().status)


def terms(judge):
    """Terms that wait to be accepted"""
    portal.reset()
    server = Server()
    apple, calm = server.client(), Server("Calm").client()
    apple.account()
    server.accept_terms(False)
    waiting = (403, "T_C_NOT_SIGNED")
    judge.hold("Apple: calls say T_C_NOT_SIGNED", waiting, apple.account().code)
    judge.hold("Apple: so does fetching", waiting, apple.fetch().code)
    judge.hold("Apple: so does /session", waiting, portal.apple(apple.token).ask_session().code)
    judge.hold("Observed: terms are each organization's own", 200, calm.account().status)
    for spelling, body in {
        "bare": b"T_C_NOT_SIGNED",
        "padded": re.compile(r"\s+T_C_NOT_SIGNED\s*|\s*T_C_NOT_SIGNED\s+"),
        "quoted": b'"T_C_NOT_SIGNED"',
        "code": re.compile(r'\{\s*"code":\s*"T_C_NOT_SIGNED".*\}'),
    }.items():
        with portal.options(error_bodies=spelling):
            answer = apple.account()
            seen = answer.body if isinstance(body, bytes) else answer.text
            judge.hold(f"Observed: an error body that is {spelling}", body, seen)
    server.accept_terms(True)
    judge.hold("Apple: accepted, the session goes on", 200, apple.account().status)
    for where, wanted in {"/session": (403, 200), "!/session": (200, 403)}.items():
        portal.fault({"refuse": "T_C_NOT_SIGNED"}, path=where, server=server.uuid)
        fresh = portal.apple(apple.token)
        session = fresh.ask_session()
        fresh.session = fresh.session or apple.session
        judge.hold(f"Observed: terms may be missed at {where} alone", wanted, (session.status, fresh.account().status))


PARTS = [signatures, tokens, lives, rotation, terms]
