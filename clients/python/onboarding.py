"""A setting from its first token to its end."""

import portal
from azure.core.exceptions import ClientAuthenticationError
from connect import connect
from msgraph_beta.generated.device_management.dep_onboarding_settings.item.upload_dep_token import (
    upload_dep_token_post_request_body as upload,
)
from msgraph_beta.generated.models.dep_onboarding_setting import DepOnboardingSetting
from stage import refused, until

DEVICES = 60


async def refuse_a_wrong_secret(stage):
    """A wrong secret is refused at the sign-in"""
    try:
        await connect(secret="wrong").device_management.dep_onboarding_settings.get()
    except ClientAuthenticationError as error:
        assert "AADSTS7000215" in error.message, error
    else:
        raise AssertionError("A wrong secret signed in.")


async def onboard(stage):
    """A setting is made, and a token for its public key is uploaded"""
    made = await stage.settings.post(DepOnboardingSetting(token_name="Python O'Brien & Söhne #1"))
    stage.setting_id = made.id
    assert (made.token_name, made.synced_device_count) == ("Python O'Brien & Söhne #1", 0)

    key = await stage.setting.get_encryption_public_key.get()
    stage.server = portal.add_server("Python", key.value)
    portal.assign_devices(stage.server, [device(number) for number in range(DEVICES)])
    await upload_token(stage)
    assert (await stage.setting.get()).token_expiration_date_time.year > 2000


async def watch_sync(stage):
    """Devices arrive without a request"""

    async def all_came():
        setting = await stage.setting.get()
        return (setting.synced_device_count, setting.last_sync_error_code) == (DEVICES, 0)

    await until(all_came, f"{DEVICES} devices are synced")


async def renew(stage):
    """A replaced token is noticed, and the next one, sealed to a new key, fixes it"""
    before = await stage.setting.get_encryption_public_key.get()
    await stage.setting.generate_encryption_public_key.post()
    key = await stage.setting.get_encryption_public_key.get()
    assert key.value != before.value
    portal.replace_certificate(stage.server, key.value)
    token = portal.download_token(stage.server)
    await stage.setting.sync_with_apple_device_enrollment_program.post()

    async def noticed():
        return (await stage.setting.get()).last_sync_error_code == 1

    await until(noticed, "the sync says that the token was replaced")
    portal.assign_devices(stage.server, [device(DEVICES)])
    await upload_token(stage, token)

    async def fixed():
        setting = await stage.setting.get()
        return (setting.synced_device_count, setting.last_sync_error_code) == (DEVICES + 1, 0)

    await until(fixed, "the sync goes on with the new token")


async def refuse_what_is_wrong(stage):
    """Wrong requests are refused as Graph does, and change nothing"""
    before = await stage.setting.get()
    with refused(404, "ResourceNotFound"):
        await stage.settings.by_dep_onboarding_setting_id("00000000-0000-0000-0000-000000000000").get()
    with refused(400, "BadRequest"):
        await upload_token(stage, "This is no server token.")

    key = await stage.setting.get_encryption_public_key.get()
    other = portal.add_server("Another", key.value)
    with refused(409, "Conflict"):
        await upload_token(stage, portal.download_token(other))
    with refused(409, "Conflict"):
        await stage.setting.delete()
    after = await stage.setting.get()
    assert after.last_modified_date_time == before.last_modified_date_time


async def delete(stage):
    """A setting whose token Apple no longer accepts can be deleted"""
    settings = await stage.settings.count.get()
    portal.revoke_token(stage.server)
    await stage.setting.sync_with_apple_device_enrollment_program.post()

    async def noticed():
        return (await stage.setting.get()).last_sync_error_code == 1

    await until(noticed, "the sync says that the token was revoked")
    await stage.setting.delete()
    with refused(404, "ResourceNotFound"):
        await stage.setting.get()
    assert await stage.settings.count.get() == settings - 1


async def upload_token(stage, token=None):
    token = token or portal.download_token(stage.server)
    await stage.setting.upload_dep_token.post(upload.UploadDepTokenPostRequestBody(dep_token=token))


def device(number):
    """A third each of iPads, Macs and Apple TVs."""
    model, family, system = [("iPad", "iPad", "iOS"), ("MacBook Pro", "Mac", "OSX"), ("Apple TV", "AppleTV", "tvOS")][
        number % 3
    ]
    return {
        "serial_number": f"PY{number:06}",
        "model": model,
        "device_family": family,
        "os": system,
        "description": f"Python's {model} {number}",
    }
