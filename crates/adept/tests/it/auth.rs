//! The issuer and the verifier of bearer tokens, on a real database and with a clock that tests move.

mod caller;
mod issue;
mod secrets;
mod signing_key;

use std::sync::Arc;

use adept::{
    app::Clock,
    auth::{Auth, ClientSecret, PublicUrl, SecretKey},
    domain::{ClientId, Permission, TenantId},
    storage::{ClientRow, Storage},
};

use crate::support::{
    database::{Kind, TestDatabase, noon},
    tokens::Signer,
};

/// An issuer with one client in the default tenant.
struct Issuer {
    auth: Arc<Auth>,
    storage: Storage,
    clock: Clock,
    signer: Signer,
    tenant: TenantId,
    client: ClientId,
    _database: TestDatabase,
}

fn public_url() -> PublicUrl {
    PublicUrl::parse("https://localhost:8443").unwrap()
}

impl Issuer {
    async fn start() -> Self {
        let database = TestDatabase::new(Kind::Sqlite).await;
        let storage = database.open().await;
        let clock = Clock::fixed(noon());
        let auth = Arc::new(Auth::new(storage.clone(), public_url()));
        auth.prepare().await.unwrap();
        let signer = Signer::of(&storage, public_url(), clock.clone()).await;
        let tenant = storage.default_tenant();
        let client = signer.registered(&storage, tenant).await;
        Self { auth, storage, clock, signer, tenant, client, _database: database }
    }

    /// A client with a secret of its own, made as the command line makes one.
    async fn client_with_secret(&self, permissions: &[Permission]) -> (ClientId, ClientSecret) {
        let secret = ClientSecret::generate().unwrap();
        let key = SecretKey::of(&self.storage.deployment).await.unwrap();
        let id = ClientId(self.clock.new_id());
        let client = ClientRow {
            tenant: self.tenant,
            id,
            name: "Inventory".to_owned(),
            secret: key.hash(self.tenant, id, &secret),
            permissions: permissions.iter().copied().collect(),
            disabled: false,
            created_at: self.clock.now(),
        };
        self.storage.clients.add(&client, None).await.unwrap();
        (client.id, secret)
    }
}
