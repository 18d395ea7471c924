//! `adept tenant`: the directories that callers sign in to. New ones come with `adept client add --tenant new`.

use std::str::FromStr;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    Exit, Failure,
    flags::Json,
    note,
    open::{self, WhenMissing},
    operator::{by_operator, disabling},
    say,
};
use crate::{
    app::Clock,
    config,
    domain::{AuditResource, Change, TenantId},
    storage::Storage,
};

/// What to do with tenants.
#[derive(Subcommand)]
pub enum Tenant {
    /// List every tenant
    List(List),
    /// Refuse a tenant's callers; their tokens stop within 30 seconds
    Disable(Switch),
    /// Undo `disable`
    Enable(Switch),
}

/// Flags of `adept tenant list`.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    storage: config::Storage,
}

/// Flags of `adept tenant disable` and `enable`.
#[derive(Args)]
pub struct Switch {
    /// The tenant's id
    tenant: TenantId,
    #[command(flatten)]
    storage: config::Storage,
}

/// Which tenant a command is about.
#[derive(Args)]
pub(super) struct TenantFlag {
    /// Tenant id [default: the one made with the database]
    #[arg(long, env = "ADEPT_TENANT", value_name = "ID")]
    tenant: Option<TenantId>,
}

impl TenantFlag {
    /// The tenant; an error when there is none of that id.
    pub(super) async fn existing(&self, storage: &Storage) -> Result<TenantId, Failure> {
        match self.tenant {
            None => Ok(storage.default_tenant()),
            Some(id) => existing(storage, id).await,
        }
    }
}

/// A tenant that exists, or one to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TenantChoice {
    Existing(TenantId),
    New,
}

impl FromStr for TenantChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "new" {
            return Ok(Self::New);
        }
        text.parse().map(Self::Existing).map_err(|_| "must be a tenant id or `new`")
    }
}

impl TenantChoice {
    /// The tenant, made and named when it is to be new.
    pub(super) async fn or_new(
        self,
        storage: &Storage,
        name: &str,
        clock: &Clock,
    ) -> Result<TenantId, Failure> {
        match self {
            Self::Existing(id) => existing(storage, id).await,
            Self::New => {
                let id = TenantId(clock.new_id());
                let changes = Change::among([("displayName", None, Some(name))]);
                let resource = resource(id, Some(name.to_owned()));
                let event = by_operator(clock, id, "create Tenant", resource, changes);
                storage.tenants.create(id, name, clock.now(), Some(&event)).await?;
                Ok(id)
            }
        }
    }
}

async fn existing(storage: &Storage, id: TenantId) -> Result<TenantId, Failure> {
    match storage.tenants.get(id).await? {
        Some(_) => Ok(id),
        None => Err(no_tenant(id)),
    }
}

fn resource(tenant: TenantId, name: Option<String>) -> AuditResource {
    AuditResource { kind: "Tenant", id: tenant.to_string(), name }
}

fn no_tenant(id: TenantId) -> Failure {
    Failure::new(Exit::NotFound, format!("there is no tenant {id}; `adept tenant list` shows them"))
}

pub(super) async fn run(command: Tenant) -> Result<(), Failure> {
    match command {
        Tenant::List(flags) => list(flags).await,
        Tenant::Disable(flags) => switch(flags, true).await,
        Tenant::Enable(flags) => switch(flags, false).await,
    }
}

async fn list(flags: List) -> Result<(), Failure> {
    let storage = open::storage(&flags.storage, WhenMissing::Fail, &Clock::system()).await?;
    let tenants = storage.tenants.list().await?;
    storage.close().await;
    let shown = tenants.iter().map(
        |tenant| json!({ "tenantId": tenant.id.to_string(), "name": tenant.name, "disabled": tenant.disabled }),
    );
    if flags.json.prints(shown) {
        return Ok(());
    }
    for tenant in tenants {
        let state = if tenant.disabled { "disabled" } else { "enabled" };
        say(format_args!("{}  {state:8}  {}", tenant.id, tenant.name));
    }
    Ok(())
}

async fn switch(flags: Switch, disabled: bool) -> Result<(), Failure> {
    let clock = Clock::system();
    let storage = open::storage(&flags.storage, WhenMissing::Fail, &clock).await?;
    let known = storage.tenants.get(flags.tenant).await?;
    let activity = if disabled { "disable Tenant" } else { "enable Tenant" };
    let resource = resource(flags.tenant, known.map(|tenant| tenant.name));
    let event = by_operator(&clock, flags.tenant, activity, resource, disabling(disabled));
    let found = storage.tenants.set_disabled(flags.tenant, disabled, Some(&event)).await?;
    storage.close().await;
    if !found {
        return Err(no_tenant(flags.tenant));
    }
    note(if disabled { "Disabled. Its callers are refused within 30 seconds." } else { "Enabled." });
    Ok(())
}
