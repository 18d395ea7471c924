// Works with settings through Microsoft's TypeScript SDK of the Kiota kind: its adapter, its models and its batches. The SDK
// has no package with the paths of device management, so the paths are written here.
//
//     ADEPT=https://localhost:8443 TENANT=… CLIENT=… SECRET=… \
//     NODE_EXTRA_CA_CERTS=adept-data/tls/ca.pem node kiota.js

import assert from "node:assert/strict";

import { ClientSecretCredential } from "@azure/identity";
import { HttpMethod, RequestInformation } from "@microsoft/kiota-abstractions";
import { AzureIdentityAuthenticationProvider } from "@microsoft/kiota-authentication-azure";
import { createGraphBetaServiceClient, GraphBetaRequestAdapter } from "@microsoft/msgraph-beta-sdk";
import {
  createDepOnboardingSettingCollectionResponseFromDiscriminatorValue,
  createDepOnboardingSettingFromDiscriminatorValue,
  createEnrollmentProfileFromDiscriminatorValue,
  serializeDepMacOSEnrollmentProfile,
  serializeDepOnboardingSetting,
} from "@microsoft/msgraph-beta-sdk/models/index.js";
import { createODataErrorFromDiscriminatorValue } from "@microsoft/msgraph-beta-sdk/models/oDataErrors/index.js";
import { BatchRequestContent } from "@microsoft/msgraph-sdk-core";

const { ADEPT, TENANT, CLIENT, SECRET } = process.env;
const ERRORS = { _4XX: createODataErrorFromDiscriminatorValue, _5XX: createODataErrorFromDiscriminatorValue };

const credential = new ClientSecretCredential(TENANT, CLIENT, SECRET, { authorityHost: ADEPT, disableInstanceDiscovery: true });
const hosts = new Set(["localhost"]);
const provider = new AzureIdentityAuthenticationProvider(credential, ["https://localhost/.default"], undefined, hosts);
const adapter = new GraphBetaRequestAdapter(provider);
adapter.baseUrl = `${ADEPT}/beta`;
// Registers the SDK's readers and writers of JSON.
createGraphBetaServiceClient(adapter);

function request(method, path, model, serialize) {
  const information = new RequestInformation(method, `{+baseurl}/deviceManagement/depOnboardingSettings${path}`, {
    baseurl: adapter.baseUrl,
  });
  information.headers.tryAdd("Accept", "application/json");
  if (model) {
    information.setContentFromParsable(adapter, "application/json", model, serialize);
  }
  return information;
}

const send = (information, factory) => adapter.send(information, factory, ERRORS);
let setting;

async function makeASetting() {
  const model = { tokenName: "Head office" };
  const made = request(HttpMethod.POST, "", model, serializeDepOnboardingSetting);
  setting = await send(made, createDepOnboardingSettingFromDiscriminatorValue);
  assert.equal(setting.tokenName, "Head office");
  assert.equal(setting.tokenType, "dep");
}

async function changeIt() {
  // What was read goes back as it is, dates and all.
  setting.tokenName = "Main office";
  const changed = request(HttpMethod.PATCH, `/${setting.id}`, setting, serializeDepOnboardingSetting);
  setting = await send(changed, createDepOnboardingSettingFromDiscriminatorValue);
  assert.equal(setting.tokenName, "Main office");
}

async function makeAProfile() {
  const model = {
    odataType: "#microsoft.graph.depMacOSEnrollmentProfile",
    displayName: "Macs",
    supportDepartment: "",
    enabledSkipKeys: ["Siri"],
  };
  const made = request(HttpMethod.POST, `/${setting.id}/enrollmentProfiles`, model, serializeDepMacOSEnrollmentProfile);
  const profile = await send(made, createEnrollmentProfileFromDiscriminatorValue);
  assert.equal(profile.odataType, "#microsoft.graph.depMacOSEnrollmentProfile");
  assert.deepEqual([profile.supportDepartment, profile.enabledSkipKeys], ["", ["Siri"]]);
}

async function listThem() {
  const list = request(HttpMethod.GET, "?$filter=tokenName eq 'Main office'&$expand=enrollmentProfiles&$count=true");
  const page = await send(list, createDepOnboardingSettingCollectionResponseFromDiscriminatorValue);
  assert.equal(page.odataCount, 1);
  assert.equal(page.value[0].enrollmentProfiles[0].displayName, "Macs");
}

async function readARefusal() {
  const refused = send(request(HttpMethod.GET, "/nothing"), createDepOnboardingSettingFromDiscriminatorValue);
  await assert.rejects(refused, (refusal) => {
    assert.equal(refusal.responseStatusCode, 404);
    assert.equal(refusal.errorEscaped.code, "ResourceNotFound");
    assert.ok(refusal.errorEscaped.innerError.requestId);
    return true;
  });
}

async function sendABatch() {
  const batch = new BatchRequestContent(adapter, ERRORS);
  const listed = batch.addBatchRequest(request(HttpMethod.GET, "?$select=id,tokenName"));
  const counted = batch.addBatchRequest(request(HttpMethod.GET, "/$count"));
  const renamed = batch.addBatchRequest(
    request(HttpMethod.PATCH, `/${setting.id}`, { tokenName: "Office" }, serializeDepOnboardingSetting),
  );
  const absent = batch.addBatchRequest(request(HttpMethod.GET, "/nothing"));
  const answer = await batch.postAsync();
  const status = (step) => answer.getResponseById(step.id).status;
  assert.deepEqual([listed, counted, renamed, absent].map(status), [200, 200, 200, 404]);
  // This version of the SDK reads no bodies of JSON in a batch, so what was done is looked at by itself.
  const shown = await send(request(HttpMethod.GET, `/${setting.id}`), createDepOnboardingSettingFromDiscriminatorValue);
  assert.equal(shown.tokenName, "Office");
}

for (const part of [makeASetting, changeIt, makeAProfile, listThem, readARefusal, sendABatch]) {
  await part();
  console.log(`ok ${part.name}`);
}
