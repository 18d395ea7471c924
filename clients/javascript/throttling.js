// A client that sends too many requests gets 429 with a wait, and the SDK waits.

import assert from "node:assert/strict";
import { RetryHandlerOptions } from "@microsoft/microsoft-graph-client";
import { refused } from "./stage.js";

// Graph's documented limit: changes of one application in 20 seconds.
const CHANGES = 100;

export async function bePatient(stage) {
  const impatient = new RetryHandlerOptions(0, 0);
  const changes = Array.from({ length: CHANGES + 1 }, (_, number) =>
    stage
      .setting()
      .middlewareOptions([impatient])
      .patch({ tokenName: `Change ${number}` }),
  );
  const refusals = (await Promise.allSettled(changes)).filter(({ status }) => status === "rejected");
  assert(refusals.length > 0, "Every change was admitted.");
  await refused(429, "TooManyRequests", Promise.reject(refusals[0].reason));

  await stage.setting().patch({ tokenName: "The change that waited" });
  assert.equal((await stage.setting().get()).tokenName, "The change that waited");
}
