//! `POST /devices/sync`: a page of what changed since a cursor was issued.

use jiff::Timestamp;

use super::body;
use super::problem::Problem;
use super::server_devices::{PageRequest, write};
use crate::world::World;

pub(super) fn page(
    world: &World,
    server: usize,
    version: u32,
    body: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, Problem> {
    let request: PageRequest = body::object(body)?;
    let cursor = request.cursor.as_deref().filter(|cursor| !cursor.is_empty()).ok_or_else(|| {
        Problem::bad_request(
            "CURSOR_REQUIRED",
            "Sync needs the cursor of a finished fetch or of the last sync.",
        )
    })?;
    let limit = request.limit(world)?;
    let page = world.sync(server, cursor, limit, now)?;
    Ok(write(world, server, version, &page, true, now))
}
