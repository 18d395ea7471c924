//! How many settings one process waits for Apple with at the same time.

use std::time::Duration;

use super::onboarded::{Onboarded, Pair, give_token};
use super::{Bench, Row, joined, overlap};
use crate::Result;
use crate::database::Kind;

const SETTINGS: usize = 64;

/// How long Apple takes over each page.
const PAGE: Duration = Duration::from_secs(3);

pub(super) fn measure(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let mut on = Onboarded::start(bench, kind, &[], crate::service::Launch::start)?;
    let pairs: Vec<Pair> =
        (0..SETTINGS).map(|number| on.pair(&format!("wait {number}"))).collect::<Result<_>>()?;
    let mut portal = on.apple.portal();
    for pair in &pairs {
        portal.add_devices(&pair.server, 10)?;
    }
    portal.delay_pages(PAGE.as_millis() as u64)?;
    std::thread::scope(|scope| {
        let threads = pairs.iter().map(|pair| {
            scope.spawn(|| give_token(&mut on.graph.over(on.service.connect()), &on.apple, pair))
        });
        joined(threads.collect())
    })?;
    for pair in &pairs {
        super::fleet::wait(&mut on, pair, |setting| setting.synced.is_some())?;
    }
    let most = overlap(&portal.calls()?, "devices", PAGE);
    Ok(vec![Row {
        figure: format!(
            "settings whose pages one process waits for at the same time, {SETTINGS} due, {kind}"
        ),
        target: "≥ 32".to_owned(),
        measured: most.to_string(),
        reached: Some(most >= 32),
    }])
}
