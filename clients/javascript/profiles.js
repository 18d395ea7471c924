// Enrollment profiles of every type: made, read back typed, changed, defaults, assignment, export.

import assert from "node:assert/strict";
import { ADEPT } from "./connect.js";
import { serial } from "./onboarding.js";
import { SETTINGS, refused } from "./stage.js";

const PROFILES = "/enrollmentProfiles";
const DEFAULTS = {
  depIOSEnrollmentProfile: "/defaultIosEnrollmentProfile",
  depMacOSEnrollmentProfile: "/defaultMacOsEnrollmentProfile",
  depTvOSEnrollmentProfile: "/defaultTvOSEnrollmentProfile",
  depVisionOSEnrollmentProfile: "/defaultVisionOSEnrollmentProfile",
};

export async function make(stage) {
  const wanted = {
    enrollmentProfile: { displayName: "Plain", description: "by Apple Configurator" },
    depEnrollmentProfile: { displayName: "Old", supportDepartment: "IT" },
    depIOSEnrollmentProfile: {
      displayName: "iPads",
      supervisedModeEnabled: true,
      profileRemovalDisabled: true,
      iTunesPairingMode: "disallow",
      enabledSkipKeys: ["Siri", "Location"],
    },
    depMacOSEnrollmentProfile: {
      displayName: "Macs",
      adminAccountUserName: "admin",
      adminAccountPassword: "not to be told",
    },
    depTvOSEnrollmentProfile: { displayName: "Apple TVs" },
    depVisionOSEnrollmentProfile: { displayName: "Vision Pros" },
  };
  for (const [type, profile] of Object.entries(wanted)) {
    const made = await stage.setting(PROFILES).post({ "@odata.type": `#microsoft.graph.${type}`, ...profile });
    assert.deepEqual([typeOf(made), made.displayName], [type, profile.displayName]);
    stage.profiles[type] = made;
  }

  const page = await stage.setting(PROFILES).get();
  assert.deepEqual(page.value.map(typeOf).sort(), Object.keys(wanted).sort());
  assert.equal(Number(await stage.setting(`${PROFILES}/$count`).get()), Object.keys(wanted).length);
  const iPads = await stage.profile("depIOSEnrollmentProfile").get();
  assert.deepEqual([iPads.iTunesPairingMode, iPads.siriDisabled, iPads.zoomDisabled], ["disallow", true, false]);
  const macs = await stage.profile("depMacOSEnrollmentProfile").get();
  assert.deepEqual([macs.adminAccountUserName, macs.adminAccountPassword], ["admin", null]);
  const narrowed = await stage.setting(`${PROFILES}/microsoft.graph.depTvOSEnrollmentProfile`).get();
  assert.deepEqual(
    narrowed.value.map((profile) => profile.displayName),
    ["Apple TVs"],
  );
}

export async function change(stage) {
  const type = "depIOSEnrollmentProfile";
  await stage.profile(type).patch({
    "@odata.type": `#microsoft.graph.${type}`,
    displayName: "iPads of the class",
    supportDepartment: "School IT",
  });
  const changed = await stage.profile(type).get();
  assert.deepEqual([changed.displayName, changed.supportDepartment], ["iPads of the class", "School IT"]);
  assert.deepEqual([typeOf(changed), changed.supervisedModeEnabled], [type, true]);
  const asMac = { "@odata.type": "#microsoft.graph.depMacOSEnrollmentProfile", displayName: "a Mac now" };
  await refused(400, "BadRequest", stage.profile(type).patch(asMac));
}

export async function chooseDefaults(stage) {
  for (const [type, navigation] of Object.entries(DEFAULTS)) {
    await refused(404, "ResourceNotFound", stage.setting(navigation).get());
    await stage.profile(type, "/setDefaultProfile").post();
    const shown = await stage.setting(navigation).get();
    assert.deepEqual([typeOf(shown), shown.id], [type, stage.profiles[type].id]);
  }

  const type = "depTvOSEnrollmentProfile";
  await refused(409, "Conflict", stage.profile(type).delete());
  const reference = () => stage.setting(`${DEFAULTS[type]}/$ref`);
  const shown = (await reference().get())["@odata.id"];
  await reference().delete();
  await refused(404, "ResourceNotFound", stage.setting(DEFAULTS[type]).get());
  const url = `${ADEPT}/beta${SETTINGS}/${stage.settingId}${PROFILES}/${stage.profiles[type].id}`;
  await reference().put({ "@odata.id": url });
  assert.equal((await reference().get())["@odata.id"], shown);
  assert.equal((await stage.setting(DEFAULTS[type]).get()).displayName, "Apple TVs");
}

export async function assign(stage) {
  const type = "depIOSEnrollmentProfile";
  const assignment = (deviceIds) => stage.profile(type, "/updateDeviceProfileAssignment").post({ deviceIds });
  await refused(400, "BadRequest", assignment([serial(0), "NOT-OURS"]));
  await assignment([serial(0), serial(3)]);
  const wanting = await stage
    .setting("/importedAppleDeviceIdentities")
    .filter(`requestedEnrollmentProfileId eq '${stage.profiles[type].id}'`)
    .orderby("serialNumber")
    .get();
  assert.deepEqual(
    wanting.value.map((device) => device.serialNumber),
    [serial(0), serial(3)],
  );
}

export async function exportForHand(stage) {
  const exported = await stage.profile("enrollmentProfile", "/exportMobileConfig()").get();
  assert.match(exported.value, /^<\?xml[^]*<plist[^]*PayloadType[^]*<\/plist>\s*$/);
}

export async function remove(stage) {
  const type = "depEnrollmentProfile";
  await stage.profile(type).delete();
  await refused(404, "ResourceNotFound", stage.profile(type).get());
  delete stage.profiles[type];
}

/** The type that an answer names; Graph leaves out the one that the list is of. */
const typeOf = (profile) => (profile["@odata.type"] ?? "#microsoft.graph.enrollmentProfile").split(".").at(-1);
