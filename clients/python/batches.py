"""Several requests in one, by the SDK's batch builder."""

from msgraph_beta.generated.models.dep_onboarding_setting import DepOnboardingSetting
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem


async def send(stage):
    """A batch is answered item by item, in the order that it asks for"""
    setting, adapter = stage.setting, stage.client.request_adapter
    unknown = stage.settings.by_dep_onboarding_setting_id("00000000-0000-0000-0000-000000000000")
    rename = BatchRequestItem(setting.to_patch_request_information(DepOnboardingSetting(token_name="Renamed")), "rename")
    items = [
        rename,
        BatchRequestItem(setting.to_get_request_information(), "read", depends_on=[rename]),
        BatchRequestItem(setting.imported_apple_device_identities.to_get_request_information(), "devices"),
        BatchRequestItem(unknown.to_get_request_information(), "unknown"),
    ]
    answers = await BatchRequestBuilder(adapter).post(BatchRequestContent({item.id: item for item in items}))
    assert answers.get_response_status_codes() == {"rename": 200, "read": 200, "devices": 200, "unknown": 404}
    # The SDK (kiota 1.16) does not parse a body that is a JSON object, as Graph's are: the result is read separately.
    assert (await setting.get()).token_name == "Renamed"
