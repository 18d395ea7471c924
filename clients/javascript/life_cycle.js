// Runs the whole life of a setting with Microsoft's JavaScript SDK against Adept and its simulator of Apple.
//
//     ADEPT=https://localhost:8443 SIM=http://127.0.0.1:8080/_sim TENANT=… CLIENT=… SECRET=… \
//     NODE_EXTRA_CA_CERTS=adept-data/tls/ca.pem node life_cycle.js
//
// Adept must have been started with `--throttle graph`.

import * as audit from "./audit.js";
import * as batches from "./batches.js";
import { connect } from "./connect.js";
import * as devices from "./devices.js";
import * as onboarding from "./onboarding.js";
import * as profiles from "./profiles.js";
import { Stage } from "./stage.js";
import * as throttling from "./throttling.js";

const PARTS = [
  ["A wrong secret is refused at the sign-in", onboarding.refuseAWrongSecret],
  ["A setting is made, and a token for its public key is uploaded", onboarding.onboard],
  ["Devices arrive without a request", onboarding.watchSync],
  ["Devices are filtered, selected, ordered and counted", devices.find],
  ["The SDK's page iterator reads every page", devices.pageThrough],
  ["Devices are imported manually; each is accepted or refused", devices.importByHand],
  ["A profile of every type is made and read back as what it is", profiles.make],
  ["A profile is changed in what is named, and keeps its type", profiles.change],
  ["Each platform has its default, set by action or by reference", profiles.chooseDefaults],
  ["A profile is wanted for devices by serial number, all or none", profiles.assign],
  ["A profile is exported for devices that enroll manually", profiles.exportForHand],
  ["An unused profile is deleted", profiles.remove],
  ["A setting is shown with its devices and its profiles", devices.expand],
  ["A replaced token is noticed, and the next one fixes it", onboarding.renew],
  ["Wrong requests are refused as Graph does, and change nothing", onboarding.refuseWhatIsWrong],
  ["A batch is answered item by item, in the order that it asks for", batches.send],
  ["Every change is in the audit log, and no secret is", audit.read],
  ["One change too many in 20 seconds is answered 429, and the SDK retries", throttling.bePatient],
  ["A setting whose token Apple no longer accepts can be deleted", onboarding.remove],
];

const stage = new Stage(connect());
for (const [holds, part] of PARTS) {
  const started = Date.now();
  await part(stage);
  console.log(`ok ${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${holds}`);
}
