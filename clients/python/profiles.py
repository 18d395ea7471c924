"""Enrollment profiles of every type: made, read back typed, changed, defaults, assignment, export."""

import plistlib

from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from msgraph_beta.generated.device_management.dep_onboarding_settings.item.enrollment_profiles.item.update_device_profile_assignment.update_device_profile_assignment_post_request_body import (
    UpdateDeviceProfileAssignmentPostRequestBody as Assignment,
)
from msgraph_beta.generated.device_management.dep_onboarding_settings.item.imported_apple_device_identities.imported_apple_device_identities_request_builder import (
    ImportedAppleDeviceIdentitiesRequestBuilder as Devices,
)
from msgraph_beta.generated.models.dep_enrollment_profile import DepEnrollmentProfile
from msgraph_beta.generated.models.dep_i_o_s_enrollment_profile import DepIOSEnrollmentProfile
from msgraph_beta.generated.models.dep_mac_o_s_enrollment_profile import DepMacOSEnrollmentProfile
from msgraph_beta.generated.models.dep_tv_o_s_enrollment_profile import DepTvOSEnrollmentProfile
from msgraph_beta.generated.models.dep_vision_o_s_enrollment_profile import DepVisionOSEnrollmentProfile
from msgraph_beta.generated.models.enrollment_profile import EnrollmentProfile
from msgraph_beta.generated.models.i_tunes_pairing_mode import ITunesPairingMode
from msgraph_beta.generated.models.o_data_errors.o_data_error import ODataError
from stage import asking, refused


async def make(stage):
    """A profile of every type is made and read back as what it is"""
    wanted = [
        EnrollmentProfile(display_name="Plain", description="by Apple Configurator"),
        DepEnrollmentProfile(display_name="Old", support_department="IT"),
        DepIOSEnrollmentProfile(
            display_name="iPads",
            supervised_mode_enabled=True,
            profile_removal_disabled=True,
            i_tunes_pairing_mode=ITunesPairingMode.Disallow,
            enabled_skip_keys=["Siri", "Location"],
        ),
        DepMacOSEnrollmentProfile(
            display_name="Macs", admin_account_user_name="admin", admin_account_password="not to be told"
        ),
        DepTvOSEnrollmentProfile(display_name="Apple TVs"),
        DepVisionOSEnrollmentProfile(display_name="Vision Pros"),
    ]
    for profile in wanted:
        made = await stage.setting.enrollment_profiles.post(profile)
        assert (type(made), made.display_name) == (type(profile), profile.display_name), made
        stage.profiles[type(profile)] = made

    read = (await stage.setting.enrollment_profiles.get()).value
    assert sorted((type(profile).__name__, profile.id) for profile in read) == sorted(
        (kind.__name__, made.id) for kind, made in stage.profiles.items()
    )
    assert await stage.setting.enrollment_profiles.count.get() == len(wanted)
    ipads = await profile_of(stage, DepIOSEnrollmentProfile).get()
    assert ipads.i_tunes_pairing_mode == ITunesPairingMode.Disallow
    assert ipads.supervised_mode_enabled and ipads.siri_disabled and not ipads.zoom_disabled
    macs = await profile_of(stage, DepMacOSEnrollmentProfile).get()
    assert (macs.admin_account_user_name, macs.admin_account_password) == ("admin", None)


async def change(stage):
    """A profile is changed in what is named, and keeps its type"""
    ipads = profile_of(stage, DepIOSEnrollmentProfile)
    await ipads.patch(DepIOSEnrollmentProfile(display_name="iPads of the class", support_department="School IT"))
    changed = await ipads.get()
    assert isinstance(changed, DepIOSEnrollmentProfile)
    assert (changed.display_name, changed.support_department) == ("iPads of the class", "School IT")
    assert changed.supervised_mode_enabled and changed.siri_disabled
    with refused(400, "BadRequest"):
        await ipads.patch(DepMacOSEnrollmentProfile(display_name="a Mac now"))


async def choose_defaults(stage):
    """Each platform has its default, set by action or by reference"""
    defaults = {
        DepIOSEnrollmentProfile: stage.setting.default_ios_enrollment_profile,
        DepMacOSEnrollmentProfile: stage.setting.default_mac_os_enrollment_profile,
        DepTvOSEnrollmentProfile: stage.setting.default_tv_o_s_enrollment_profile,
        DepVisionOSEnrollmentProfile: stage.setting.default_vision_o_s_enrollment_profile,
    }
    for kind, default in defaults.items():
        with refused(404, "ResourceNotFound"):
            await default.get()
        await profile_of(stage, kind).set_default_profile.post()
        shown = await default.get()
        assert (type(shown), shown.id) == (kind, stage.profiles[kind].id)
    assert (await profile_of(stage, DepIOSEnrollmentProfile).get()).is_default

    with refused(409, "Conflict"):
        await profile_of(stage, DepTvOSEnrollmentProfile).delete()
    television = f"{stage.setting_url}/defaultTvOSEnrollmentProfile/$ref"
    await reference(stage, Method.DELETE, television)
    with refused(404, "ResourceNotFound"):
        await defaults[DepTvOSEnrollmentProfile].get()
    profile = f"{stage.setting_url}/enrollmentProfiles/{stage.profiles[DepTvOSEnrollmentProfile].id}"
    await reference(stage, Method.PUT, television, profile)
    assert (await defaults[DepTvOSEnrollmentProfile].get()).display_name == "Apple TVs"


async def assign(stage):
    """A profile is requested for devices by serial number, all or none"""
    ipads = profile_of(stage, DepIOSEnrollmentProfile)
    with refused(400, "BadRequest"):
        await ipads.update_device_profile_assignment.post(Assignment(device_ids=["PY000000", "NOT-OURS"]))
    await ipads.update_device_profile_assignment.post(Assignment(device_ids=["PY000000", "PY000003"]))
    wanting = await stage.setting.imported_apple_device_identities.get(
        asking(
            Devices.ImportedAppleDeviceIdentitiesRequestBuilderGetQueryParameters,
            filter=f"requestedEnrollmentProfileId eq '{stage.profiles[DepIOSEnrollmentProfile].id}'",
            orderby=["serialNumber"],
        )
    )
    assert [device.serial_number for device in wanting.value] == ["PY000000", "PY000003"]


async def export(stage):
    """A profile is exported for devices that enroll manually"""
    exported = await profile_of(stage, EnrollmentProfile).export_mobile_config.get()
    payload = plistlib.loads(exported.value.encode())
    assert payload["PayloadType"] in ("Configuration", "Profile Service"), payload


async def delete(stage):
    """An unused profile is deleted"""
    await profile_of(stage, DepEnrollmentProfile).delete()
    with refused(404, "ResourceNotFound"):
        await profile_of(stage, DepEnrollmentProfile).get()
    del stage.profiles[DepEnrollmentProfile]


def profile_of(stage, kind):
    return stage.setting.enrollment_profiles.by_enrollment_profile_id(stage.profiles[kind].id)


async def reference(stage, method, url, target=None):
    """The SDK has no builder for these references: its adapter sends them."""
    request = RequestInformation(method)
    request.url = url
    if target:
        request.set_stream_content(f'{{"@odata.id": "{target}"}}'.encode(), "application/json")
    await stage.client.request_adapter.send_no_response_content_async(request, {"4XX": ODataError, "5XX": ODataError})
