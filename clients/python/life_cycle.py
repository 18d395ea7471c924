"""Runs the whole life of a setting with Microsoft's Python SDK against Adept and its simulator of Apple.

    ADEPT=https://localhost:8443 SIM=http://127.0.0.1:8080/_sim TENANT=… CLIENT=… SECRET=… \\
    SSL_CERT_FILE=adept-data/tls/ca.pem REQUESTS_CA_BUNDLE=adept-data/tls/ca.pem python life_cycle.py

Adept must have been started with `--throttle graph`.
"""

import asyncio
import logging
import time

import audit
import batches
import devices
import onboarding
import profiles
import throttling
from connect import connect
from stage import Stage

PARTS = [
    onboarding.refuse_a_wrong_secret,
    onboarding.onboard,
    onboarding.watch_sync,
    devices.find,
    devices.page_through,
    devices.import_manually,
    profiles.make,
    profiles.change,
    profiles.choose_defaults,
    profiles.assign,
    profiles.export,
    profiles.delete,
    devices.expand,
    onboarding.renew,
    onboarding.refuse_what_is_wrong,
    batches.send,
    audit.read,
    throttling.be_patient,
    onboarding.delete,
]

# The sign-in that must fail would be logged as an error.
logging.getLogger("azure.identity").setLevel(logging.CRITICAL)


async def main():
    stage = Stage(connect())
    for part in PARTS:
        started = time.monotonic()
        await part(stage)
        print(f"ok {time.monotonic() - started:5.1f} s  {part.__doc__}", flush=True)


asyncio.run(main())
