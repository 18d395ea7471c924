// Several requests in one, by the SDK's batch content.

import assert from "node:assert/strict";
import { BatchRequestContent, BatchResponseContent } from "@microsoft/microsoft-graph-client";
import { ADEPT } from "./connect.js";
import { DEVICES } from "./onboarding.js";
import { SETTINGS } from "./stage.js";

export async function send(stage) {
  const setting = `${ADEPT}/beta${SETTINGS}/${stage.settingId}`;
  const unknown = `${ADEPT}/beta${SETTINGS}/00000000-0000-0000-0000-000000000000`;
  const rename = {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ tokenName: "Renamed" }),
  };
  // The SDK takes batches in which each request waits for the one before.
  const content = new BatchRequestContent([
    { id: "rename", request: new Request(setting, rename) },
    { id: "read", request: new Request(setting), dependsOn: ["rename"] },
    { id: "devices", request: new Request(`${setting}/importedAppleDeviceIdentities`), dependsOn: ["read"] },
    { id: "unknown", request: new Request(unknown), dependsOn: ["devices"] },
    { id: "too late", request: new Request(setting, { method: "DELETE" }), dependsOn: ["unknown"] },
  ]);
  const answers = new BatchResponseContent(await stage.client.api("/$batch").post(await content.getContent()));
  assert.deepEqual(
    [...answers.getResponses()].map(([id, answer]) => [id, answer.status]),
    [
      ["rename", 200],
      ["read", 200],
      ["devices", 200],
      ["unknown", 404],
      ["too late", 424],
    ],
  );
  assert.equal((await answers.getResponseById("read").json()).tokenName, "Renamed");
  assert.equal((await answers.getResponseById("devices").json()).value.length, DEVICES + 1);
  assert.equal((await answers.getResponseById("unknown").json()).error.code, "ResourceNotFound");
}
