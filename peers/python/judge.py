"""Keeps what was held against the contract: each rule with its source, what was wanted and what was seen."""

import re
import sys
import time
import traceback


class Judge:
    def __init__(self, talkative=False):
        self.talkative = talkative
        self.held = 0
        self.differences = 0

    def hold(self, rule, wanted, seen):
        """Holds one thing that was seen against a rule.

        A rule begins with its source: `Apple` is a page of Apple's documentation, `RFC` a standard, `Observed` what
        other clients wrote down of the real service, `Simulator` its own README where all of these are silent. What is
        wanted is a value, a pattern, a set of values that are all good, or a function that says whether it is good.
        """
        self.held += 1
        good = matches(wanted, seen)
        if not good:
            self.differences += 1
        if self.talkative or not good:
            print(f"  {'ok' if good else 'DIFFERENCE'}  {rule}", flush=True)
        if not good:
            print(f"      wanted {spoken(wanted)}\n      seen   {spoken(seen)}", flush=True)
        return good

    def part(self, play, *arguments):
        """Plays one part and tells how many rules it held. A part that breaks off is a difference too."""
        held, differences, started = self.held, self.differences, time.monotonic()
        try:
            play(self, *arguments)
        except Exception:
            self.differences += 1
            print(f"  DIFFERENCE  This part broke off:\n{traceback.format_exc()}")
        wrong = self.differences - differences
        verdict = f"{wrong} differ" if wrong else "ok"
        seconds = time.monotonic() - started
        print(f"{self.held - held:4} rules  {verdict:10} {seconds:4.1f} s  {play.__doc__}", flush=True)

    def end(self):
        """Ends the program: 0 when nothing differed."""
        print(f"{self.held} rules were held, {self.differences} differ.")
        sys.exit(1 if self.differences else 0)


def matches(wanted, seen):
    if callable(wanted) and not isinstance(wanted, type):
        return bool(wanted(seen))
    if isinstance(wanted, re.Pattern):
        return isinstance(seen, str) and wanted.fullmatch(seen) is not None
    if isinstance(wanted, set) and not isinstance(seen, set):
        return seen in wanted
    return seen == wanted and type(seen) is type(wanted)


def spoken(value):
    if isinstance(value, re.Pattern):
        return f"text like {value.pattern}"
    if callable(value):
        return value.__doc__ or value.__name__
    text = repr(value)
    return text if len(text) < 400 else f"{text[:400]}… ({len(text)} characters)"
