"""What Apple's documents require of calls in their order: which session each goes under, what follows a refusal, which waits
are kept. It is held for each server token by itself.
"""

from email.utils import parsedate_to_datetime

ENDED = {(401, ""), (401, "UNAUTHORIZED"), (403, "FORBIDDEN")}


def ends_session(exchange):
    """Whether the answer says that the session is over, so that another one is needed."""
    return not is_session(exchange) and (exchange.status, exchange.code) in ENDED


def is_session(exchange):
    return exchange.path == "/session"


def hold_order(judge, exchanges):
    """Checks all calls of one server token, in their order."""
    session, reason, replay, until = None, "the token is new", None, 0.0
    for before, exchange in zip([None, *exchanges], exchanges, strict=False):

        def hold(rule, wanted, seen, number=exchange):
            judge.hold(f"{rule} [{number.number}: {number.short}]", wanted, seen)

        hold("RFC 9110 §10.2.3: a wait that was asked for is kept", True, exchange.asked >= until)
        hold("Apple: one call after the other", True, before is None or exchange.asked >= before.answered)
        if is_session(exchange):
            hold("Apple: /session only when there is no session", str, type(reason))
        else:
            hold("Apple: the session that Apple gave last", session, "".join(exchange.header("X-ADM-Auth-Session")))
            if replay is not None:
                same = (replay.call, replay.body)
                hold("Apple: after a new session, the same call again", same, (exchange.call, exchange.body))
        wait = wait_of(exchange)
        until = max(until, exchange.answered + wait) if wait else until
        session, reason, replay = after(exchange, session, reason, replay, hold)


def after(exchange, session, reason, replay, hold):
    """What holds after a call: the session, why another may be asked for, the call that is to be repeated under it."""
    if is_session(exchange):
        if exchange.status == 200:
            return exchange.answer_json["auth_session_token"], None, replay
        return session, f"/session said {exchange.status}", replay
    rotated = exchange.answer_header("X-ADM-Auth-Session")
    session = rotated or session
    if not ends_session(exchange):
        return session, None, None
    if replay is not None:
        # The second refusal is final: what comes next is another run.
        return session, "the second refusal was final", None
    return session, "the session ended", exchange


def wait_of(exchange):
    """The seconds that Apple asked to wait, if it did."""
    value = exchange.answer_header("Retry-After")
    if exchange.status not in (429, 503) or value is None:
        return 0
    if value.isdigit():
        return int(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - exchange.answered)
    except ValueError:
        return 0
