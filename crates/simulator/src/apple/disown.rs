//! `POST /devices/disown`: releases devices from the organization, for good.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;

use super::body;
use super::problem::Problem;
use super::serials;
use crate::world::{DisownRefusal, Statuses, World};

#[derive(Deserialize)]
struct DisownRequest {
    devices: Option<Vec<String>>,
}

pub(super) fn disown(
    world: &mut World,
    server: usize,
    body: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, Problem> {
    let request: DisownRequest = body::object(body)?;
    let serials = serials::required(request.devices.as_deref(), &world.switches)?;
    let statuses = if world.servers()[server].release_devices {
        world.disown_devices(server, &serials, now)
    } else {
        match world.switches.disown_without_permission {
            DisownRefusal::AccessDenied => {
                let reason = "The server may not release devices. No device was released.";
                return Err(Problem::new(StatusCode::FORBIDDEN, "ACCESS_DENIED", reason));
            }
            DisownRefusal::Failed => {
                let failed = |serial| (serial, Some("FAILED".into()));
                Statuses { devices: serials.into_iter().map(failed).collect(), retry_after: None }
            }
        }
    };
    let mut out = vec![b'{'];
    serials::write(&statuses, &mut out);
    out.push(b'}');
    Ok(out)
}
