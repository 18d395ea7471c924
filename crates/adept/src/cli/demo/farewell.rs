//! The end of the demo: how it went, and the commands and credentials to go on with.

use std::fs;

use super::{
    folder::Folder,
    grouped, spoken,
    stage::{Ink, Stage},
    steps::{DemoApplication, Summary},
};
use crate::{serve::Running, storage::ClientRow};

/// Says how it went and how to go on.
pub(super) fn say(
    stage: &Stage,
    summary: &Summary,
    application: &DemoApplication,
    adept: &Running,
    simulator: &str,
    folder: &Folder,
    exit: bool,
) {
    let Summary { devices, requests, took, .. } = summary;
    stage.line("");
    stage.line(format_args!(
        "  {} {}",
        stage.ink(Ink::Green, "✓"),
        stage.ink(
            Ink::Bold,
            format_args!(
                "Every step went as it must: {requests} requests, {} devices, {}.",
                grouped(*devices),
                spoken(*took)
            )
        )
    ));
    stage.line("");
    stage.line(match exit {
        false => "  Adept and its Apple go on until Ctrl-C. In another terminal of this machine:",
        true => "  Adept and its Apple stop now. Without --exit they go on, and this is how you would:",
    });
    stage.line("");
    for line in go_on(summary, application, adept, simulator).lines() {
        let ink = if line.starts_with('#') { Ink::Dim } else { Ink::Plain };
        let indent = if line.is_empty() { "" } else { "    " };
        stage.line(format_args!("{indent}{}", stage.ink(ink, line)));
    }
    stage.line("");
    if exit && !folder.is_temporary() {
        let path = folder.path().display();
        stage.line(format_args!(
            "  The data stay in {path}; `adept demo --data-dir {path}` goes on with them."
        ));
        stage.line("");
    }
}

/// Commands for a shell, each line short enough for the stage.
fn go_on(summary: &Summary, application: &DemoApplication, adept: &Running, simulator: &str) -> String {
    let url = adept.url();
    let ca =
        adept.trust().map(|trust| fs::canonicalize(&trust.ca_file).unwrap_or_else(|_| trust.ca_file.clone()));
    let ca = ca.unwrap_or_default();
    let ca = ca.display();
    let metrics = adept.metrics_url().unwrap_or_default();
    let ClientRow { tenant, id: client, .. } = &application.row;
    let secret = application.secret.reveal();
    let Summary { setting, organization, .. } = summary;
    format!(
        r#"export ADEPT={url}
export CA='{ca}'
export TENANT={tenant}
export CLIENT={client}
export SECRET={secret}
export SETTINGS=$ADEPT/beta/deviceManagement/depOnboardingSettings
export SETTING=$SETTINGS/{setting}

# Sign in; the bearer token is good for an hour.
TOKEN=$(curl -s --cacert "$CA" $ADEPT/$TENANT/oauth2/v2.0/token \
  -d grant_type=client_credentials -d client_id=$CLIENT -d client_secret=$SECRET \
  -d scope=https://localhost/.default | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

# The setting, and the first of its devices.
curl --cacert "$CA" -H "Authorization: Bearer $TOKEN" "$SETTING"
curl --cacert "$CA" -H "Authorization: Bearer $TOKEN" \
  "$SETTING/importedAppleDeviceIdentities?\$top=3&\$count=true"

# Let Apple wait for new terms, ask for a sync, and read lastSyncErrorCode again.
curl -X PUT {simulator}/_sim/organizations/{organization}/terms -d '{{"accepted": false}}'
curl --cacert "$CA" -H "Authorization: Bearer $TOKEN" -X POST \
  "$SETTING/syncWithAppleDeviceEnrollmentProgram"

# What monitoring sees of the token.
curl -s {metrics}/metrics | grep ^adept_token
"#
    )
}
