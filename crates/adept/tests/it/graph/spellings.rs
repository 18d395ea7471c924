//! Every spelling in which clients write Graph's paths.

use reqwest::Method;

use crate::support::{
    client::send,
    test_app::{S, TestApp},
};

#[tokio::test]
async fn both_key_forms_cases_slashes_and_encodings_lead_to_the_setting() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    for path in [
        format!("/beta/{S}/{id}"),
        format!("/beta/{S}/{id}/"),
        format!("/beta/{S}('{id}')"),
        format!("/beta/{S}({id})"),
        format!("/beta/{S}(%27{id}%27)/"),
        format!("/Beta/DEVICEMANAGEMENT/deponboardingsettings/{}", id.to_uppercase()),
        format!("/beta//deviceManagement//depOnboardingSettings/{id}"),
        format!("/beta/device%4Danagement/depOnboardingSettings/{id}"),
    ] {
        assert_eq!(admin.get_json(&path).await["id"], id, "{path}");
    }
    for path in [
        format!("/beta/{S}"),
        format!("/beta/{S}/"),
        format!("/beta/{S}/?$top=100"),
        format!("/beta/{S}?%24top=5"),
    ] {
        assert_eq!(admin.get_json(&path).await["value"][0]["id"], id, "{path}");
    }
    for path in [format!("/beta/{S}/$count"), format!("/beta/{S}/%24count/")] {
        assert_eq!(admin.get(&path).await.text, "1", "{path}");
    }
}

#[tokio::test]
async fn operations_are_known_bare_qualified_and_with_parentheses() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    for name in [
        "getEncryptionPublicKey",
        "getEncryptionPublicKey()",
        "microsoft.graph.getEncryptionPublicKey",
        "microsoft.graph.getEncryptionPublicKey()",
        "graph.getEncryptionPublicKey()",
        "GETENCRYPTIONPUBLICKEY",
    ] {
        let answer = admin.get_json(&format!("/beta/{S}('{id}')/{name}")).await;
        assert_eq!(answer["@odata.context"], format!("{}/beta/$metadata#Edm.String", test.url));
        assert!(answer["value"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"), "{name}");
    }
    for name in ["shareForSchoolDataSyncService", "microsoft.graph.shareForSchoolDataSyncService"] {
        assert_eq!(admin.act(&format!("/beta/{S}/{id}/{name}")).await.status, 204, "{name}");
    }
    for argument in ["2027-01-01T00:00:00Z", "2027-01-01T00%3A00%3A00%2B02:00", "2027-01-01"] {
        let path = format!("/beta/{S}/getExpiringVppTokenCount(expiringBeforeDateTime='{argument}')");
        let answer = admin.get_json(&path).await;
        assert_eq!(answer["@odata.context"], format!("{}/beta/$metadata#Edm.Int32", test.url));
        assert_eq!(answer["value"], 0);
    }
    let path = format!("/beta/{S}/getExpiringVppTokenCount(expiringBeforeDateTime='soon')");
    admin.get(&path).await.is_refused(400, "BadRequest", "'expiringBeforeDateTime' must be a date");
}

#[tokio::test]
async fn the_first_unknown_segment_is_named() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    for (path, segment) in [
        ("/beta/users".to_owned(), "users"),
        ("/beta/deviceManagement/configurationPolicies/1".to_owned(), "1"),
        (format!("/beta/{S}/{id}/nothing/more"), "nothing"),
        (format!("/beta/{S}/$nothing"), "$nothing"),
        (format!("/v1.0/{S}"), "depOnboardingSettings"),
        (format!("/v1.0/{S}/{id}/uploadDepToken"), "depOnboardingSettings"),
    ] {
        let part = format!("Resource not found for the segment '{segment}'.");
        admin.get(&path).await.is_refused(400, "BadRequest", &part);
    }
    admin.get("/beta/deviceManagement/%ff").await.is_refused(400, "BadRequest", "percent-encoded");
}

#[tokio::test]
async fn a_known_path_names_the_methods_it_offers() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    for (method, path, offered) in [
        (Method::PUT, format!("/beta/{S}/{id}"), "GET, PATCH, DELETE"),
        (Method::DELETE, format!("/beta/{S}"), "GET, POST"),
        (Method::GET, format!("/beta/{S}/{id}/uploadDepToken"), "POST"),
        (Method::POST, "/beta/deviceManagement".to_owned(), "GET"),
    ] {
        let answer = send(admin.request(method, &path)).await;
        let sentence = "Specified HTTP method is not allowed for the request target.";
        answer.is_refused(405, "Request_BadRequest", sentence);
        assert_eq!(answer.header("allow"), offered, "{path}");
    }
}
