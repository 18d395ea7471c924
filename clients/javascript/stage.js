// What the parts of the life cycle share: the client, the setting that they work on, and how a refusal is expected.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { GraphError } from "@microsoft/microsoft-graph-client";

export const SETTINGS = "/deviceManagement/depOnboardingSettings";

export class Stage {
  profiles = {};

  constructor(client) {
    this.client = client;
  }

  /** A request to the setting, or to what is below it. */
  setting(below = "") {
    return this.client.api(`${SETTINGS}/${this.settingId}${below}`);
  }

  profile(type, below = "") {
    return this.setting(`/enrollmentProfiles/${this.profiles[type].id}${below}`);
  }
}

/** The request must fail with this status and code, and name the request id to look for in the log. */
export async function refused(status, code, asked) {
  const error = await asked.then(
    () => assert.fail(`This was not refused with ${status} ${code}.`),
    (error) => error,
  );
  assert(error instanceof GraphError, error);
  assert.deepEqual([error.statusCode, error.code], [status, code], error.message);
  assert(error.message.endsWith("."), error.message);
  assert(error.requestId && !Number.isNaN(error.date.getTime()), error.body);
  assert(JSON.parse(error.body).innerError["client-request-id"], error.body);
}

/** Repeats a request until the answer is as expected. */
export async function until(holds, what, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    assert(Date.now() < end, `After ${seconds} s still not so: ${what}.`);
    await pause(100);
  }
}
