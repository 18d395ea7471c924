"""The life of one setting: Adept on one side, its server in Apple's portal on the other, and their calls."""

import time

import portal
from graph import Setting
from portal import Server
from programs import until
from session_rules import ends_session, is_session
from token_file import seal

# Seconds to listen for further calls after the expected ones.
STILL = 0.4
# Adept looks for work once a second, and on request; by then it would have started.
BEGUN = 2.5


class Life:
    def __init__(self, graph, proxy, name):
        self.proxy = proxy
        self.tokens = set()
        self.setting = Setting(graph, name)
        self.server = Server(name)

    def onboard(self, devices):
        """Its first token, and its first devices."""
        self.server.seed(devices)
        assert self.upload() == 204
        self.setting.wait_for("the first sync is done", syncedDeviceCount=devices, lastSyncErrorCode=0)
        until(lambda: nothing_need_follow(answered(self.calls)), "the first sync is done")
        self.until_still()
        return self

    def upload(self, **query):
        """Downloads a token in Apple's portal, seals it for Adept and uploads it; the status."""
        token = self.server.token(**query)
        self.proxy.tokens[token["access_token"]] = token
        self.proxy.servers[token["access_token"]] = self.server.uuid
        self.tokens.add(token["access_token"])
        return self.setting.upload(seal(token, self.setting.public_key()))

    @property
    def calls(self):
        """Every call so far."""
        return [exchange for exchange in self.proxy.exchanges if exchange.token in self.tokens]

    def said(self, act, until_all=None):
        """The calls that Adept makes because of this: until a number of calls, or until no further call is expected."""
        before = len(self.calls)
        act()
        enough = until_all or (lambda calls: calls and nothing_need_follow(calls))
        until(lambda: enough(answered(self.calls[before:])), "Adept has said all that must be said")
        self.until_still()
        return self.calls[before:]

    def sync(self, until_all=None):
        """The calls of one requested sync."""
        return self.said(self.setting.sync, until_all)

    def said_nevertheless(self, act):
        """Calls although none is expected."""
        before = len(self.calls)
        act()
        time.sleep(BEGUN)
        return self.calls[before:]

    def until_still(self):
        until(lambda: time.time() - max(call.answered or time.time() for call in self.calls) > STILL, "Adept is still")

    def spoil(self, do, path, times=1, **match):
        """The next calls of this path go wrong; the rule's id."""
        return portal.fault(do, times, path=path, server=self.server.uuid, **match)

    def last_cursor(self):
        """The cursor that Apple gave last."""
        answers = [exchange.answer_json for exchange in self.calls]
        return [answer["cursor"] for answer in answers if isinstance(answer, dict) and "cursor" in answer][-1]


def shorts(exchanges):
    return [exchange.short for exchange in exchanges]


def to(path, exchanges):
    """Those of one path."""
    return [exchange for exchange in exchanges if exchange.path == path]


def answered(exchanges):
    return [exchange for exchange in exchanges if exchange.answered]


def nothing_need_follow(calls):
    """Whether the last answer ends the operation, rather than being a step of it."""
    last, before = calls[-1], calls[-2] if len(calls) > 1 else None
    if is_session(last):
        return last.status != 200
    if ends_session(last):
        return before is not None and is_session(before)
    if last.status == 400:
        return not last.code.endswith("_CURSOR")
    answer = last.answer_json if isinstance(last.answer_json, dict) else {}
    return last.path != "/account" and (not answer.get("more_to_follow") or answer["cursor"] == last.json.get("cursor"))
