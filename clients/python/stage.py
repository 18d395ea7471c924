"""What the parts of the life cycle share: the client, the setting that they work on, and how a refusal is expected."""

import asyncio
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph_beta import GraphServiceClient
from msgraph_beta.generated.models.o_data_errors.o_data_error import ODataError


@dataclass
class Stage:
    client: GraphServiceClient
    setting_id: str = ""
    server: str = ""
    profiles: dict = field(default_factory=dict)

    @property
    def settings(self):
        return self.client.device_management.dep_onboarding_settings

    @property
    def setting(self):
        return self.settings.by_dep_onboarding_setting_id(self.setting_id)

    @property
    def setting_url(self):
        return self.setting.to_get_request_information().url


def asking(builder, **parameters):
    """The query of a call: the names are the SDK's, such as `filter` and `orderby`."""
    return RequestConfiguration(query_parameters=builder(**parameters))


@contextmanager
def refused(status, code):
    """The block must fail with this status and code, and name the request id to look for in the log."""
    try:
        yield
    except ODataError as error:
        assert (error.response_status_code, error.error.code) == (status, code), error
        assert error.error.message and error.error.message.endswith("."), error
        details = error.error.inner_error
        assert details.request_id and details.client_request_id and details.date, error
    else:
        raise AssertionError(f"This was not refused with {status} {code}.")


async def until(holds, what, seconds=30):
    """Repeats a request until the answer is as expected."""
    end = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < end, f"After {seconds} s still not so: {what}."
        await asyncio.sleep(0.1)
