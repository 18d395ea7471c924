//! Client credentials become tokens that this service accepts.

use std::{net::IpAddr, time::Duration};

use adept::{
    auth::{Credentials, Issued, Refused, SignIn},
    domain::{CallerKind, ClientId, LimitExceeded, Permission, TenantId},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Issuer;

impl Issuer {
    async fn issue(&self, client: Option<ClientId>, secret: &str) -> Result<Issued, Refused> {
        self.issue_to(self.tenant, client, secret, None).await
    }

    pub(super) async fn issue_to(
        &self,
        tenant: TenantId,
        client: Option<ClientId>,
        secret: &str,
        address: Option<IpAddr>,
    ) -> Result<Issued, Refused> {
        let credentials = Credentials { client, secret: Zeroizing::new(secret.to_owned()) };
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        let (audience, token) = ("https://localhost", Uuid::nil());
        let sign_in = SignIn { tenant, credentials, audience, address, token, now, elapsed };
        self.auth.issue(sign_in).await
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
    issuer.storage.tenants.create(other, "Other", issuer.clock.now(), None).await.unwrap();
    let foreign = issuer.issue_to(other, Some(client), secret.reveal(), None).await;
    assert!(matches!(foreign, Err(Refused::WrongCredentials)));
}

#[tokio::test]
async fn that_a_client_is_disabled_is_told_only_to_who_knows_its_secret() {
    let issuer = Issuer::start().await;
    let (client, secret) = issuer.client_with_secret(&[Permission::AppsRead]).await;
    issuer.storage.clients.set_disabled((issuer.tenant, client), true, None).await.unwrap();
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

#[tokio::test]
async fn wrong_secrets_are_limited_by_account_and_address_and_right_ones_never() {
    let issuer = Issuer::start().await;
    let (client, secret) = issuer.client_with_secret(&[Permission::AppsRead]).await;
    let (other, other_secret) = issuer.client_with_secret(&[]).await;
    let here = Some("192.0.2.1".parse().unwrap());
    let wrong = async |client, address| issuer.issue_to(issuer.tenant, client, "wrong", address).await;
    for _ in 0..20 {
        assert!(matches!(wrong(Some(client), here).await, Err(Refused::WrongCredentials)));
    }
    let limited = |seconds, of| LimitExceeded { limit: of, wait: Duration::from_millis(seconds) };
    for address in [here, Some("2001:db8::1".parse().unwrap())] {
        let refused = wrong(Some(client), address).await;
        assert!(matches!(refused, Err(Refused::TooManyFailures(exceeded)) if exceeded == limited(3000, 20)));
    }
    // Nobody is locked out: not the account from elsewhere or from here, nor others at the address.
    for _ in 0..80 {
        assert!(matches!(wrong(None, here).await, Err(Refused::WrongCredentials)));
    }
    for (client, wrong_one) in [(None, limited(600, 100)), (Some(other), limited(600, 100))] {
        let refused = wrong(client, here).await;
        assert!(matches!(refused, Err(Refused::TooManyFailures(exceeded)) if exceeded == wrong_one));
    }
    for address in [here, Some("198.51.100.1".parse().unwrap()), None] {
        for (client, secret) in [(client, &secret), (other, &other_secret)] {
            let right = issuer.issue_to(issuer.tenant, Some(client), secret.reveal(), address).await;
            assert!(right.is_ok(), "{client} from {address:?}");
        }
    }
    // A clock that is set changes nothing; time that goes by does.
    issuer.clock.set_by(jiff::SignedDuration::from_hours(24));
    assert!(matches!(wrong(Some(client), None).await, Err(Refused::TooManyFailures(_))));
    issuer.clock.advance(jiff::SignedDuration::from_secs(3));
    assert!(matches!(wrong(Some(client), None).await, Err(Refused::WrongCredentials)));
    let unknown = TenantId(Uuid::from_u128(77));
    for number in 0..=100 {
        let refused = issuer.issue_to(unknown, None, "wrong", Some("198.51.100.9".parse().unwrap())).await;
        assert_eq!(matches!(refused, Err(Refused::TooManyFailures(_))), number == 100, "{number}");
    }
}
