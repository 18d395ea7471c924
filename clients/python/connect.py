"""Signs in to Adept and makes Microsoft's client for it. Everything that differs from Microsoft's own service is here.

The certificate of Adept's local authority is trusted through two variables: SSL_CERT_FILE for the calls and
REQUESTS_CA_BUNDLE for the sign-in.
"""

import os

from azure.identity import ClientSecretCredential
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph_beta import GraphRequestAdapter, GraphServiceClient

ADEPT = os.environ["ADEPT"]


def connect(secret=os.environ["SECRET"]):
    """A client of Graph at Adept. It signs in with its first call."""
    credential = ClientSecretCredential(
        tenant_id=os.environ["TENANT"],
        client_id=os.environ["CLIENT"],
        client_secret=secret,
        authority=ADEPT,
        disable_instance_discovery=True,
    )
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=["https://localhost/.default"], allowed_hosts=["localhost"]
    )
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = ADEPT + "/beta"
    client = GraphServiceClient(request_adapter=adapter)
    client.path_parameters["baseurl"] = adapter.base_url
    return client
