//! Memory of a service that does nothing, ten seconds after its first answer.

use std::time::Duration;

use super::onboarded::Onboarded;
use super::{Bench, Row};
use crate::Result;
use crate::database::Kind;

pub(super) fn measure(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let on = Onboarded::start(bench, kind, &[], crate::service::Launch::start)?;
    std::thread::sleep(Duration::from_secs(10));
    let resident = on.service.process.memory("VmRSS")? as f64 / 1e6;
    Ok(vec![Row {
        figure: format!("memory when idle (VmRSS 10 s after the first answer), {kind}"),
        target: "< 40 MB".to_owned(),
        measured: format!("{resident:.0} MB"),
        reached: Some(resident < 40.0),
    }])
}
