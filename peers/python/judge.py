"""Records what was checked against the contract: each rule with its source, what was expected and what was seen."""

import re
import sys
import threading
import time
import traceback


class Judge:
    def __init__(self, talkative=False):
        self.talkative = talkative
        self.held = 0
        self.differences = 0
        self.lines = []
        self.lock = threading.Lock()

    def hold(self, rule, wanted, seen):
        """Checks one observation against a rule.

        A rule begins with its source: `Apple` is a page of Apple's documentation, `RFC` a standard, `Observed` what
        other clients wrote down of the real service, `Simulator` its own README where all of these are silent. What is
        wanted is a value, a pattern, a set of values that are all good, or a function that says whether it is good.
        """
        self.held += 1
        good = matches(wanted, seen)
        if self.talkative or not good:
            self.lines.append(f"  {'ok' if good else 'DIFFERENCE'}  {rule}")
        if not good:
            self.differences += 1
            self.lines += [f"      wanted {spoken(wanted)}", f"      seen   {spoken(seen)}"]

    def part(self, play, *arguments):
        """Runs one part and reports how many rules it checked. A part that breaks off is a difference too."""
        part, started = Judge(self.talkative), time.monotonic()
        try:
            play(part, *arguments)
        except Exception:
            part.differences += 1
            part.lines.append(f"  DIFFERENCE  This part broke off:\n{traceback.format_exc()}")
        result = f"{part.differences} differ" if part.differences else "ok"
        seconds = time.monotonic() - started
        with self.lock:
            self.held += part.held
            self.differences += part.differences
            print(
                *part.lines, f"{part.held:5} rules  {result:10} {seconds:4.1f} s  {play.__doc__}", sep="\n", flush=True
            )

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
    if callable(value) and not isinstance(value, type):
        return value.__doc__ or value.__name__
    text = repr(value)
    return text if len(text) < 400 else f"{text[:400]}… ({len(text)} characters)"
