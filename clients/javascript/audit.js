// The audit log: who changed what.

import assert from "node:assert/strict";
import { PageIterator } from "@microsoft/microsoft-graph-client";
import { CLIENT } from "./connect.js";

const EVENTS = "/deviceManagement/auditEvents";

export async function read(stage) {
  for (const version of ["beta", "v1.0"]) {
    const page = await stage.client
      .api(EVENTS)
      .version(version)
      .filter(`resources/any(resource:resource/resourceId eq '${stage.settingId}')`)
      .orderby("activityDateTime desc")
      .get();
    const events = [];
    await new PageIterator(stage.client, page, (event) => events.push(event) > 0).iterate();
    const activities = new Set(events.map((event) => event.activityType));
    for (const activity of ["create", "patch", "uploadDepToken"]) {
      assert(activities.has(`${activity} DepOnboardingSetting`), [...activities].join());
    }
    assert(events.every((event) => event.actor.applicationId === CLIENT));
    assert(!JSON.stringify(events).includes("not to be told"));

    const renamed = events.find((event) => event.activityType === "patch DepOnboardingSetting");
    const [change] = renamed.resources[0].modifiedProperties;
    assert.deepEqual([change.displayName, change.newValue], ["tokenName", "Renamed"]);
    const again = await stage.client.api(`${EVENTS}/${renamed.id}`).version(version).get();
    assert.equal(again.correlationId, renamed.correlationId);
  }
}
