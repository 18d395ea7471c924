"""Single devices: their details, their release, their moves between servers."""

import portal
from apple import devices_of
from portal import Server


def details(judge):
    """Details of devices"""
    portal.reset()
    server = Server()
    server.seed(20)
    mine = server.serials()
    foreign = Server("Foreign")
    foreign.add("PEERFOREIGN1")
    apple = server.client()
    answer = apple.details([mine[0], mine[1], mine[0], "PEERFOREIGN1", "UNKNOWN"])
    judge.hold(
        "Apple device-details: each device that was asked for, once",
        {mine[0], mine[1], "PEERFOREIGN1", "UNKNOWN"}.__eq__,
        set(answer.devices),
    )
    judge.hold("Observed: response_status", "SUCCESS", answer.devices[mine[0]]["response_status"])
    for serial in ["PEERFOREIGN1", "UNKNOWN"]:
        judge.hold(
            "Apple: a device that the server does not have", "NOT_ACCESSIBLE", answer.devices[serial]["response_status"]
        )
    fetched = {device["serial_number"]: device for device in devices_of(apple.fetch_all()[0])}
    known = {name: value for name, value in answer.devices[mine[0]].items() if name != "response_status"}
    judge.hold("Apple device-details: as in a fetch", fetched[mine[0]], known)
    for body in [{}, {"devices": []}, {"devices": None}]:
        judge.hold(
            f"Apple device-details: {body}", (400, "DEVICE_ID_REQUIRED"), apple.call("POST", "/devices", body).code
        )
    server.seed(5000)
    judge.hold("Observed: 5,000 devices are answered", 5000, len(apple.details(server.serials()[:5000]).devices))
    with portal.options(unknown_device="NOT_FOUND"):
        judge.hold(
            "Observed of depsim: NOT_FOUND instead",
            "NOT_FOUND",
            apple.details(["UNKNOWN"]).devices["UNKNOWN"]["response_status"],
        )


def release(judge):
    """Devices that leave the organization"""
    portal.reset()
    server = Server()
    server.seed(3)
    mine = server.serials()
    apple = server.client()
    _, cursor = apple.fetch_all()
    judge.hold("Apple axm1c1be359d: off at first", (403, "ACCESS_DENIED"), apple.disown([mine[0]]).code)
    judge.hold("Apple disown: refused, nothing changed", mine, server.serials())
    server.permit(True)
    for body in [{}, {"devices": []}]:
        judge.hold(
            f"Apple disown: {body}", (400, "DEVICE_ID_REQUIRED"), apple.call("POST", "/devices/disown", body).code
        )
    answer = apple.disown([mine[0], "UNKNOWN"])
    judge.hold(
        "Apple disown: a status for each", {"devices": {mine[0]: "SUCCESS", "UNKNOWN": "NOT_ACCESSIBLE"}}, answer.json
    )
    judge.hold("Apple disown: it is gone", mine[1:], server.serials())
    judge.hold("Apple disown: a second time", {mine[0]: "NOT_ACCESSIBLE"}, apple.disown([mine[0]]).devices)
    changes = devices_of(apple.sync_all(cursor)[0])
    judge.hold(
        "Apple sync-devices: deleted",
        [(mine[0], "deleted")],
        [(change["serial_number"], change["op_type"]) for change in changes],
    )
    judge.hold(
        "Apple disown: for good",
        False,
        portal.attempt("POST", f"{server.path}/devices", {"devices": [{"serial_number": mine[0]}]}).ok,
    )


def moving(judge):
    """Devices that move between servers"""
    portal.reset()
    old = Server()
    new = old.sibling()
    old.add("PEERMOVES001", "PEERMOVES002")
    before, after = old.client(), new.client()
    uuid = before.define(profile_name="Old", url="https://mdm.example.org", devices=["PEERMOVES001"]).json[
        "profile_uuid"
    ]
    cursor_before, cursor_after = before.fetch_all()[1], after.fetch_all()[1]
    portal.advance(2)
    before, after = portal.apple(before.token), portal.apple(after.token)
    old.life("PEERMOVES001", "move", to=new.uuid, migration_deadline="2031-01-01T00:00:00Z")

    def changes(apple, cursor):
        return [(change["serial_number"], change["op_type"]) for change in devices_of(apple.sync_all(cursor)[0])]

    judge.hold(
        "Observed: the old server is told that it is gone",
        [("PEERMOVES001", "deleted")],
        changes(before, cursor_before),
    )
    judge.hold("Apple: the new server is told that it came", [("PEERMOVES001", "added")], changes(after, cursor_after))
    there = after.details(["PEERMOVES001"]).devices["PEERMOVES001"]
    judge.hold(
        "Observed: a move clears the profile", ("empty", False), (there["profile_status"], "profile_uuid" in there)
    )
    judge.hold("Apple device: the deadline of a migration", "2031-01-01T00:00:00Z", there["mdm_migration_deadline"])
    judge.hold(
        "Apple: the old server has it no longer",
        "NOT_ACCESSIBLE",
        before.details(["PEERMOVES001"]).devices["PEERMOVES001"]["response_status"],
    )
    judge.hold(
        "Apple: nor may it assign it", {"PEERMOVES001": "NOT_ACCESSIBLE"}, before.assign(uuid, ["PEERMOVES001"]).devices
    )
    with portal.options(moved_in_as="modified", moved_out_silently=True):
        portal.advance(2)
        before, after = portal.apple(before.token), portal.apple(after.token)
        cursor_before, cursor_after = before.fetch_all()[1], after.fetch_all()[1]
        old.life("PEERMOVES002", "move", to=new.uuid)
        judge.hold("Observed: it may be called modified", [("PEERMOVES002", "modified")], changes(after, cursor_after))
        judge.hold("Observed: and the old server told nothing", [], changes(before, cursor_before))
    own = new.client()
    own.define(profile_name="New", url="https://mdm.example.org", devices=["PEERMOVES002"])
    new.life("PEERMOVES002", "move", to=new.uuid)
    again = own.details(["PEERMOVES002"]).devices["PEERMOVES002"]
    judge.hold("Observed: assigned to the same server again, its profile is gone too", "empty", again["profile_status"])


PARTS = [details, release, moving]
