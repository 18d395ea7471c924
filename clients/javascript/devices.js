// The devices of syncs and manual imports: found, counted, read page by page.

import assert from "node:assert/strict";
import { PageIterator } from "@microsoft/microsoft-graph-client";
import { DEVICES, serial } from "./onboarding.js";
import { SETTINGS, refused } from "./stage.js";

const LIST = "/importedAppleDeviceIdentities";

export async function find(stage) {
  const page = await stage
    .setting(LIST)
    .filter("platform eq 'macOS' and startswith(serialNumber,'JS0000')")
    .select(["id", "serialNumber", "platform"])
    .orderby("serialNumber desc")
    .top(5)
    .count(true)
    .get();
  assert.equal(page["@odata.count"], DEVICES / 3);
  assert.deepEqual(
    page.value.map((device) => device.serialNumber),
    [58, 55, 52, 49, 46].map(serial),
  );
  assert.deepEqual(Object.keys(page.value[0]).sort(), ["id", "platform", "serialNumber"]);
  assert.equal(Number(await stage.setting(`${LIST}/$count`).get()), DEVICES);

  const device = await stage.setting(`${LIST}/${page.value[0].id}`).get();
  assert.equal(device.description, "JavaScript's MacBook Pro 58");
  assert.equal(device.discoverySource, "deviceEnrollmentProgram");
  await refused(400, "BadRequest", stage.setting(LIST).filter("nothing eq 1").get());
}

export async function pageThrough(stage) {
  const headers = { Prefer: "odata.maxpagesize=7" };
  const first = await stage.setting(LIST).headers(headers).orderby("serialNumber").select("serialNumber").get();
  assert.equal(first.value.length, 7);

  const serials = [];
  const take = (device) => serials.push(device.serialNumber) > 0;
  const pages = new PageIterator(stage.client, first, take, { headers });
  await pages.iterate();
  assert(pages.isComplete());
  assert.deepEqual(serials, Array.from({ length: DEVICES }, (_, number) => serial(number)));
}

export async function importByHand(stage) {
  const { value: results } = await stage.setting(`${LIST}/importAppleDeviceIdentityList`).post({
    importedAppleDeviceIdentities: [
      { serialNumber: "HANDJS1", description: "By hand – Küche", platform: "ios" },
      { serialNumber: serial(1) },
    ],
    overwriteImportedDeviceIdentities: false,
  });
  assert.deepEqual(
    results.map((result) => [result.serialNumber, result.status]),
    [
      ["HANDJS1", true],
      [serial(1), false],
    ],
  );
  assert.deepEqual([results[0].discoverySource, results[0].description], ["adminImport", "By hand – Küche"]);

  const one = () => stage.setting(`${LIST}/${results[0].id}`);
  const changed = await one().patch({ description: "Changed by hand" });
  assert.equal(changed.description, "Changed by hand");
  await one().delete();
  await refused(404, "ResourceNotFound", one().get());
}

export async function expand(stage) {
  const shown = await stage
    .setting()
    .expand(["enrollmentProfiles", "importedAppleDeviceIdentities($select=serialNumber;$top=3)"])
    .get();
  assert.equal(shown.importedAppleDeviceIdentities.length, 3);
  const ids = (profiles) => profiles.map((profile) => profile.id).sort();
  assert.deepEqual(ids(shown.enrollmentProfiles), ids(Object.values(stage.profiles)));

  const name = encodeURIComponent("JavaScript O''Brien & Söhne #1");
  const page = await stage.client
    .api(SETTINGS)
    .filter(`tokenName eq '${name}'`)
    .expand("defaultIosEnrollmentProfile")
    .get();
  assert.deepEqual(
    page.value.map((setting) => [setting.id, setting.defaultIosEnrollmentProfile.displayName]),
    [[stage.settingId, "iPads of the class"]],
  );
}
