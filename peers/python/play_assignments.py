"""Profiles, assignment and release: the calls that Adept makes for a desired state."""

import portal
from life import shorts, to

IOS = "#microsoft.graph.depIOSEnrollmentProfile"
MAC = "#microsoft.graph.depMacOSEnrollmentProfile"
DEFINE, ASSIGN = "POST /profile → 200", "POST /profile/devices → 200"
STAFF = {"@odata.type": MAC, "displayName": "Staff"}


def assigned(calls):
    """The serial numbers of all assignments that were answered."""
    good = [exchange for exchange in to("/profile/devices", calls) if exchange.status == 200]
    return sorted(serial for exchange in good for serial in exchange.json["devices"])


def defaults(judge, life):
    """Default profiles of platforms"""
    life.onboard(2500)
    ios = life.setting.make_profile(
        **{"@odata.type": IOS, "displayName": "ü" * 130, "supportDepartment": "", "supportPhoneNumber": ""},
        **{"isMandatory": True, "supervisedModeEnabled": True, "profileRemovalDisabled": True},
        **{"iTunesPairingMode": "disallow", "enabledSkipKeys": ["Siri", "Location"]},
    )
    macs = life.setting.make_profile(**STAFF)

    def choose():
        for profile in [ios, macs]:
            life.setting.make_default(profile)

    devices = portal.ask("GET", f"{life.server.path}/devices", offset=0, limit=10000)["devices"]
    eligible = sorted(each["serial_number"] for each in devices if each.get("os") in ("iOS", "iPadOS", "OSX"))
    said = life.said(choose, lambda calls: len(assigned(calls)) >= len(eligible))
    defined = [exchange.json for exchange in to("/profile", said)]
    judge.hold("Apple define-profile: each profile once", 2, len(defined))
    ours = next(profile for profile in defined if profile["profile_name"].startswith("ü"))
    judge.hold("Apple define-profile: a long name is cut to 125 characters", "ü" * 125, ours["profile_name"])
    flags = {"is_supervised": True, "is_mandatory": True, "is_mdm_removable": False, "allow_pairing": False}
    seen = {name: ours.get(name) for name in flags}
    judge.hold("Apple profile: flags say what was wanted, also when it is false", flags, seen)
    judge.hold("Apple profile: skip items as they were given", ["Location", "Siri"], sorted(ours["skip_setup_items"]))
    empty = {"department", "support_phone_number"} & set(ours)
    judge.hold("Apple define-profile: what is empty is left out", set(), empty)

    assigns = to("/profile/devices", said)
    judge.hold("Apple assign-profile: by POST", ["POST"] * len(assigns), [exchange.method for exchange in assigns])
    judge.hold("Apple assign-profile: every device of these platforms, once", eligible, assigned(said))
    few = range(1, len(eligible) // 1000 + 3)
    judge.hold("Apple assign-profile: up to 1,000 devices in a call", few.__contains__, len(assigns))
    again = [exchange for exchange in life.sync() if exchange.path.startswith("/profile")]
    judge.hold("Observed: what Apple has is not assigned again", [], shorts(again))


def onboard_macs(life, count):
    """Macs with serial numbers of their own; these."""
    serials = [f"{life.server.uuid[:6]}{number:06}" for number in range(count)]
    life.onboard(0)
    life.server.add(*[{"serial_number": serial, "os": "OSX", "device_family": "Mac"} for serial in serials])
    life.sync()
    return serials


def explicitly(judge, life):
    """2,001 devices by name, a profile that changes, a device that is assigned again at Apple"""
    serials = onboard_macs(life, 2001)
    profile = life.setting.make_profile(**STAFF)

    def everybody(calls):
        return len(assigned(calls)) >= len(serials)

    said = life.said(lambda: life.setting.want(profile, serials), everybody)
    sizes = sorted(len(exchange.json["devices"]) for exchange in to("/profile/devices", said))
    judge.hold("Apple assign-profile: 2,001 devices are three calls", [1, 1000, 1000], sizes)
    judge.hold("Apple assign-profile: these and no others", serials, assigned(said))

    before = uuids(said)
    change = {"@odata.type": MAC, "displayName": "All staff"}
    said = life.said(lambda: life.setting.graph.must("PATCH", profile, change), everybody)
    judge.hold("Apple: a profile cannot be changed, so another is defined", 1, len(to("/profile", said)))
    judge.hold("Apple: and assigned in its place", (1, set()), (len(uuids(said)), uuids(said) & before))
    judge.hold("Apple: to the same devices", serials, assigned(said))

    life.server.life(serials[0], "move", to=life.server.uuid)
    said = life.sync(assigned)
    judge.hold(
        "Observed: a device that is assigned to its server again gets its profile again", serials[:1], assigned(said)
    )
    judge.hold("Observed: once", [], assigned(life.sync()))


def uuids(calls):
    """The profiles that were assigned."""
    return {exchange.json["profile_uuid"] for exchange in to("/profile/devices", calls)}


def hindrances(judge, life):
    """Devices and calls that fail"""
    serials = onboard_macs(life, 4)
    life.spoil({"disconnect": {"applied": True}}, "/profile", method="POST")
    lost = life.setting.make_profile(**STAFF)
    life.said(lambda: life.setting.want(lost, serials), lambda calls: to("/profile", calls))
    life.sync()
    judge.hold("Apple define-profile: a lost answer is not asked for again at once", 1, len(to("/profile", life.calls)))

    for serial, status in zip(serials, ["FAILED", "THROTTLED", None], strict=False):
        said = {"serial_number": serial, "call": "assign", "status": status, "times": 9}
        portal.ask("POST", "/statuses", said | ({"retry_after_seconds": 3600} if status == "THROTTLED" else {}))
    other = life.setting.make_profile(**STAFF | {"displayName": "Other"})
    life.spoil({"disconnect": {"applied": True}}, "/profile/devices", method="POST")
    said = life.said(lambda: life.setting.want(other, serials), lambda calls: to("/profile/devices", calls))
    said += life.sync(assigned)
    paths = [exchange.path for exchange in said if exchange.path in ("/devices", "/profile/devices")]
    wanted = ["/profile/devices", "/devices", "/profile/devices"]
    judge.hold("Apple device-details: after a lost answer the details are read first", wanted, paths)
    judge.hold("Observed: what took effect is not assigned again, what did not is", serials[:3], assigned(said))
    more = [exchange for exchange in life.sync() if exchange.path.startswith("/profile")]
    judge.hold("Apple assign-profile: what failed or was throttled or left out waits, regardless of the requester", [], shorts(more))


def release(judge, life):
    """Devices that are released"""
    life.onboard(30)
    life.server.permit(True)
    serials = life.server.serials()[:3]

    def disowned(calls):
        return [sorted(exchange.json["devices"]) for exchange in to("/devices/disown", calls)]

    said = life.said(lambda: life.setting.release(serials), disowned)
    judge.hold("Apple disown: one call with these devices and no other", [serials], disowned(said))
    judge.hold("Apple disown: they are gone", set(), set(serials) & set(life.server.serials()))
    judge.hold("Apple disown: and not asked for again", [], disowned(life.sync()))


PARTS = [defaults, explicitly, hindrances, release]
