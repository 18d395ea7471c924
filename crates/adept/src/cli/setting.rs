//! `adept setting`: what the operator may do with onboarding settings beyond what Graph offers. Every change is noted
//! in the audit log as the command line's.

mod check;
mod history;

use clap::{Args, Subcommand, builder::FalseyValueParser};
use serde_json::json;

use super::{
    Exit, Failure,
    flags::Json,
    note,
    open::{self, WhenMissing},
    say,
    setting_name::SettingName,
    tenant::TenantFlag,
};
use crate::{
    app::{self, App, Clock},
    config,
    domain::{Caller, Origin, Setting as Row, TokenStanding, TokenState},
    storage::RefusedDevices,
};

pub use check::Check;
pub use history::History;

/// What to do with settings.
#[derive(Subcommand)]
pub enum Setting {
    /// List a tenant's settings, deleted ones last
    List(List),
    /// Delete a setting; it can be restored, without its token, for 30 days
    Remove(Remove),
    /// Bring a deleted setting back; it then needs a new server token
    Restore(One),
    /// Request a full resync, to find what delta syncs omitted; a running `adept serve` does it
    Resync(One),
    /// Check at Apple now, from this machine, whether a setting's server token is accepted; nothing is stored
    Check(Box<Check>),
    /// Show a setting's latest syncs: what each did and how it ended
    History(History),
}

/// Flags of `adept setting list`.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    tenant: TenantFlag,
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    storage: config::Storage,
}

/// Flags of `adept setting remove`.
#[derive(Args)]
pub struct Remove {
    /// The setting's id or name
    #[arg(value_name = "SETTING")]
    setting: SettingName,
    /// Also while Apple accepts its token and lists devices for it
    #[arg(long, env = "ADEPT_SETTING_REMOVE_FORCE", value_parser = FalseyValueParser::new())]
    force: bool,
    #[command(flatten)]
    storage: config::Storage,
}

/// Flags of `adept setting restore` and `resync`.
#[derive(Args)]
pub struct One {
    /// The setting's id or name
    #[arg(value_name = "SETTING")]
    setting: SettingName,
    #[command(flatten)]
    storage: config::Storage,
}

pub(super) async fn run(command: Setting) -> Result<(), Failure> {
    match command {
        Setting::List(flags) => list(flags).await,
        Setting::Remove(flags) => remove(flags).await,
        Setting::Restore(flags) => restore(flags).await,
        Setting::Resync(flags) => resync(flags).await,
        Setting::Check(flags) => check::run(*flags).await,
        Setting::History(flags) => history::run(flags).await,
    }
}

async fn list(flags: List) -> Result<(), Failure> {
    let storage = open::storage(&flags.storage, WhenMissing::Fail, &Clock::system()).await?;
    let tenant = flags.tenant.existing(&storage).await?;
    let visible = storage.settings.health().await?.into_iter().map(|health| (health.setting, false));
    let deleted = storage.settings.list_soft_deleted().await?.into_iter().map(|(setting, _)| (setting, true));
    let rows: Vec<_> = visible.chain(deleted).filter(|(setting, _)| setting.tenant == tenant).collect();
    let refused = storage.assignments.refused_devices(tenant).await?;
    let refused = |setting: &Row| refused.iter().find(|devices| devices.setting == setting.id);
    storage.close().await;
    let now = Clock::system().now();
    let shown = rows.iter().map(|(setting, deleted)| {
        let standing = setting.standing(now);
        json!({
            "tenantId": setting.tenant.to_string(),
            "id": setting.id.to_string(),
            "tokenName": setting.token_name,
            "tokenState": standing.as_str(),
            "means": standing.sentence(),
            "tokenExpirationDateTime": setting.token_expires_at.map(|end| end.to_string()),
            "syncedDeviceCount": setting.sync.device_count,
            "deleted": deleted,
            "refusedDeviceCount": refused(setting).map_or(0, |refused| refused.devices),
        })
    });
    if flags.json.prints(shown) {
        return Ok(());
    }
    for (setting, deleted) in &rows {
        let standing = setting.standing(now);
        let state = if *deleted { "deleted" } else { standing.as_str() };
        let end = setting.token_expires_at.map_or_else(|| "-".to_owned(), |end| end.to_string());
        let name = setting.token_name.as_deref().unwrap_or("(no name)");
        let devices = setting.sync.device_count;
        say(format_args!("{}  {state:14}  {end:20}  {devices:>7} devices  {name}", setting.id));
        if !deleted && standing != TokenStanding::State(TokenState::Ok) {
            say(format_args!("    {}", standing.sentence()));
        }
        if let Some(refused) = refused(setting).filter(|_| !deleted) {
            say(format_args!("    {}", about_refused(refused)));
        }
    }
    if rows.is_empty() {
        note(format_args!("Tenant {tenant} has no onboarding settings; POST one to depOnboardingSettings."));
    }
    Ok(())
}

fn about_refused(RefusedDevices { devices, named, .. }: &RefusedDevices) -> String {
    let named: Vec<_> = named.iter().map(|serial| format!("\"{serial}\"")).collect();
    format!(
        "Apple refuses every call that names one of {devices} devices (first 5): {}. The others go on; each of these is \
         tried again after a day. `adept device show SERIAL` says more.",
        named.join(", ")
    )
}

async fn remove(flags: Remove) -> Result<(), Failure> {
    let (storage, app) = open::app_without_apple(&flags.storage).await?;
    let setting = flags.setting.find(&storage).await?;
    let removed = app.settings.delete(&operator_of(&app, &setting), setting.id, flags.force).await;
    storage.close().await;
    removed.map_err(refused)?;
    note(format_args!("Deleted. `adept setting restore {}` brings it back within 30 days.", setting.id));
    Ok(())
}

async fn restore(flags: One) -> Result<(), Failure> {
    let (storage, app) = open::app_without_apple(&flags.storage).await?;
    let setting = flags.setting.find_deleted(&storage).await?;
    let restored = app.settings.restore(setting.id).await;
    storage.close().await;
    restored.map_err(refused)?;
    note("Restored, without its server token: upload a new one for it.");
    Ok(())
}

async fn resync(flags: One) -> Result<(), Failure> {
    let (storage, app) = open::app_without_apple(&flags.storage).await?;
    let setting = flags.setting.find(&storage).await?;
    let requested = app.settings.request_full_fetch(&operator_of(&app, &setting), setting.id).await;
    storage.close().await;
    requested.map_err(refused)?;
    note(format_args!(
        "Requested. A running `adept serve` does a full resync at once; `adept setting history {}` shows what it found.",
        setting.id
    ));
    Ok(())
}

/// The operator in the tenant of a setting.
fn operator_of(app: &App, setting: &Row) -> Origin {
    Origin { caller: Caller::operator(setting.tenant), request: app.clock().new_id() }
}

fn refused(error: app::Error) -> Failure {
    let exit = match &error {
        app::Error::NotFound { .. } => Exit::NotFound,
        app::Error::Invalid(_)
        | app::Error::Unreadable(_)
        | app::Error::Conflict(_)
        | app::Error::TooManyReleases { .. } => Exit::Refused,
        app::Error::Unavailable { .. } | app::Error::ShareTaken | app::Error::TooManyFailedOpens { .. } => {
            Exit::Unavailable
        }
        app::Error::Unconfirmed { .. } | app::Error::PartlyDone { .. } | app::Error::Internal { .. } => {
            Exit::Failed
        }
    };
    match error.cause() {
        Some(cause) => Failure::new(exit, format!("{error} ({cause})")),
        None => Failure::new(exit, error),
    }
}
