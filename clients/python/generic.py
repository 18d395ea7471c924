"""Works with settings through a client that knows nothing of Graph: python-odata makes its classes from `$metadata`.

    ADEPT=https://localhost:8443 TENANT=… CLIENT=… SECRET=… REQUESTS_CA_BUNDLE=adept-data/tls/ca.pem python generic.py
"""

import os

import requests
from odata import ODataService
from odata.exceptions import ODataError

ADEPT = os.environ["ADEPT"]


def signed_in():
    """A session whose requests carry a bearer token."""
    answer = requests.post(
        f"{ADEPT}/{os.environ['TENANT']}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": os.environ["CLIENT"],
            "client_secret": os.environ["SECRET"],
            "scope": "https://localhost/.default",
        },
        timeout=30,
    )
    session = requests.Session()
    session.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
    return session


service = ODataService(ADEPT + "/beta/", session=signed_in(), reflect_entities=True)
Setting = service.types["microsoft.graph.depOnboardingSetting"]
Profile = service.types["microsoft.graph.depMacOSEnrollmentProfile"]
# The container has a singleton only, so the way to the set has to be said.
Setting.__odata_collection__ = "deviceManagement/depOnboardingSettings"


def types_are_read():
    known = {name for name in service.types if name.startswith("microsoft.graph.")}
    assert {"microsoft.graph.importedAppleDeviceIdentity", "microsoft.graph.platform"} <= known, known
    assert issubclass(Profile, service.types["microsoft.graph.enrollmentProfile"])


def settings_are_made():
    for name in ("Head office", "Branch's", "Lab"):
        setting = Setting()
        setting.tokenName = name
        # What is not set goes as null, which these cannot be.
        setting.dataSharingConsentGranted = False
        setting.shareTokenWithSchoolDataSyncService = False
        service.save(setting)
        assert setting.id and setting.tokenName == name


def settings_are_found():
    query = service.query(Setting)
    query = query.filter((Setting.tokenName == "Branch's") | Setting.tokenName.startswith("L"))
    names = [setting.tokenName for setting in query.order_by(Setting.tokenName.desc())]
    assert names == ["Lab", "Branch's"], names
    assert len(service.query(Setting).all()) == 3


def a_setting_is_changed():
    setting = service.query(Setting).filter(Setting.tokenName == "Lab").first()
    setting.tokenName = "Laboratory"
    service.save(setting)
    assert service.query(Setting).get(setting.id).tokenName == "Laboratory"


def functions_and_navigations_are_followed():
    setting = service.query(Setting).filter(Setting.tokenName == "Laboratory").first()
    assert setting.getEncryptionPublicKey().startswith("-----BEGIN CERTIFICATE-----")
    assert setting.syncWithAppleDeviceEnrollmentProgram() is None
    assert list(setting.enrollmentProfiles) == []


def a_refusal_is_read():
    try:
        service.query(Setting).raw({"$filter": "nothing eq 1"})
    except ODataError as refused:
        assert str(refused).startswith("HTTP 400 | BadRequest | Could not find a property named 'nothing'"), refused
    else:
        raise AssertionError("it was taken")


def a_setting_is_deleted():
    setting = service.query(Setting).filter(Setting.tokenName == "Laboratory").first()
    service.delete(setting)
    assert service.query(Setting).filter(Setting.tokenName == "Laboratory").first() is None


for part in (
    types_are_read,
    settings_are_made,
    settings_are_found,
    a_setting_is_changed,
    functions_and_navigations_are_followed,
    a_refusal_is_read,
    a_setting_is_deleted,
):
    part()
    print("ok", part.__name__.replace("_", " "))
