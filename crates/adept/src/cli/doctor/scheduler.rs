//! Whether a running service still does its rounds, as it says itself.

use serde_json::Value;

use super::{Finding, network};
use crate::{auth::PublicUrl, config};

/// Nothing when no service runs, which another finding says.
pub(super) async fn check(public: &PublicUrl, flags: &config::Serve) -> Option<Finding> {
    const ABOUT: &str = "scheduler";
    let operators = flags.listening.metrics_listen.0.map(|address| format!("http://{address}/readyz"));
    let client = network::own_client(flags)?;
    // The operator's listener has limits of its own, so it answers where the public one is full.
    for url in operators.into_iter().chain([format!("{public}/readyz")]) {
        let Ok(answer) = client.get(url).send().await else { continue };
        let Ok(text) = answer.text().await else { continue };
        let ready: Value = serde_json::from_str(&text).unwrap_or_default();
        if let Some(state) = ready["scheduler"].as_str() {
            return Some(finding(state));
        }
    }
    return None;

    fn finding(state: &str) -> Finding {
        match state {
            "running" => Finding::ok(ABOUT, "it does its rounds: syncs and assignment go on"),
            stuck => {
                let text = format!(
                    "it is {stuck}: nothing is synchronized. Restart `adept serve` and report its log"
                );
                Finding::fail(ABOUT, text)
            }
        }
    }
}
