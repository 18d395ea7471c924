"""The forms that Apple gives to the fields of a device's record."""

import re

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
UUID = re.compile("[0-9A-F]{32}")
TEXT = re.compile("(?s).+")


def is_list_of_texts(value):
    """a list of texts"""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


FORMS = {
    "serial_number": re.compile("[0-9A-Z]+"),
    "model": TEXT,
    "description": TEXT,
    "color": TEXT,
    "asset_tag": TEXT,
    "profile_status": {"empty", "assigned", "pushed", "removed"},
    "profile_uuid": UUID,
    "profile_assign_time": TIME,
    "profile_push_time": TIME,
    "device_assigned_date": TIME,
    "device_assigned_by": TEXT,
    "os": {"iOS", "iPadOS", "OSX", "tvOS", "visionOS"},
    "device_family": {"iPad", "iPhone", "iPod", "Mac", "AppleTV", "Vision"},
    "mdm_migration_deadline": TIME,
    "imei": is_list_of_texts,
    "meid": is_list_of_texts,
    "eid": TEXT,
    "wifi_mac_address": TEXT,
    "bluetooth_mac_address": TEXT,
    "ethernet_mac_address": TEXT,
    "is_replacement_device": {True, False},
    "released_by_replacement": {True, False},
    "op_type": {"added", "modified", "deleted"},
    "op_date": TIME,
}


def hold_record(judge, source, device):
    """Checks the form of every field of a device's record."""
    for name, value in device.items():
        if name in FORMS:
            judge.hold(f"Apple device: the form of {name} of a device that was {source}", FORMS[name], value)
        else:
            judge.hold("Apple device: no fields that Apple does not have", "none", name)
