// Signs in to Adept and makes Microsoft's client for it. Everything that differs from Microsoft's own service is here.
// Node trusts the certificate of Adept's local authority through NODE_EXTRA_CA_CERTS.

import { ClientSecretCredential } from "@azure/identity";
import { Client } from "@microsoft/microsoft-graph-client";
import { TokenCredentialAuthenticationProvider } from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";

export const { ADEPT, SIM, TENANT, CLIENT, SECRET } = process.env;

/** A client of Graph at Adept. It signs in with its first call. */
export function connect(secret = SECRET) {
  const credential = new ClientSecretCredential(TENANT, CLIENT, secret, {
    authorityHost: ADEPT,
    disableInstanceDiscovery: true,
  });
  return Client.initWithMiddleware({
    authProvider: new TokenCredentialAuthenticationProvider(credential, { scopes: ["https://localhost/.default"] }),
    baseUrl: `${ADEPT}/`,
    defaultVersion: "beta",
    customHosts: new Set(["localhost"]),
  });
}
