//! Tenants do not see one another: no answer to any request, in any spelling, holds data of another tenant.

mod writes;

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, send},
    test_app::{S, TestApp, WRITE},
};

/// The number of requests.
const TRIES: usize = 1500;

/// One tenant and its data.
struct Tenant {
    client: Client,
    id: String,
    setting: String,
    profile: String,
    device: String,
    event: String,
    /// What no other tenant may see: ids and names.
    marks: Vec<String>,
}

async fn tenant(test: &TestApp, id: adept::domain::TenantId, mark: &str) -> Tenant {
    let client = test.client(id, &[WRITE, "DeviceManagementApps.Read.All"]).await;
    let setting = test.onboarded(&client, 2).await;
    let path = format!("/beta/{S}/{setting}");
    client.patch(&path, &json!({ "tokenName": format!("token of {mark}") })).await;
    let body = json!({ "@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": format!("profile of {mark}") });
    let profile = client.post(&format!("{path}/enrollmentProfiles"), &body).await.json();
    let profile = profile["id"].as_str().unwrap().to_owned();
    client.act(&format!("{path}/enrollmentProfiles/{profile}/setDefaultProfile")).await;
    let devices = client.get_json(&format!("{path}/importedAppleDeviceIdentities")).await;
    let events = client.get_json("/beta/deviceManagement/auditEvents").await;
    let ids = |page: &Value, name: &str| -> Vec<String> {
        page["value"].as_array().unwrap().iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
    };
    let mut marks = vec![id.to_string(), setting.clone(), profile.clone(), mark.to_owned()];
    marks.extend(ids(&devices, "serialNumber"));
    marks.extend(ids(&devices, "id"));
    marks.extend(ids(&events, "id"));
    let (device, event) = (ids(&devices, "id").remove(0), ids(&events, "id").remove(0));
    Tenant { client, id: id.to_string(), setting, profile, device, event, marks }
}

/// Paths with the ids of either tenant; operations, filters, expansions, links.
fn requests() -> impl Strategy<Value = (usize, usize, &'static str, &'static str, bool, bool)> {
    let paths = [
        "",
        "/$count",
        "/{setting}",
        "('{setting}')",
        "/{tenant}",
        "/{setting}/getEncryptionPublicKey()",
        "/{setting}/uploadDepToken",
        "/{setting}/generateEncryptionPublicKey",
        "/{setting}/syncWithAppleDeviceEnrollmentProgram",
        "/{setting}/shareForSchoolDataSyncService",
        "/{setting}/releaseAppleDevices",
        "/{setting}/importedAppleDeviceIdentities",
        "/{setting}/importedAppleDeviceIdentities/$count",
        "/{setting}/importedAppleDeviceIdentities/{device}",
        "/{own}/importedAppleDeviceIdentities/{device}",
        "/{setting}/importedAppleDeviceIdentities/importAppleDeviceIdentityList",
        "/{setting}/enrollmentProfiles",
        "/{setting}/enrollmentProfiles/microsoft.graph.depIOSEnrollmentProfile",
        "/{setting}/enrollmentProfiles/{profile}",
        "/{own}/enrollmentProfiles/{profile}",
        "/{own}/enrollmentProfiles/{profile}/setDefaultProfile",
        "/{setting}/enrollmentProfiles/{profile}/exportMobileConfig()",
        "/{setting}/enrollmentProfiles/{profile}/updateDeviceProfileAssignment",
        "/{setting}/defaultIosEnrollmentProfile",
        "/{own}/defaultIosEnrollmentProfile/$ref",
        "/..",
        "/{own}/importedAppleDeviceIdentities",
        "/{own}/enrollmentProfiles",
        "/../auditEvents",
        "/../auditEvents/$count",
        "/../auditEvents/{event}",
        "/../auditEvents/getAuditActivityTypes(category='Enrollment')",
    ];
    let queries = [
        "",
        "",
        "$count=true&$top=1",
        "$filter=id%20ne%20'x'&$count=true",
        "$filter=id%20eq%20'{setting}'",
        "$filter=contains(tokenName,'token')",
        "$filter=resources/any(r:r/resourceId%20eq%20'{setting}')&$count=true",
        "$orderby=id%20desc",
        "$expand=importedAppleDeviceIdentities,enrollmentProfiles,defaultIosEnrollmentProfile",
        "$expand=depOnboardingSettings($expand=importedAppleDeviceIdentities,enrollmentProfiles),auditEvents",
    ];
    (
        0..2_usize,
        0..5_usize,
        proptest::sample::select(Vec::from(paths)),
        proptest::sample::select(Vec::from(queries)),
        any::<bool>(),
        any::<bool>(),
    )
}

#[tokio::test]
async fn no_answer_holds_data_of_another_tenant() {
    let test = TestApp::start().await;
    let first = tenant(&test, test.storage.default_tenant(), "the first tenant").await;
    let second = tenant(&test, test.other_tenant().await, "the second tenant").await;
    let tenants = [first, second];
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let methods = [Method::GET, Method::GET, Method::POST, Method::PATCH, Method::DELETE];
    let before = shown(&tenants[1]).await;
    let (mut statuses, mut followed) = (BTreeMap::new(), 0);
    for _ in 0..TRIES {
        let (who, method, path, query, full, batched) = requests().new_tree(&mut runner).unwrap().current();
        // The first tenant attacks with writes too; its writes to its own data do not matter here.
        let method = if who == 0 { methods[method].clone() } else { Method::GET };
        let (caller, other) = (&tenants[who], &tenants[1 - who]);
        let foreign = |text: &str| {
            text.replace("{setting}", &other.setting)
                .replace("{own}", &caller.setting)
                .replace("{tenant}", &other.id)
                .replace("{profile}", &other.profile)
                .replace("{device}", &other.device)
                .replace("{event}", &other.event)
        };
        let path = format!("/beta/{S}{}", foreign(path)).replace("/depOnboardingSettings/..", "");
        // Writes of the first tenant to its own data would delete it; only another's data is written to.
        if method != Method::GET && !path.contains(&other.setting) && !path.contains(&other.profile) {
            continue;
        }
        let url = format!("{path}?{}", foreign(query));
        let body =
            json!({ "tokenName": "stolen", "displayName": "stolen", "deviceIds": [], "depToken": "x" });
        let mut answer = if batched {
            let item = json!({
                "id": 1, "method": method.as_str(), "url": url,
                "headers": if full { json!({ "Prefer": "odata.maxpagesize=1" }) } else { json!({}) },
                "body": if method == Method::GET { Value::Null } else { body },
            });
            let answer = caller.client.post("/beta/$batch", &json!({ "requests": [item] })).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer
        } else {
            let request = caller.client.request(method.clone(), &url);
            let request = match full {
                true => request
                    .header("accept", "application/json;odata.metadata=full")
                    .header("prefer", "odata.maxpagesize=1"),
                false => request,
            };
            send(if method == Method::GET { request } else { request.json(&body) }).await
        };
        let status = match batched {
            true => answer.json()["responses"][0]["status"].as_u64().unwrap(),
            false => answer.status.into(),
        };
        *statuses.entry(status).or_insert(0) += 1;
        loop {
            for mark in &other.marks {
                // The caller's own text may be repeated: a link, a context, a message.
                let seen = answer.text.replace(&url, "").replace(&path, "");
                let own_words = url.contains(mark.as_str());
                assert!(
                    own_words || !seen.contains(mark.as_str()),
                    "{method} {url} shows {mark}: {}",
                    answer.text
                );
            }
            assert!(
                !answer.text.contains(&format!("of {}", other.marks[3])),
                "{method} {url}: {}",
                answer.text
            );
            if url.contains(&format!("/{}", other.setting)) || url.contains(&format!("('{}')", other.setting))
            {
                assert!([400, 404, 405].contains(&status), "{method} {url}: {}", answer.text);
            }
            let json: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            let page = if json["responses"].is_array() { &json["responses"][0]["body"] } else { &json };
            match page["@odata.nextLink"].as_str() {
                Some(link) => {
                    // Another tenant's link shows the caller's own data only.
                    let stolen = other.client.get(link).await;
                    for mark in &caller.marks {
                        let own_words = link.contains(mark.as_str());
                        assert!(own_words || !stolen.text.contains(mark.as_str()), "{link}: {}", stolen.text);
                    }
                    followed += 1;
                    answer = send(
                        caller.client.request(Method::GET, link).header("prefer", "odata.maxpagesize=1"),
                    )
                    .await;
                }
                None => break,
            }
        }
    }
    assert!(statuses[&200] > 100 && statuses[&404] > 100, "both were tried: {statuses:?}");
    assert!(followed > 10, "{followed} links were followed");
    assert_eq!(shown(&tenants[1]).await, before, "nothing of the second tenant was changed");
}

/// All data of a tenant.
async fn shown(tenant: &Tenant) -> Vec<String> {
    let path = format!("/beta/{S}/{}", tenant.setting);
    let mut all = Vec::new();
    for path in [
        format!(
            "{path}?$expand=importedAppleDeviceIdentities,enrollmentProfiles,defaultIosEnrollmentProfile"
        ),
        format!("{path}/getEncryptionPublicKey"),
        "/beta/deviceManagement/auditEvents".to_owned(),
        format!("/beta/{S}/$count"),
    ] {
        all.push(tenant.client.get(&path).await.text);
    }
    all
}
