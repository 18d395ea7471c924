"""Fetching devices, syncing their changes, and the cursors of both."""

import portal
from apple import devices_of
from device_record import TIME, hold_record
from portal import Server


def fetching(judge):
    """A fetch of everything, page by page"""
    portal.reset()
    server = Server()
    server.seed(2500)
    apple = server.client()
    pages, cursor = apple.fetch_all()
    judge.hold(
        "Apple fetch-devices: 2,500 devices are three pages", [1000, 1000, 500], [len(page.devices) for page in pages]
    )
    judge.hold(
        "Apple fetch-devices: more_to_follow until the last",
        [True, True, False],
        [page.json["more_to_follow"] for page in pages],
    )
    serials = [device["serial_number"] for device in devices_of(pages)]
    judge.hold("Apple fetch-devices: every device, once", server.serials(), sorted(serials))
    judge.hold(
        "Observed: a fetch says neither op_type nor op_date",
        False,
        any({"op_type", "op_date"} & set(device) for device in devices_of(pages)),
    )
    for page in pages:
        judge.hold("Apple fetch-device-response: fetched_until", TIME, page.json["fetched_until"])
        judge.hold(
            "Apple fetch-device-request: a cursor of at most 1,000 characters",
            range(1, 1001).__contains__,
            len(page.json["cursor"]),
        )
        judge.hold(
            "Apple fetch-device-response: these fields and no other",
            ["cursor", "devices", "fetched_until", "more_to_follow"],
            sorted(page.json),
        )
    for device in devices_of(pages)[:40]:
        hold_record(judge, "seeded", device)
    dates = [device["device_assigned_date"] for device in devices_of(pages)]
    judge.hold("Apple fetch-device-response: chronological", sorted(dates), dates)

    for limit, wanted in {1: 1, 999: 999, 1000: 1000, None: 1000, 1001: 1000, 5000: 1000}.items():
        body = {} if limit is None else {"limit": limit}
        judge.hold(f"Observed: a page with limit {limit}", wanted, len(apple.fetch(**body).devices))
    for limit in [0, -1]:
        judge.hold(f"Simulator: limit {limit} is as if it were 1", 1, len(apple.fetch(limit=limit).devices))
    with portal.options(strict_limits=True):
        for limit in [0, 1001]:
            judge.hold(
                f"Simulator: strict_limits, limit {limit}",
                (400, "MALFORMED_REQUEST_BODY"),
                apple.fetch(limit=limit).code,
            )
    one, _ = apple.fetch_all(limit=50)
    judge.hold(
        "Apple fetch-devices: another limit, the same devices",
        serials,
        [device["serial_number"] for device in devices_of(one)],
    )

    exhausted = (400, "EXHAUSTED_CURSOR")
    judge.hold("Observed: a fetch cursor that returned everything", exhausted, apple.fetch(cursor=cursor).code)
    answer = apple.sync(cursor=cursor)
    judge.hold(
        "Apple sync-devices: goes on with the last cursor of a fetch",
        (200, [], False),
        (answer.status, answer.json.get("devices", []), answer.json["more_to_follow"]),
    )
    same = apple.fetch(cursor=pages[0].json["cursor"])
    judge.hold("Apple: the same cursor again, the same page", pages[1].devices, same.devices)
    empty = Server("Empty").client()
    judge.hold(
        "Apple fetch-devices: no devices",
        ([], False),
        (lambda page: (page.json.get("devices", []), page.json["more_to_follow"]))(empty.fetch()),
    )
    with portal.options(long_cursors=True):
        _, cursor = apple.fetch_all()
        judge.hold("Observed: cursors over 128 characters", range(129, 1001).__contains__, len(cursor))
        judge.hold("Observed: and they work", 200, apple.sync(cursor=cursor).status)


def changing_meanwhile(judge):
    """Devices that change between two pages of a fetch"""
    portal.reset()
    server = Server()
    server.seed(30)
    before = server.serials()
    apple = server.client()
    first = apple.fetch(limit=10)
    shown = {device["serial_number"] for device in first.devices}
    gone = next(serial for serial in before if serial not in shown)
    portal.advance(5)
    server.take_away(gone)
    server.add("PEERNEW00001")
    pages, cursor, more = [first], first.json["cursor"], True
    while more:
        pages.append(apple.fetch(cursor=cursor, limit=10))
        cursor, more = pages[-1].json["cursor"], pages[-1].json["more_to_follow"]
    have = {device["serial_number"] for device in devices_of(pages)}
    changes, _ = apple.sync_all(cursor)
    for change in devices_of(changes):
        (have.discard if change["op_type"] == "deleted" else have.add)(change["serial_number"])
    judge.hold("Apple: fetch, then sync with its last cursor, arrives at the truth", server.serials(), sorted(have))


def syncing(judge):
    """Changes since a cursor"""
    portal.reset()
    server = Server()
    server.seed(3)
    apple = server.client()
    _, cursor = apple.fetch_all()
    old = server.serials()[0]
    for step in [
        lambda: server.add("PEER00000010"),
        lambda: server.change(old, asset_tag="2"),
        lambda: server.change(old, asset_tag="3"),
        lambda: server.take_away("PEER00000010"),
    ]:
        portal.advance(2)
        step()
    pages, after = apple.sync_all(cursor)
    changes = devices_of(pages)
    seen = [(change["serial_number"], change["op_type"]) for change in changes]
    judge.hold(
        "Apple sync-devices: added, modified, deleted; a device may come several times",
        [("PEER00000010", "added"), (old, "modified"), (old, "modified"), ("PEER00000010", "deleted")],
        seen,
    )
    for change in changes:
        hold_record(judge, change["op_type"], change)
        judge.hold("Apple device: op_date", TIME, change["op_date"])
    dates = [change["op_date"] for change in changes]
    judge.hold("Apple: in the order of their operations", sorted(dates), dates)
    judge.hold(
        "Apple device: op_date of an added device is its device_assigned_date",
        changes[0]["op_date"],
        changes[0]["device_assigned_date"],
    )
    deleted = {"serial_number", "op_type", "op_date"}
    judge.hold("Simulator: a deleted device is bare", deleted, set(changes[3]))
    again, _ = apple.sync_all(cursor)
    judge.hold("Apple: the same cursor again, the same changes", changes, devices_of(again))
    judge.hold("Apple: what was read does not come again", [], devices_of(apple.sync_all(after)[0]))
    small, last = apple.sync_all(cursor, limit=1)
    judge.hold("Apple sync-devices: page by page", changes, devices_of(small))
    judge.hold(
        "Apple sync-devices: more_to_follow until the last",
        [True, True, True, False],
        [page.json["more_to_follow"] for page in small],
    )
    judge.hold(
        "Apple sync-devices: the cursor moves on with each page",
        len(small),
        len({page.json["cursor"] for page in small}),
    )
    judge.hold("Apple sync-devices: behind the last there is nothing", [], devices_of(apple.sync_all(last)[0]))
    judge.hold(
        "Apple sync-devices: the last cursor of an empty answer works",
        200,
        apple.sync(cursor=apple.sync(cursor=after).json["cursor"]).status,
    )
    with portal.options(deleted_records="full"):
        full = devices_of(apple.sync_all(cursor)[0])[3]
        judge.hold("Simulator: deleted_records full", True, set(full) > deleted)
    server.seed(1500)
    judge.hold(
        "Apple sync-devices: at most 1,000 a page",
        [1000, 500],
        [len(page.devices) for page in apple.sync_all(after)[0]],
    )
    with portal.options(added_silently=True):
        cursor = apple.sync_all(after)[1]
        server.add("PEER00000099")
        judge.hold("Observed: a device may be missing from sync", [], devices_of(apple.sync_all(cursor)[0]))
        fetched = {device["serial_number"] for device in devices_of(apple.fetch_all()[0])}
        judge.hold("Observed: until the next fetch", True, "PEER00000099" in fetched)


def cursors(judge):
    """Cursors that are missing, wrong or old"""
    portal.reset()
    server = Server()
    server.seed(30)
    apple = server.client()
    page = apple.fetch(limit=10)
    unfinished = page.json["cursor"]
    _, cursor = apple.fetch_all()
    for body in [{}, {"cursor": None}, {"limit": 10}]:
        judge.hold(f"Apple sync-devices: {body}", (400, "CURSOR_REQUIRED"), apple.sync(**body).code)
    judge.hold(
        "Apple sync-devices: a cursor without a character",
        {(400, "CURSOR_REQUIRED"), (400, "INVALID_CURSOR")},
        apple.sync(cursor="").code,
    )
    invalid = (400, "INVALID_CURSOR")
    foreign = Server("Foreign")
    foreign.seed(30)
    theirs = foreign.client().fetch_all()[1]
    theirs_unfinished = foreign.client().fetch(limit=10).json["cursor"]
    for name, wrong in {
        "garbled": cursor[::-1],
        "cut": cursor[:-3],
        "of another server": theirs,
        "of 1,001 characters": "A" * 1001,
        "of another server's fetch": theirs_unfinished,
    }.items():
        judge.hold(f"Apple sync-devices: a cursor that is {name}", invalid, apple.sync(cursor=wrong).code)
        judge.hold(
            f"Apple fetch-devices: a cursor that is {name}",
            {invalid, (400, "EXHAUSTED_CURSOR")} if wrong == theirs else invalid,
            apple.fetch(cursor=wrong).code,
        )
    judge.hold(
        "Simulator: the cursor of an unfinished fetch given to sync", invalid, apple.sync(cursor=unfinished).code
    )
    synced = apple.sync(cursor=cursor).json["cursor"]
    judge.hold("Simulator: a sync cursor given to fetch", (400, "EXHAUSTED_CURSOR"), apple.fetch(cursor=synced).code)

    renewed = server.client()
    judge.hold("Observed: a cursor outlives its token", 200, renewed.sync(cursor=cursor).status)
    other = server.client(account="second@example.com")
    judge.hold("Simulator: also the account's", 200, other.sync(cursor=cursor).status)

    portal.advance(7 * 86400 - 60)
    apple = server.client()
    kept = apple.sync(cursor=cursor)
    judge.hold("Apple sync-devices: a cursor is good for seven days", 200, kept.status)
    portal.advance(120)
    apple = portal.apple(apple.token)
    judge.hold("Apple sync-devices: older, it has expired", (400, "EXPIRED_CURSOR"), apple.sync(cursor=cursor).code)
    judge.hold("Observed: each answer's cursor is young again", 200, apple.sync(cursor=kept.json["cursor"]).status)


PARTS = [fetching, changing_meanwhile, syncing, cursors]
