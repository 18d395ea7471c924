"""Checks how `adept serve` calls Apple: runs life cycles and checks every call against the contract.

    python judge_service.py PATH/TO/adept [--all]

Between the two stands a recording proxy. Server tokens are made by hand, so that their secrets are known and every
signature can be made again by oauthlib. All lives are lived at the same time, each with a setting of its own.
"""

import socket
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import play_assignments
import play_mistakes
import play_syncs
import portal
from call_rules import hold_call, nothing_known
from graph import serve, sign_in
from judge import Judge
from life import Life, shorts
from programs import simulator
from proxy import Proxy
from session_rules import hold_order


def every_call(judge, proxy):
    """Every call by itself"""
    known = nothing_known()
    for exchange in proxy.exchanges:
        hold_call(judge, exchange, proxy, known)


def calls_in_order(judge, proxy):
    """The calls of each token in their order"""
    calls = {}
    for exchange in proxy.exchanges:
        name = f"{exchange.number}: {exchange.call}"
        judge.hold(f"Apple: a session that Apple gave [{name}]", True, exchange.token is not None)
        calls.setdefault(exchange.token, []).append(exchange)
    for exchanges in calls.values():
        hold_order(judge, exchanges)


def after_a_restart(judge, life):
    """A session outlives the process that asked for it"""
    judge.hold("Apple: a new process goes on under the old session", [play_syncs.SYNC], shorts(life.sync()))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def play(judge, adept, folder):
    proxy, port = Proxy(), free_port()
    with simulator(adept, "--external-url", proxy.url) as apple, proxy.before(apple):
        portal.connect(apple)
        with serve(adept, folder, proxy.url, port):
            graph = sign_in(adept, folder, port)
            parts = play_syncs.PARTS + play_assignments.PARTS
            with ThreadPoolExecutor(len(parts) + 1) as pool:
                for part in parts:
                    pool.submit(judge.part, part, Life(graph, proxy, part.__doc__))
                last = pool.submit(lambda: Life(graph, proxy, "Restart").onboard(30)).result()
        with serve(adept, folder, proxy.url, port):
            graph.until_it_listens()
            judge.part(after_a_restart, last)
        for part in [every_call, calls_in_order, *play_mistakes.PARTS]:
            judge.part(part, proxy)
    if judge.differences:
        print("What was said:", *proxy.exchanges, sep="\n  ")
        print((folder / "serve.log").read_text()[-4000:])


judge = Judge(talkative="--all" in sys.argv)
with tempfile.TemporaryDirectory(prefix="adept-peers-service-") as folder:
    play(judge, sys.argv[1], Path(folder))
judge.end()
