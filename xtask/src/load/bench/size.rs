//! The size of the program.

use super::{Bench, Row};
use crate::Result;

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let program = std::fs::metadata(&bench.bed.adept).map_err(|error| error.to_string())?;
    let megabytes = program.len() as f64 / 1e6;
    Ok(vec![Row {
        figure: "the program".to_owned(),
        target: "< 30 MB".to_owned(),
        measured: format!("{megabytes:.1} MB"),
        reached: Some(megabytes < 30.0),
    }])
}
