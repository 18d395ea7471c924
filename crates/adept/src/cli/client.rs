//! `adept client`: the applications that may ask the built-in issuer for tokens.

use clap::{Args, Subcommand, builder::FalseyValueParser};
use serde_json::json;

use super::{
    Exit, Failure,
    flags::Json,
    note,
    open::{self, WhenMissing},
    operator::{by_operator, disabling},
    say,
    tenant::{TenantChoice, TenantFlag},
};
use crate::{
    app::Clock,
    auth::{ClientSecret, SecretKey},
    config,
    domain::{AuditEvent, AuditResource, Change, ClientId, Permission, Permissions, TenantId},
    storage::{ClientRow, Storage},
};

/// The longest name of an application.
const LONGEST_NAME: usize = 256;

/// What to do with applications.
#[derive(Subcommand)]
pub enum Client {
    /// Add an application and print its secret, once
    Add(Add),
    /// List a tenant's applications
    List(List),
    /// Stop giving an application tokens; those it has stop within 30 seconds
    Disable(Switch),
    /// Undo `disable`
    Enable(Switch),
}

/// Flags of `adept client add`.
#[derive(Args)]
pub struct Add {
    /// What people call the application
    name: String,
    /// Graph permission, such as DeviceManagementServiceConfig.ReadWrite.All; repeat it or separate by commas
    #[arg(long, required = true, env = "ADEPT_CLIENT_PERMISSION", value_name = "PERMISSION", value_delimiter = ',',
          value_parser = permission)]
    permission: Vec<Permission>,
    /// Tenant id, or `new` for a new tenant named like the application [default: the one made with the database]
    #[arg(long, env = "ADEPT_TENANT", value_name = "ID|new")]
    tenant: Option<TenantChoice>,
    /// Make a new database and sealing key when there is none yet
    #[arg(long, env = "ADEPT_NEW_DATABASE", value_parser = FalseyValueParser::new())]
    new_database: bool,
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    storage: config::Storage,
}

/// Flags of `adept client list`.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    tenant: TenantFlag,
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    storage: config::Storage,
}

/// Flags of `adept client disable` and `enable`.
#[derive(Args)]
pub struct Switch {
    /// The application's client id
    client: ClientId,
    #[command(flatten)]
    tenant: TenantFlag,
    #[command(flatten)]
    storage: config::Storage,
}

pub(super) async fn run(command: Client) -> Result<(), Failure> {
    match command {
        Client::Add(flags) => add(flags).await,
        Client::List(flags) => list(flags).await,
        Client::Disable(flags) => switch(flags, true).await,
        Client::Enable(flags) => switch(flags, false).await,
    }
}

async fn add(flags: Add) -> Result<(), Failure> {
    let name = flags.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Failure::usage(format!("NAME must be 1 to {LONGEST_NAME} printable characters")));
    }
    let clock = Clock::system();
    // In a wrong folder, credentials of an empty database would be of no use, and nobody would notice.
    let missing = if flags.new_database { WhenMissing::Make } else { WhenMissing::Fail };
    let storage = open::storage(&flags.storage, missing, &clock).await?;
    // The secret and its key come first: a tenant without its application would be of no use.
    let new = NewClient::prepare(&storage).await?;
    let tenant = match flags.tenant {
        Some(choice) => choice.or_new(&storage, &name, &clock).await?,
        None => storage.default_tenant(),
    };
    let (client, secret) = new.of(tenant, name, flags.permission, &clock);
    storage.clients.add(&client, Some(&added(&client, &clock))).await?;
    storage.close().await;
    if flags.json.json {
        say(json!({
            "tenantId": tenant.to_string(),
            "clientId": client.id.to_string(),
            "clientSecret": secret.reveal(),
        }));
    } else {
        say(format_args!("tenantId      {tenant}"));
        say(format_args!("clientId      {}", client.id));
        say(format_args!("clientSecret  {}", secret.reveal()));
        note("The secret is shown only now: only its hash is stored.");
    }
    Ok(())
}

/// What the audit log keeps of a new application.
pub(super) fn added(client: &ClientRow, clock: &Clock) -> AuditEvent {
    let permissions = names(client.permissions).join(" ");
    let changes = Change::among([
        ("displayName", None, Some(client.name.as_str())),
        ("permissions", None, Some(permissions.as_str())),
    ]);
    let resource = resource(client.id, Some(client.name.clone()));
    by_operator(clock, client.tenant, "create Application", resource, changes)
}

fn resource(client: ClientId, name: Option<String>) -> AuditResource {
    AuditResource { kind: "Application", id: client.to_string(), name }
}

/// What can fail of a new application: its secret, and the key that it is hashed with.
pub(super) struct NewClient {
    secret: ClientSecret,
    key: SecretKey,
}

impl NewClient {
    pub(super) async fn prepare(storage: &Storage) -> Result<Self, Failure> {
        let secret = ClientSecret::generate().map_err(Failure::failed)?;
        let key = SecretKey::of(&storage.deployment).await.map_err(Failure::failed)?;
        Ok(Self { secret, key })
    }

    /// The application, which is not stored yet, and its secret.
    pub(super) fn of(
        self,
        tenant: TenantId,
        name: String,
        permissions: Vec<Permission>,
        clock: &Clock,
    ) -> (ClientRow, ClientSecret) {
        let id = ClientId(clock.new_id());
        let row = ClientRow {
            tenant,
            id,
            name,
            secret: self.key.hash(tenant, id, &self.secret),
            permissions: permissions.into_iter().collect(),
            disabled: false,
            created_at: clock.now(),
        };
        (row, self.secret)
    }
}

async fn list(flags: List) -> Result<(), Failure> {
    let storage = open::storage(&flags.storage, WhenMissing::Fail, &Clock::system()).await?;
    let tenant = flags.tenant.existing(&storage).await?;
    let clients = storage.clients.list(tenant).await?;
    storage.close().await;
    if flags.json.prints(clients.iter().map(as_json)) {
        return Ok(());
    }
    for client in &clients {
        let state = if client.disabled { "disabled" } else { "enabled" };
        say(format_args!(
            "{}  {state:8}  {}  {}",
            client.id,
            client.name,
            names(client.permissions).join(",")
        ));
    }
    if clients.is_empty() {
        note(format_args!("Tenant {tenant} has no applications; `adept client add` makes one."));
    }
    Ok(())
}

fn as_json(client: &ClientRow) -> serde_json::Value {
    json!({
        "tenantId": client.tenant.to_string(),
        "clientId": client.id.to_string(),
        "name": client.name,
        "permissions": names(client.permissions),
        "disabled": client.disabled,
        "createdDateTime": client.created_at.to_string(),
    })
}

fn names(permissions: Permissions) -> Vec<&'static str> {
    permissions.iter().map(Permission::as_str).collect()
}

async fn switch(flags: Switch, disabled: bool) -> Result<(), Failure> {
    let clock = Clock::system();
    let storage = open::storage(&flags.storage, WhenMissing::Fail, &clock).await?;
    let tenant = flags.tenant.existing(&storage).await?;
    let known = storage.clients.get(tenant, flags.client).await?;
    let activity = if disabled { "disable Application" } else { "enable Application" };
    let resource = resource(flags.client, known.map(|client| client.name));
    let event = by_operator(&clock, tenant, activity, resource, disabling(disabled));
    let found = storage.clients.set_disabled((tenant, flags.client), disabled, Some(&event)).await?;
    storage.close().await;
    if !found {
        let message =
            format!("tenant {tenant} has no application {}; `adept client list` shows them", flags.client);
        return Err(Failure::new(Exit::NotFound, message));
    }
    note(if disabled { "Disabled. The tokens it has stop within 30 seconds." } else { "Enabled." });
    Ok(())
}

fn permission(name: &str) -> Result<Permission, String> {
    Permission::from_word(name.trim()).ok_or_else(|| {
        let known: Vec<_> = Permission::ALL.into_iter().map(Permission::as_str).collect();
        format!("known permissions are {}", known.join(", "))
    })
}
