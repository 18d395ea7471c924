//! From the `Authorization` header to a caller, or a refusal that names its reason.

use adept::{
    auth::Denied,
    domain::{Caller, CallerKind, Permission, TenantId},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Issuer;

impl Issuer {
    async fn caller(&self, token: &str) -> Result<Caller, Denied> {
        self.auth.caller(Some(&format!("Bearer {token}")), self.clock.now()).await
    }

    /// The answer to a token whose claims differ from the issuer's own by `changes`.
    async fn with(&self, changes: Value) -> Result<Caller, Denied> {
        let token = self.signer.sign(&self.signer.claims(self.tenant, self.client, &changes));
        self.caller(&token).await
    }

    fn seconds(&self, from_now: i64) -> i64 {
        self.clock.now().as_second() + from_now
    }
}

#[tokio::test]
async fn an_applications_token_becomes_a_caller_with_its_roles() {
    let issuer = Issuer::start().await;
    let caller = issuer.with(json!({ "roles": ["DeviceManagementServiceConfig.Read.All"] })).await.unwrap();
    let permissions = [Permission::ServiceConfigRead].into_iter().collect();
    assert_eq!(
        caller,
        Caller {
            tenant: issuer.tenant,
            kind: CallerKind::Application,
            client: Some(issuer.client),
            client_name: Some("Test".to_owned()),
            permissions,
            address: None,
        }
    );
}

#[tokio::test]
async fn in_a_persons_token_scp_decides_over_roles() {
    let issuer = Issuer::start().await;
    let caller = issuer
        .with(json!({
            "scp": "User.Read devicemanagementapps.read.all",
            "roles": ["DeviceManagementServiceConfig.ReadWrite.All"],
            "oid": "d3a1", "upn": "admin@example.org", "idtyp": "user",
        }))
        .await
        .unwrap();
    assert_eq!(caller.permissions, [Permission::AppsRead].into_iter().collect());
    let person =
        CallerKind::User { user_id: "d3a1".to_owned(), principal_name: Some("admin@example.org".to_owned()) };
    assert_eq!(caller.kind, person);
    let nothing =
        issuer.with(json!({ "scp": "", "roles": ["DeviceManagementApps.Read.All"] })).await.unwrap();
    assert_eq!(nothing.permissions.iter().count(), 0);
}

#[tokio::test]
async fn every_accepted_form_of_the_audience_is_accepted_and_no_other() {
    let issuer = Issuer::start().await;
    for aud in [
        json!("https://localhost:8443"),
        json!("https://localhost"),
        json!("https://localhost/"),
        json!("https://graph.microsoft.com"),
        json!("00000003-0000-0000-c000-000000000000"),
        json!(["https://other.example.org", "https://localhost"]),
    ] {
        assert!(issuer.with(json!({ "aud": aud })).await.is_ok(), "{aud}");
    }
    for aud in
        [json!(null), json!("https://example.org"), json!("http://localhost"), json!("localhost"), json!([])]
    {
        assert_eq!(issuer.with(json!({ "aud": aud })).await, Err(Denied::WrongAudience), "{aud}");
    }
}

#[tokio::test]
async fn times_are_checked_with_five_minutes_of_tolerance() {
    let issuer = Issuer::start().await;
    assert!(issuer.with(json!({ "exp": issuer.seconds(-299) })).await.is_ok());
    assert_eq!(issuer.with(json!({ "exp": issuer.seconds(-300) })).await, Err(Denied::Expired));
    assert_eq!(issuer.with(json!({ "exp": i64::MIN })).await, Err(Denied::Expired));
    assert!(issuer.with(json!({ "exp": i64::MAX })).await.is_ok());
    assert!(issuer.with(json!({ "nbf": issuer.seconds(300) })).await.is_ok());
    assert_eq!(issuer.with(json!({ "nbf": issuer.seconds(301) })).await, Err(Denied::NotYetValid));
    assert_eq!(issuer.with(json!({ "nbf": i64::MAX })).await, Err(Denied::NotYetValid));
    assert!(issuer.with(json!({ "nbf": null })).await.is_ok());
    assert_eq!(issuer.with(json!({ "exp": null })).await, Err(Denied::Malformed));
}

#[tokio::test]
async fn another_issuer_is_refused() {
    let issuer = Issuer::start().await;
    let other = super::public_url().issuer(TenantId(uuid::Uuid::from_u128(1)));
    for iss in
        [json!(null), json!(other), json!("https://sts.windows.net/1/"), json!("https://localhost:8443")]
    {
        assert_eq!(issuer.with(json!({ "iss": iss })).await, Err(Denied::WrongIssuer), "{iss}");
    }
}

#[tokio::test]
async fn only_this_issuers_own_signature_counts() {
    let issuer = Issuer::start().await;
    let claims = issuer.signer.claims(issuer.tenant, issuer.client, &json!({}));
    assert_eq!(issuer.caller(&issuer.signer.forge(&claims)).await, Err(Denied::BadSignature));

    let good = issuer.signer.sign(&claims);
    let [_, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let kid = issuer.auth.public_key().await.unwrap()["kid"].clone();
    let header = |header: Value| URL_SAFE_NO_PAD.encode(header.to_string());
    let with_header = |value: Value| format!("{}.{body}.{signature}", header(value));
    for (value, denied) in [
        (json!({ "alg": "RS256", "kid": "another" }), Denied::BadSignature),
        (json!({ "alg": "RS256" }), Denied::BadSignature),
        (json!({ "alg": "HS256", "kid": kid }), Denied::BadSignature),
        (json!({ "alg": "RS512", "kid": kid }), Denied::BadSignature),
        (json!({ "alg": "none", "kid": kid }), Denied::Malformed),
        (json!({ "kid": kid }), Denied::Malformed),
        // The signature is over another header.
        (json!({ "alg": "RS256", "kid": kid, "typ": "at+jwt" }), Denied::BadSignature),
    ] {
        assert_eq!(issuer.caller(&with_header(value.clone())).await, Err(denied), "{value}");
    }
    assert_eq!(
        issuer.caller(&format!("{}.{body}.", good.split('.').next().unwrap())).await,
        Err(Denied::BadSignature)
    );
}

#[tokio::test]
async fn a_header_that_is_no_bearer_token_is_told_apart_from_none() {
    let issuer = Issuer::start().await;
    let token = issuer.signer.sign(&issuer.signer.claims(issuer.tenant, issuer.client, &json!({})));
    let now = issuer.clock.now();
    for header in [None, Some(""), Some("  ")] {
        assert_eq!(issuer.auth.caller(header, now).await, Err(Denied::Missing));
    }
    let long = format!("Bearer {}", "a".repeat(17 * 1024));
    for header in
        ["Bearer", "Basic YTpi", "Bearer a", "Bearer a.b.c", &token, &long, "Bearer eyJ9.eyJ9.", "Bearer ..."]
    {
        assert_eq!(issuer.auth.caller(Some(header), now).await, Err(Denied::Malformed), "{header}");
    }
    for header in [format!("bearer {token}"), format!("BEARER   {token} ")] {
        assert!(issuer.auth.caller(Some(&header), now).await.is_ok());
    }
}

#[tokio::test]
async fn a_personal_account_is_refused_as_such_before_its_tenant_is_looked_up() {
    let issuer = Issuer::start().await;
    let personal = TenantId::PERSONAL_ACCOUNTS;
    let token = issuer.signer.sign(&issuer.signer.claims(personal, issuer.client, &json!({})));
    assert_eq!(issuer.caller(&token).await, Err(Denied::PersonalAccount));
    let microsoft =
        json!({ "iss": "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0" });
    let token = issuer.signer.sign(&issuer.signer.claims(personal, issuer.client, &microsoft));
    assert_eq!(issuer.caller(&token).await, Err(Denied::PersonalAccount));
}

#[tokio::test]
async fn tenant_and_client_must_exist_together_and_be_enabled() {
    let issuer = Issuer::start().await;
    let unknown = TenantId(uuid::Uuid::from_u128(7));
    let token = issuer.signer.sign(&issuer.signer.claims(unknown, issuer.client, &json!({})));
    assert_eq!(issuer.caller(&token).await, Err(Denied::UnknownTenant));

    let other = TenantId(uuid::Uuid::from_u128(8));
    issuer.storage.tenants.create(other, "Other", issuer.clock.now(), None).await.unwrap();
    let token = issuer.signer.sign(&issuer.signer.claims(other, issuer.client, &json!({})));
    assert_eq!(issuer.caller(&token).await, Err(Denied::UnknownClient));

    for claim in [json!(null), json!("not a guid")] {
        let changes = json!({ "appid": claim, "azp": claim });
        assert_eq!(issuer.with(changes).await, Err(Denied::Malformed), "{claim}");
    }
    assert!(issuer.with(json!({ "appid": null })).await.is_ok(), "azp alone is enough");

    issuer.storage.clients.set_disabled((issuer.tenant, issuer.client), true, None).await.unwrap();
    assert_eq!(issuer.with(json!({ "x": 1 })).await, Err(Denied::DisabledClient));
    issuer.storage.tenants.set_disabled(issuer.tenant, true, None).await.unwrap();
    assert_eq!(issuer.with(json!({ "x": 2 })).await, Err(Denied::DisabledTenant));
}

#[tokio::test]
async fn a_disabled_client_or_tenant_stops_within_a_minute() {
    let issuer = Issuer::start().await;
    let token = issuer.signer.sign(&issuer.signer.claims(issuer.tenant, issuer.client, &json!({})));
    assert!(issuer.caller(&token).await.is_ok());
    issuer.storage.clients.set_disabled((issuer.tenant, issuer.client), true, None).await.unwrap();
    issuer.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(issuer.caller(&token).await, Err(Denied::DisabledClient));

    issuer.storage.clients.set_disabled((issuer.tenant, issuer.client), false, None).await.unwrap();
    assert!(issuer.caller(&token).await.is_ok());
    issuer.storage.tenants.set_disabled(issuer.tenant, true, None).await.unwrap();
    issuer.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(issuer.caller(&token).await, Err(Denied::DisabledTenant));
}

#[tokio::test]
async fn a_remembered_token_still_ends_to_the_second() {
    let issuer = Issuer::start().await;
    let changes = json!({ "exp": issuer.seconds(-290) });
    let token = issuer.signer.sign(&issuer.signer.claims(issuer.tenant, issuer.client, &changes));
    assert!(issuer.caller(&token).await.is_ok());
    issuer.clock.advance(SignedDuration::from_secs(9));
    assert!(issuer.caller(&token).await.is_ok());
    issuer.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(issuer.caller(&token).await, Err(Denied::Expired));
}

#[tokio::test]
async fn a_remembered_token_needs_no_database_and_a_new_one_is_not_guessed() {
    let issuer = Issuer::start().await;
    let known = issuer.signer.sign(&issuer.signer.claims(issuer.tenant, issuer.client, &json!({})));
    assert!(issuer.caller(&known).await.is_ok());
    issuer.storage.close().await;
    assert!(issuer.caller(&known).await.is_ok());
    assert_eq!(issuer.with(json!({ "uti": "new" })).await, Err(Denied::Unavailable));
}
