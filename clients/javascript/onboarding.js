// A setting from its first token to its end.

import assert from "node:assert/strict";
import { connect } from "./connect.js";
import * as portal from "./portal.js";
import { SETTINGS, refused, until } from "./stage.js";

export const DEVICES = 60;
export const serial = (number) => `JS${String(number).padStart(6, "0")}`;

const count = async (stage) => Number(await stage.client.api(`${SETTINGS}/$count`).get());

export async function refuseAWrongSecret() {
  await assert.rejects(connect("wrong").api(SETTINGS).get(), (error) => error.message.includes("AADSTS7000215"));
}

export async function onboard(stage) {
  const tokenName = "JavaScript O'Brien & Söhne #1";
  const made = await stage.client.api(SETTINGS).post({ tokenName });
  stage.settingId = made.id;
  assert.deepEqual([made.tokenName, made.syncedDeviceCount], [tokenName, 0]);

  const key = await stage.setting("/getEncryptionPublicKey()").get();
  stage.server = await portal.addServer("JavaScript", key.value);
  await portal.assignDevices(stage.server, Array.from({ length: DEVICES }, (_, number) => device(number)));
  await uploadToken(stage, await portal.downloadToken(stage.server));
  assert((await stage.setting().get()).tokenExpirationDateTime > "2000");
}

export const watchSync = (stage) => synced(stage, DEVICES, 0);

export async function renew(stage) {
  const token = await portal.downloadToken(stage.server);
  await stage.setting("/syncWithAppleDeviceEnrollmentProgram").post();
  await synced(stage, DEVICES, 1);
  await portal.assignDevices(stage.server, [device(DEVICES)]);
  await uploadToken(stage, token);
  await synced(stage, DEVICES + 1, 0);
}

export async function refuseWhatIsWrong(stage) {
  const before = await stage.setting().get();
  await refused(404, "ResourceNotFound", stage.client.api(`${SETTINGS}/00000000-0000-0000-0000-000000000000`).get());
  await refused(400, "BadRequest", uploadToken(stage, "This is no server token."));

  const key = await stage.setting("/getEncryptionPublicKey()").get();
  const other = await portal.addServer("Another", key.value);
  await refused(409, "Conflict", uploadToken(stage, await portal.downloadToken(other)));
  await refused(409, "Conflict", stage.setting().delete());
  assert.deepEqual(await stage.setting().get(), before);
}

export async function remove(stage) {
  const settings = await count(stage);
  await portal.revokeToken(stage.server);
  await stage.setting("/syncWithAppleDeviceEnrollmentProgram").post({});
  await synced(stage, DEVICES + 1, 1);
  await stage.setting().delete();
  await refused(404, "ResourceNotFound", stage.setting().get());
  assert.equal(await count(stage), settings - 1);
}

const uploadToken = (stage, depToken) => stage.setting("/uploadDepToken").post({ depToken });

async function synced(stage, devices, code) {
  const holds = async () => {
    const setting = await stage.setting().select(["syncedDeviceCount", "lastSyncErrorCode"]).get();
    return setting.syncedDeviceCount === devices && setting.lastSyncErrorCode === code;
  };
  await until(holds, `${devices} devices are synced, and the last sync ended with ${code}`);
}

/** A third each of iPads, Macs and Apple TVs. */
function device(number) {
  const [model, device_family, os] = [
    ["iPad", "iPad", "iOS"],
    ["MacBook Pro", "Mac", "OSX"],
    ["Apple TV", "AppleTV", "tvOS"],
  ][number % 3];
  return { serial_number: serial(number), model, device_family, os, description: `JavaScript's ${model} ${number}` };
}
