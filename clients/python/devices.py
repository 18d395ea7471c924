"""The devices of syncs and manual imports: found, counted, read page by page."""

from kiota_abstractions.headers_collection import HeadersCollection
from msgraph_beta.generated.device_management.dep_onboarding_settings.dep_onboarding_settings_request_builder import (
    DepOnboardingSettingsRequestBuilder as Settings,
)
from msgraph_beta.generated.device_management.dep_onboarding_settings.item.dep_onboarding_setting_item_request_builder import (
    DepOnboardingSettingItemRequestBuilder as Setting,
)
from msgraph_beta.generated.device_management.dep_onboarding_settings.item.imported_apple_device_identities.import_apple_device_identity_list.import_apple_device_identity_list_post_request_body import (
    ImportAppleDeviceIdentityListPostRequestBody as ImportList,
)
from msgraph_beta.generated.device_management.dep_onboarding_settings.item.imported_apple_device_identities.imported_apple_device_identities_request_builder import (
    ImportedAppleDeviceIdentitiesRequestBuilder as Devices,
)
from msgraph_beta.generated.models.discovery_source import DiscoverySource
from msgraph_beta.generated.models.imported_apple_device_identity import ImportedAppleDeviceIdentity
from msgraph_beta.generated.models.platform import Platform
from msgraph_core import PageIterator
from onboarding import DEVICES
from stage import asking, refused

query = Devices.ImportedAppleDeviceIdentitiesRequestBuilderGetQueryParameters


async def find(stage):
    """Devices are filtered, selected, ordered and counted"""
    page = await stage.setting.imported_apple_device_identities.get(
        asking(
            query,
            filter="platform eq 'macOS' and startswith(serialNumber,'PY0000')",
            select=["id", "serialNumber", "platform"],
            orderby=["serialNumber desc"],
            top=5,
            count=True,
        )
    )
    found = page.value
    assert page.odata_count == DEVICES / 3
    assert [device.serial_number for device in found] == [f"PY{number:06}" for number in range(58, 43, -3)]
    assert all(device.platform == Platform.MacOS and device.description is None for device in found)
    assert await stage.setting.imported_apple_device_identities.count.get() == DEVICES

    one = stage.setting.imported_apple_device_identities.by_imported_apple_device_identity_id(found[0].id)
    device = await one.get()
    assert device.description == "Python's MacBook Pro 58"
    assert device.discovery_source == DiscoverySource.DeviceEnrollmentProgram

    with refused(400, "BadRequest"):
        await stage.setting.imported_apple_device_identities.get(asking(query, filter="nothing eq 1"))


async def page_through(stage):
    """The SDK's page iterator reads every page"""
    smaller = HeadersCollection()
    smaller.add("Prefer", "odata.maxpagesize=7")
    configuration = asking(query, orderby=["serialNumber"], select=["serialNumber"])
    configuration.headers = smaller
    first = await stage.setting.imported_apple_device_identities.get(configuration)
    assert len(first.value) == 7

    pages = PageIterator(first, stage.client.request_adapter)
    pages.headers = smaller
    serials = []
    await pages.iterate(lambda device: serials.append(device.serial_number) or True)
    assert serials == [f"PY{number:06}" for number in range(DEVICES)], serials


async def import_manually(stage):
    """Devices are imported manually; each is accepted or refused"""
    devices = stage.setting.imported_apple_device_identities
    body = ImportList(
        imported_apple_device_identities=[
            ImportedAppleDeviceIdentity(serial_number="HAND001", description="By hand", platform=Platform.Ios),
            ImportedAppleDeviceIdentity(serial_number="PY000001"),
        ],
        overwrite_imported_device_identities=False,
    )
    results = (await devices.import_apple_device_identity_list.post(body)).value
    assert [(result.serial_number, result.status) for result in results] == [("HAND001", True), ("PY000001", False)]
    assert results[0].discovery_source == DiscoverySource.AdminImport

    one = devices.by_imported_apple_device_identity_id(results[0].id)
    changed = await one.patch(ImportedAppleDeviceIdentity(description="Changed by hand"))
    assert changed.description == "Changed by hand"
    await one.delete()
    with refused(404, "ResourceNotFound"):
        await one.get()


async def expand(stage):
    """A setting is shown with its devices and its profiles"""
    shown = await stage.setting.get(
        asking(
            Setting.DepOnboardingSettingItemRequestBuilderGetQueryParameters,
            expand=["enrollmentProfiles", "importedAppleDeviceIdentities($select=serialNumber;$top=3)"],
        )
    )
    assert len(shown.imported_apple_device_identities) == 3
    assert {profile.id for profile in shown.enrollment_profiles} == {made.id for made in stage.profiles.values()}

    page = await stage.settings.get(
        asking(
            Settings.DepOnboardingSettingsRequestBuilderGetQueryParameters,
            filter="tokenName eq 'Python O''Brien & Söhne #1'",
            expand=["defaultIosEnrollmentProfile"],
        )
    )
    assert [setting.id for setting in page.value] == [stage.setting_id]
    assert page.value[0].default_ios_enrollment_profile.display_name == "iPads of the class"
