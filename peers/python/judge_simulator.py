"""Checks the simulator: makes every call of Apple's, right and wrong, and checks each answer against the contract.

    python judge_simulator.py PATH/TO/adept [--all]

`--all` names every rule that was held, and not only those from which the simulator differs.
"""

import sys

import play_devices
import play_faults
import play_headers
import play_moves
import play_others
import play_profiles
import play_sessions
import play_tokens
import portal
from judge import Judge
from programs import simulator

THEMES = [play_tokens, play_sessions, play_headers, play_devices, play_moves, play_profiles, play_others, play_faults]

judge = Judge(talkative="--all" in sys.argv)
with simulator(sys.argv[1]) as url:
    portal.connect(url)
    for theme in THEMES:
        for part in theme.PARTS:
            judge.part(part)
judge.end()
