//! `POST /server/devices`: a page of all devices, as they were when the first page was asked for.
//! Also home to what both paged calls share.

use jiff::Timestamp;
use serde::Deserialize;

use super::body;
use super::device_json::{self, Show};
use super::problem::Problem;
use crate::world::{DeletedRecords, Operation, Page, World};

/// The body of a paged call.
#[derive(Deserialize)]
pub(super) struct PageRequest {
    pub(super) cursor: Option<String>,
    limit: Option<i64>,
}

impl PageRequest {
    /// The page size: clamped to what the account advertises, or refused when the switches say so.
    pub(super) fn limit(&self, world: &World) -> Result<usize, Problem> {
        let maximum = i64::from(world.switches.limit_maximum);
        let asked = self.limit.unwrap_or_else(|| i64::from(world.switches.limit_default));
        let limit = asked.clamp(1, maximum);
        if world.switches.strict_limits && self.limit.is_some_and(|asked| asked != limit) {
            return Err(Problem::malformed(format!("The limit must be 1 to {maximum}.")));
        }
        Ok(limit as usize)
    }
}

pub(super) fn page(
    world: &World,
    server: usize,
    version: u32,
    body: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, Problem> {
    let request: PageRequest = body::object(body)?;
    let limit = request.limit(world)?;
    let page = world.fetch(server, request.cursor.as_deref(), limit, now)?;
    Ok(write(world, server, version, &page, false, now))
}

/// Writes a page; `operations` says whether each device shows what happened to it.
pub(super) fn write(
    world: &World,
    server: usize,
    version: u32,
    page: &Page<'_>,
    operations: bool,
    now: Timestamp,
) -> Vec<u8> {
    let show = Show::new(world, server, version);
    let mut out = Vec::with_capacity(512 + page.events.len() * 640);
    out.extend_from_slice(b"{\"devices\":[");
    for (position, event) in page.events.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.push(b'{');
        let bare =
            event.operation() == Operation::Deleted && world.switches.deleted_records == DeletedRecords::Bare;
        match operations && bare {
            true => show.serial(&event.record, &mut out),
            false => show.record(&event.record, &mut out),
        }
        if operations {
            show.operation(event, &mut out);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"cursor\":\"");
    out.extend_from_slice(page.cursor.as_bytes());
    out.extend_from_slice(b"\",\"more_to_follow\":");
    out.extend_from_slice(if page.more { b"true" } else { b"false" });
    out.extend_from_slice(b",\"fetched_until\":\"");
    device_json::time(now.as_second(), &mut out);
    out.extend_from_slice(b"\"}");
    out
}
