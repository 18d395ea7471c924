// Apple's portal, as the simulator provides it: servers, their certificates, devices and tokens.

import assert from "node:assert/strict";
import { SIM } from "./connect.js";

async function ask(method, path, body) {
  const answer = await fetch(SIM + path, { method, body });
  const text = await answer.text();
  assert(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text;
}

/** Adds a device management service with its public key; its id. */
export async function addServer(name, certificate) {
  const server = JSON.parse(await ask("POST", "/servers", JSON.stringify({ name }))).server_uuid;
  await ask("PUT", `/servers/${server}/certificate`, certificate);
  return server;
}

/** Assigns devices of the organization to a server. */
export const assignDevices = (server, devices) =>
  ask("POST", `/servers/${server}/devices`, JSON.stringify({ devices }));

/** The text of a new server token. The one before is invalid from now on. */
export const downloadToken = (server) => ask("POST", `/servers/${server}/token`);

/** Revokes the server's token without a new one. */
export const revokeToken = (server) => ask("POST", `/servers/${server}/revoke`);
