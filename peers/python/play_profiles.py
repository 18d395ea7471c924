"""Profiles: what may be defined, what is read back, how devices get and lose them."""

import base64

import portal
from apple import devices_of
from device_record import TIME, UUID, hold_record
from portal import Server

LEAST = {"profile_name": "Least", "url": "https://mdm.example.org/enroll"}
FLAGS = {
    "allow_pairing": True,
    "auto_advance_setup": False,
    "await_device_configured": False,
    "do_not_use_profile_from_backup": False,
    "is_mandatory": False,
    "is_mdm_removable": True,
    "is_multi_user": False,
    "is_return_to_service": False,
    "is_supervised": False,
}
CERTIFICATE = base64.b64encode(b"any bytes will do for a service that only keeps them").decode()
FULL = {
    "profile_name": "Alles für jedes Gerät – 全部",
    "url": "https://mdm.example.org/enroll?for=all&also=%C3%A9",
    "allow_pairing": False,
    "is_supervised": True,
    "is_mandatory": True,
    "is_mdm_removable": False,
    "await_device_configured": True,
    "is_multi_user": True,
    "auto_advance_setup": True,
    "language": "de",
    "region": "DE",
    "configuration_web_url": "https://login.example.org/",
    "org_magic": "5c7e9a0d",
    "department": "IT",
    "support_phone_number": "+49 30 0000000",
    "support_email_address": "it@example.org",
    "anchor_certs": [CERTIFICATE],
    "supervising_host_certs": [CERTIFICATE],
    "skip_setup_items": ["Location", "Siri", "NobodyKnowsThis"],
    "is_return_to_service": True,
    "do_not_use_profile_from_backup": True,
}


def validation(judge):
    """What may be defined and what may not"""
    portal.reset()
    apple = Server().client()

    def define(**changes):
        profile = {name: value for name, value in (LEAST | changes).items() if value != "left out"}
        answer = apple.define(**profile)
        return (200, "") if answer.status == 200 else answer.code

    good = (200, "")
    sizes = {
        "profile_name": (125, "CONFIG_NAME_INVALID", "n"),
        "department": (125, "DEPARTMENT_INVALID", "n"),
        "org_magic": (256, "MAGIC_INVALID", "n"),
        "support_phone_number": (50, "SUPPORT_PHONE_INVALID", "1"),
        "support_email_address": (250, "SUPPORT_EMAIL_INVALID", "e"),
    }
    for name, (most, code, letter) in sizes.items():
        for letters in [letter, "ü", "\N{MOBILE PHONE}"] if letter == "n" else [letter]:
            judge.hold(f"Apple define-profile: {name} of {most} × {letters}", good, define(**{name: letters * most}))
            judge.hold(
                f"Apple define-profile: {name} of {most + 1} × {letters}",
                (400, code),
                define(**{name: letters * (most + 1)}),
            )
        judge.hold(f"Apple define-profile: {name} of one character", good, define(**{name: letter}))
    for name, required in {"profile_name": "CONFIG_NAME", "url": "CONFIG_URL"}.items():
        judge.hold(f"Apple define-profile: without {name}", (400, f"{required}_REQUIRED"), define(**{name: "left out"}))
        judge.hold(f"Apple define-profile: {name} that is null", (400, f"{required}_REQUIRED"), define(**{name: None}))
        either = {(400, f"{required}_REQUIRED"), (400, f"{required}_INVALID")}
        judge.hold(f"Apple define-profile: an empty {name}", either, define(**{name: ""}))
    for name in ["department", "org_magic", "support_phone_number", "support_email_address"]:
        judge.hold(f"Apple define-profile: an empty {name}", (400, sizes[name][1]), define(**{name: ""}))
    base = "https://mdm.example.org/"
    judge.hold("Apple define-profile: a URL of 2,000 characters", good, define(url=base + "a" * (2000 - len(base))))
    judge.hold(
        "Apple define-profile: a URL of 2,001 characters",
        (400, "CONFIG_URL_INVALID"),
        define(url=base + "a" * (2001 - len(base))),
    )
    for url in ["https://[2001:db8::1]:8443/enroll", "https://mdm.example.org:443/a/b?c=d&e=%20", "http://10.0.0.1/"]:
        judge.hold(f"RFC 2396, RFC 2732: {url}", good, define(url=url))
    for url in [
        "enroll",
        "mdm.example.org",
        "https://",
        "https://a b/",
        "https://mdm.example.org/a b",
        "https://[2001:db8::1/",
        "https://mdm.example.org/%zz",
        "https://mdm.example.org/<a>",
    ]:
        judge.hold(f"RFC 2396, RFC 2732: no URL is {url}", (400, "CONFIG_URL_INVALID"), define(url=url))
    for language, region in [("de", "DE"), ("deu", "DE"), ("en", None)]:
        judge.hold(f"Apple profile: {language}, {region}", good, define(language=language, region=region or "left out"))
    for language, region in [("german", "DE"), ("de", "Germany"), ("d", "DE"), ("de", "D")]:
        judge.hold(
            f"Apple define-profile: {language}, {region}",
            (400, "LOCALE_INVALID"),
            define(language=language, region=region),
        )
    flags = (400, "FLAGS_INVALID")
    judge.hold(
        "Apple define-profile: not removable, not supervised",
        flags,
        define(is_mdm_removable=False, is_supervised=False),
    )
    judge.hold(
        "Apple define-profile: not removable, nothing said of supervision", flags, define(is_mdm_removable=False)
    )
    judge.hold(
        "Apple define-profile: not removable, supervised", good, define(is_mdm_removable=False, is_supervised=True)
    )
    malformed = (400, "MALFORMED_REQUEST_BODY")
    for wrong in [
        {"is_supervised": "true"},
        {"profile_name": 5},
        {"skip_setup_items": "Siri"},
        {"anchor_certs": CERTIFICATE},
    ]:
        judge.hold(f"Observed: {wrong}", malformed, define(**wrong))
    judge.hold(
        "Observed: unknown skip items and fields are kept", good, define(skip_setup_items=["Unknown"], unknown={"a": 1})
    )
    with portal.options(allow_empty_org_magic=True):
        judge.hold("Observed: an empty org_magic may be taken", good, define(org_magic=""))
    with portal.options(legacy_profile_checks=True):
        judge.hold(
            "Observed of depsim: department is required", (400, "DEPARTMENT_REQUIRED"), define(support_phone_number="1")
        )
        judge.hold("Observed of depsim: so is a telephone", (400, "SUPPORT_PHONE_REQUIRED"), define(department="IT"))


def reading(judge):
    """What a profile is when it is read back"""
    portal.reset()
    server = Server()
    server.add("PEERPROFILE1", "PEERPROFILE2")
    apple = server.client()
    defined = apple.define(**FULL, devices=["PEERPROFILE1", "UNKNOWN"])
    judge.hold("Apple define-profile: the answer", {"profile_uuid", "devices"}.__eq__, set(defined.json))
    uuid = defined.json["profile_uuid"]
    judge.hold("Observed: 32 upper-case hexadecimal digits", UUID, uuid)
    judge.hold(
        "Apple define-profile: its devices are assigned",
        {"PEERPROFILE1": "SUCCESS", "UNKNOWN": "NOT_ACCESSIBLE"},
        defined.devices,
    )
    judge.hold(
        "Apple get-profile: everything as it was defined, without devices",
        FULL | {"profile_uuid": uuid},
        apple.profile(uuid).json,
    )
    least = apple.define(**LEAST)
    judge.hold("Apple define-profile: nobody is assigned", {}, least.json.get("devices", {}))
    read = apple.profile(least.json["profile_uuid"]).json
    text = {name: value for name, value in read.items() if not isinstance(value, bool)}
    judge.hold("Observed: what was not set is left out", LEAST | {"profile_uuid": least.json["profile_uuid"]}, text)
    judge.hold(
        "Observed: flags are there, with Apple's defaults",
        FLAGS,
        {name: value for name, value in read.items() if isinstance(value, bool)},
    )
    judge.hold(
        "Observed: the same again is another profile",
        True,
        apple.define(**LEAST).json["profile_uuid"] != read["profile_uuid"],
    )
    judge.hold("Apple get-profile: no uuid", (400, "PROFILE_UUID_REQUIRED"), apple.call("GET", "/profile").code)
    judge.hold("Apple get-profile: an empty uuid", (400, "PROFILE_UUID_REQUIRED"), apple.profile("").code)
    judge.hold("Apple get-profile: an unknown uuid", (400, "NOT_FOUND"), apple.profile("0" * 32).code)
    foreign = Server("Foreign").client()
    judge.hold("Simulator: a profile of another organization", (400, "NOT_FOUND"), foreign.profile(uuid).code)
    for status in [404, 200]:
        with portal.options(unknown_profile_get_status=status):
            judge.hold(
                f"Observed: an unknown uuid may be {status}", (status, "NOT_FOUND"), apple.profile("0" * 32).code
            )


def assigning(judge):
    """How devices get a profile and lose it"""
    portal.reset()
    server = Server()
    server.add("PEERASSIGN01", "PEERASSIGN02", "PEERASSIGN03")
    apple = server.client()
    one, two = (apple.define(**LEAST).json["profile_uuid"] for _ in range(2))
    _, cursor = apple.fetch_all()

    def status(serial="PEERASSIGN01"):
        device = apple.details([serial]).devices[serial]
        return device["profile_status"], device.get("profile_uuid")

    judge.hold("Apple device: a new device", ("empty", None), status())
    answer = apple.assign(one, ["PEERASSIGN01", "UNKNOWN", "PEERASSIGN01"])
    wanted = {"profile_uuid": one, "devices": {"PEERASSIGN01": "SUCCESS", "UNKNOWN": "NOT_ACCESSIBLE"}}
    judge.hold("Apple assign-profile: the answer", wanted, answer.json)
    judge.hold("Apple device: assigned", ("assigned", one), status())
    judge.hold(
        "Observed: PUT is the old form", {"PEERASSIGN02": "SUCCESS"}, apple.assign(one, ["PEERASSIGN02"], "PUT").devices
    )
    changes = devices_of(apple.sync_all(cursor)[0])
    seen = [
        (change["serial_number"], change["op_type"], change["profile_status"], change["profile_uuid"])
        for change in changes
    ]
    judge.hold(
        "Apple device: an assignment is modified",
        [(serial, "modified", "assigned", one) for serial in ["PEERASSIGN01", "PEERASSIGN02"]],
        seen,
    )
    hold_record(judge, "assigned", changes[0])
    judge.hold("Apple device: profile_assign_time", TIME, changes[0]["profile_assign_time"])
    _, cursor = apple.fetch_all()
    judge.hold(
        "Apple assign-profile: another profile takes its place",
        {"PEERASSIGN01": "SUCCESS"},
        apple.assign(two, ["PEERASSIGN01"]).devices,
    )
    judge.hold("Apple device: the other profile", ("assigned", two), status())
    server.life("PEERASSIGN01", "activate")
    judge.hold("Apple device: the device fetched it", ("pushed", two), status())
    pushed = devices_of(apple.sync_all(cursor)[0])[-1]
    judge.hold("Apple device: profile_push_time", TIME, pushed["profile_push_time"])
    hold_record(judge, "pushed", pushed)
    removed = apple.remove(["PEERASSIGN01", "UNKNOWN"])
    judge.hold(
        "Apple remove-profile: DELETE with a body",
        {"devices": {"PEERASSIGN01": "SUCCESS", "UNKNOWN": "NOT_ACCESSIBLE"}},
        removed.json,
    )
    judge.hold("Apple device: removed", ("removed", None), status())
    other = apple.call("DELETE", "/profile/devices", {"devices": ["PEERASSIGN02"], "profile_uuid": two})
    judge.hold("Observed: DELETE ignores profile_uuid", {"PEERASSIGN02": "SUCCESS"}, other.devices)
    judge.hold("Observed: and removes whatever there was", ("removed", None), status("PEERASSIGN02"))

    required = (400, "DEVICE_ID_REQUIRED")
    for body in [{"profile_uuid": one}, {"profile_uuid": one, "devices": []}]:
        for method in ["POST", "PUT", "DELETE"]:
            judge.hold(
                f"Apple: {method} /profile/devices without devices",
                required,
                apple.call(method, "/profile/devices", body).code,
            )
    uuid_required = (400, "PROFILE_UUID_REQUIRED")
    for body in [{"devices": ["PEERASSIGN01"]}, {"devices": ["PEERASSIGN01"], "profile_uuid": ""}]:
        judge.hold(
            "Apple assign-profile: without profile_uuid",
            uuid_required,
            apple.call("POST", "/profile/devices", body).code,
        )
    judge.hold(
        "Apple assign-profile: an unknown profile",
        (404, "PROFILE_NOT_FOUND"),
        apple.assign("0" * 32, ["PEERASSIGN01"]).code,
    )
    for code in ["NOT_FOUND", ""]:
        with portal.options(unknown_profile=code):
            judge.hold(f"Observed: or {code!r}", (404, code), apple.assign("0" * 32, ["PEERASSIGN01"]).code)
    with portal.options(assign_by_put_only=True):
        judge.hold(
            "Observed of depsim: only PUT",
            (405, 200),
            (apple.assign(one, ["PEERASSIGN01"]).status, apple.assign(one, ["PEERASSIGN01"], "PUT").status),
        )
    server.seed(1900)
    many = server.serials()
    answered = apple.assign(one, many)
    judge.hold(
        "Observed: over 1,900 devices are answered, not refused",
        (200, len(many)),
        (answered.status, len(answered.devices)),
    )
    with portal.options(strict_device_lists=True):
        judge.hold("Simulator: strict_device_lists", (400, "MALFORMED_REQUEST_BODY"), apple.assign(one, many).code)
        judge.hold("Apple assign-profile: 1,000 devices", 200, apple.assign(one, many[:1000]).status)


def hindrances(judge):
    """Devices that do not take a profile"""
    portal.reset()
    server = Server()
    server.add("PEERHINDER01", "PEERHINDER02")
    apple = server.client()
    uuid = apple.define(**LEAST).json["profile_uuid"]
    both = ["PEERHINDER01", "PEERHINDER02"]

    def said(**statuses):
        portal.ask("POST", "/statuses", {"serial_number": "PEERHINDER01", "call": "assign"} | statuses)
        return apple.assign(uuid, both)

    judge.hold(
        "Apple assign-profile: FAILED for one", {both[0]: "FAILED", both[1]: "SUCCESS"}, said(status="FAILED").devices
    )
    judge.hold(
        "Simulator: FAILED, and so it is not assigned", "empty", apple.details(both).devices[both[0]]["profile_status"]
    )
    throttled = said(status="THROTTLED", retry_after_seconds=7)
    judge.hold(
        "Apple assign-profile: THROTTLED with a wait",
        ("THROTTLED", 7),
        (throttled.devices[both[0]], throttled.json["retry_after_seconds"]),
    )
    judge.hold("Observed: a device may be missing from the answer", {both[1]: "SUCCESS"}, said(status=None).devices)
    judge.hold(
        "Simulator: once said, all is well again",
        {both[0]: "SUCCESS", both[1]: "SUCCESS"},
        apple.assign(uuid, both).devices,
    )
    with portal.options(assign_lag_seconds=60):
        apple.remove(both)
        apple.assign(uuid, both)
        portal.ask("POST", "/settle")
        judge.hold(
            "Observed: an assignment may be seen later",
            "assigned",
            apple.details(both).devices[both[0]]["profile_status"],
        )
        apple.remove(both)
        portal.ask("POST", "/settle")
        apple.assign(uuid, both)
        judge.hold(
            "Observed: SUCCESS, and yet not to be seen",
            "removed",
            apple.details(both).devices[both[0]]["profile_status"],
        )
        portal.advance(61)
        late = portal.apple(apple.token)
        judge.hold("Observed: until then", "assigned", late.details(both).devices[both[0]]["profile_status"])
    foreign = "0123456789ABCDEF0123456789ABCDEF"
    server.change(both[0], profile_status="assigned", profile_uuid=foreign)
    seen = apple = portal.apple(apple.token)
    seen = apple.details(both).devices[both[0]]
    judge.hold("Apple device: a profile of another product", foreign, seen["profile_uuid"])
    judge.hold("Apple get-profile: is not ours to read", (400, "NOT_FOUND"), apple.profile(foreign).code)


PARTS = [validation, reading, assigning, hindrances]
