"""The audit log: who changed what."""

import os

from msgraph_beta.generated.device_management.audit_events.audit_events_request_builder import (
    AuditEventsRequestBuilder as Events,
)
from msgraph_core import PageIterator
from stage import asking


async def read(stage):
    """Every change is in the audit log, and no secret is"""
    events = stage.client.device_management.audit_events
    page = await events.get(
        asking(
            Events.AuditEventsRequestBuilderGetQueryParameters,
            filter=f"resources/any(resource:resource/resourceId eq '{stage.setting_id}')",
            orderby=["activityDateTime desc"],
        )
    )
    seen = []
    await PageIterator(page, stage.client.request_adapter).iterate(lambda event: seen.append(event) or True)
    activities = {event.activity_type for event in seen}
    assert {
        "create DepOnboardingSetting",
        "patch DepOnboardingSetting",
        "uploadDepToken DepOnboardingSetting",
    } <= activities, activities
    assert all(event.actor.application_id == os.environ["CLIENT"] for event in seen)
    renamed = next(event for event in seen if event.activity_type == "patch DepOnboardingSetting")
    change = renamed.resources[0].modified_properties[0]
    assert (change.display_name, change.new_value) == ("tokenName", "Renamed")
    assert (await events.by_audit_event_id(renamed.id).get()).correlation_id == renamed.correlation_id
    assert await events.count.get() >= len(seen)
    assert (await events.get_audit_categories.get()).value == ["Enrollment"]
