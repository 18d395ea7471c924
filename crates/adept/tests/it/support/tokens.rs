//! Bearer tokens with any claims, signed by the issuer's key or by a stranger's.

use adept::{
    app::Clock,
    auth::PublicUrl,
    domain::{ClientId, Permission, TenantId},
    storage::{ClientRow, KeyUse, SecretHash, Storage},
};
use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Signs with the issuer's own key.
pub struct Signer {
    kid: String,
    key: RsaKeyPair,
    public_url: PublicUrl,
    clock: Clock,
}

impl Signer {
    pub async fn of(storage: &Storage, public_url: PublicUrl, clock: Clock) -> Self {
        let stored = storage.deployment.stored_key(KeyUse::BearerTokens).await.unwrap().unwrap();
        let key = RsaKeyPair::from_pkcs8(&stored.secret).unwrap();
        Self { kid: stored.id, key, public_url, clock }
    }

    /// A token of a new application of the tenant.
    pub async fn application(&self, storage: &Storage, tenant: TenantId, permissions: &[&str]) -> String {
        let client = self.registered(storage, tenant).await;
        self.sign(&self.claims(tenant, client, &json!({ "roles": permissions })))
    }

    /// A new application of the tenant.
    pub async fn registered(&self, storage: &Storage, tenant: TenantId) -> ClientId {
        let client = ClientId(self.clock.new_id());
        let row = ClientRow {
            tenant,
            id: client,
            name: "Test".to_owned(),
            secret: SecretHash { key_id: "none".to_owned(), mac: Vec::new() },
            permissions: Permission::ALL.into_iter().collect(),
            disabled: false,
            created_at: self.clock.now(),
        };
        storage.clients.add(&row, None).await.unwrap();
        client
    }

    /// The claims that the issuer would sign, with `changes` made; a change to null removes a claim.
    pub fn claims(&self, tenant: TenantId, client: ClientId, changes: &Value) -> Value {
        let now = self.clock.now().as_second();
        let mut claims = json!({
            "aud": self.public_url.as_str(),
            "iss": self.public_url.issuer(tenant),
            "iat": now, "nbf": now, "exp": now + 3600,
            "appid": client.to_string(), "azp": client.to_string(), "oid": client.to_string(), "sub": client.to_string(),
            "tid": tenant.to_string(), "idtyp": "app", "ver": "2.0", "app_displayname": "Test",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    /// A token over any claims.
    pub fn sign(&self, claims: &Value) -> String {
        signed(&self.key, &self.kid, claims)
    }

    /// The same, by a key that is not the issuer's, under the issuer's key id.
    pub fn forge(&self, claims: &Value) -> String {
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        signed(&RsaKeyPair::from_pkcs8(pkcs8.as_ref()).unwrap(), &self.kid, claims)
    }
}

fn signed(key: &RsaKeyPair, kid: &str, claims: &Value) -> String {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let text =
        format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT", "kid": kid })), part(claims.clone()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}
