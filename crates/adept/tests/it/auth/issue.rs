//! Client credentials become tokens that this service accepts.

use adept::{
    auth::{Credentials, Issued, Refused},
    domain::{CallerKind, ClientId, Permission},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Issuer;

impl Issuer {
    async fn issue(&self, client: Option<ClientId>, secret: &str) -> Result<Issued, Refused> {
        let credentials = Credentials { client, secret: Zeroizing::new(secret.to_owned()) };
        self.auth.issue(self.tenant, credentials, "https://localhost", Uuid::nil(), self.clock.now()).await
    }
}

#[tokio::test]
async fn the_token_has_entras_claims_and_is_accepted_here() {
    let issuer = Issuer::start().await;
    let (client, secret) =
        issuer.client_with_secret(&[Permission::AppsRead, Permission::ServiceConfigReadWrite]).await;
    let issued = issuer.issue(Some(client), secret.reveal()).await.unwrap();
    assert_eq!(issued.expires_in, 3599);

    let parts: Vec<_> = issued.access_token.split('.').collect();
    let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let now = issuer.clock.now().as_second();
    let (id, tid) = (client.to_string(), issuer.tenant.to_string());
    assert_eq!(json(parts[0])["kid"], issuer.auth.public_key().await.unwrap()["kid"]);
    assert_eq!(
        json(parts[1]),
        json!({
            "aud": "https://localhost",
            "iss": format!("https://localhost:8443/{tid}/v2.0"),
            "iat": now, "nbf": now, "exp": now + 3599,
            "app_displayname": "Inventory", "appid": id, "azp": id, "idtyp": "app", "oid": id, "sub": id, "tid": tid,
            "roles": ["DeviceManagementServiceConfig.ReadWrite.All", "DeviceManagementApps.Read.All"],
            "uti": "00000000000000000000000000000000", "ver": "2.0",
        })
    );

    let header = format!("Bearer {}", issued.access_token);
    let caller = issuer.auth.caller(Some(&header), issuer.clock.now()).await.unwrap();
    assert_eq!((caller.kind, caller.client), (CallerKind::Application, Some(client)));
    assert_eq!(caller.client_name.as_deref(), Some("Inventory"));
}

#[tokio::test]
async fn wrong_secret_unknown_client_and_foreign_client_are_one_refusal() {
    let issuer = Issuer::start().await;
    let (client, secret) = issuer.client_with_secret(&[Permission::AppsRead]).await;
    let wrong = format!("{}x", secret.reveal());
    for (client, secret) in [
        (Some(client), wrong.as_str()),
        (Some(client), ""),
        (Some(ClientId(Uuid::from_u128(1))), secret.reveal()),
        (None, secret.reveal()),
    ] {
        assert!(matches!(issuer.issue(client, secret).await, Err(Refused::WrongCredentials)));
    }
    let other = adept::domain::TenantId(Uuid::from_u128(9));
    issuer.storage.tenants.create(other, "Other", issuer.clock.now()).await.unwrap();
    let credentials =
        Credentials { client: Some(client), secret: Zeroizing::new(secret.reveal().to_owned()) };
    let foreign =
        issuer.auth.issue(other, credentials, "https://localhost", Uuid::nil(), issuer.clock.now()).await;
    assert!(matches!(foreign, Err(Refused::WrongCredentials)));
}

#[tokio::test]
async fn that_a_client_is_disabled_is_told_only_to_who_knows_its_secret() {
    let issuer = Issuer::start().await;
    let (client, secret) = issuer.client_with_secret(&[Permission::AppsRead]).await;
    issuer.storage.clients.set_disabled(issuer.tenant, client, true).await.unwrap();
    assert!(matches!(issuer.issue(Some(client), secret.reveal()).await, Err(Refused::DisabledClient)));
    assert!(matches!(issuer.issue(Some(client), "wrong").await, Err(Refused::WrongCredentials)));
}

#[tokio::test]
async fn without_a_database_the_issuer_says_so() {
    let issuer = Issuer::start().await;
    let (client, secret) = issuer.client_with_secret(&[Permission::AppsRead]).await;
    issuer.storage.close().await;
    assert!(matches!(issuer.issue(Some(client), secret.reveal()).await, Err(Refused::Unavailable(_))));
}
