//! `adept setting history`: a line per sync, newest first.

use clap::Args;
use serde_json::json;

use super::{
    super::{flags::Json, note, open, say, setting_name::SettingName},
    Failure, operator_of, refused,
};
use crate::{
    config,
    domain::{DeviceChanges, SyncRun},
};

/// Flags of `adept setting history`.
#[derive(Args)]
pub struct History {
    /// The setting's id or name
    #[arg(value_name = "SETTING")]
    setting: SettingName,
    /// Lines at most
    #[arg(long, env = "ADEPT_SETTING_HISTORY_LIMIT", value_name = "NUMBER", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    json: Json,
    #[command(flatten)]
    storage: config::Storage,
}

pub(super) async fn run(flags: History) -> Result<(), Failure> {
    let (storage, app) = open::app_without_apple(&flags.storage).await?;
    let setting = flags.setting.find(&storage).await?;
    let runs = app.settings.sync_runs(&operator_of(&app, &setting).caller, setting.id, flags.limit).await;
    storage.close().await;
    let runs = runs.map_err(refused)?;
    if flags.json.prints(runs.iter().map(as_json)) {
        return Ok(());
    }
    if runs.is_empty() {
        note("This setting was never synced.");
        return Ok(());
    }
    say(format_args!(
        "{:20}  {:20}  {:>5}  {:11}  {:>6}  {:>8}  {:>8}  {:>8}  {:>8}  outcome",
        "started", "ended", "runs", "kind", "pages", "added", "changed", "removed", "missed"
    ));
    for run in &runs {
        say(line(run));
    }
    Ok(())
}

fn line(run: &SyncRun) -> String {
    let ended = run.ended_at.map_or_else(|| "-".to_owned(), |end| format!("{end:.0}"));
    let DeviceChanges { added, changed, removed } = run.changes;
    let mut text = format!(
        "{:.0}  {ended:20}  {:>5}  {:11}  {:>6}  {added:>8}  {changed:>8}  {removed:>8}  {:>8}  {}",
        run.started_at,
        run.runs,
        run.kind.as_str(),
        run.pages,
        run.unconfirmed,
        run.outcome.as_str()
    );
    if let Some(code) = &run.code {
        text.push_str(&format!(" ({code})"));
    }
    if run.unreadable > 0 {
        text.push_str(&format!("; {} unreadable records", run.unreadable));
    }
    if run.drift != DeviceChanges::default() {
        let DeviceChanges { added, changed, removed } = run.drift;
        text.push_str(&format!(
            "; no delta had reported {added} added, {changed} changed, {removed} removed"
        ));
    }
    text
}

fn as_json(run: &SyncRun) -> serde_json::Value {
    let changes = |changes: DeviceChanges| json!({ "added": changes.added, "changed": changes.changed, "removed": changes.removed });
    json!({
        "run": run.run,
        "started": run.started_at.to_string(),
        "ended": run.ended_at.map(|end| end.to_string()),
        "runs": run.runs,
        "kind": run.kind.as_str(),
        "pages": run.pages,
        "changes": changes(run.changes),
        "drift": changes(run.drift),
        "unconfirmed": run.unconfirmed,
        "unreadable": run.unreadable,
        "outcome": run.outcome.as_str(),
        "code": run.code,
    })
}
