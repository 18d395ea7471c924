"""A client that sends too many requests gets 429 with a wait, and the SDK waits."""

import asyncio

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_http.middleware.options import RetryHandlerOption
from msgraph_beta.generated.models.dep_onboarding_setting import DepOnboardingSetting
from stage import refused

# Graph's documented limit: changes of one application in 20 seconds.
CHANGES = 100


async def be_patient(stage):
    """One change too many in 20 seconds is answered 429, and the SDK retries"""

    async def change(name, configuration=None):
        await stage.setting.patch(DepOnboardingSetting(token_name=name), configuration)

    impatient = RequestConfiguration(options=[RetryHandlerOption(max_retries=0)])
    with refused(429, "TooManyRequests"):
        await asyncio.gather(*(change(f"Change {number}", impatient) for number in range(CHANGES + 1)))
    await change("The change that waited")
    assert (await stage.setting.get()).token_name == "The change that waited"
