//! `GET /account`: which server and organization the token is for, and which calls there are.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use super::endpoint::Endpoint;
use super::problem::Problem;
use super::replacement_details;
use crate::world::{Organization, OrganizationType, OrganizationVersion, Server, World};

#[derive(Serialize)]
struct Account<'a> {
    server_name: &'a str,
    server_uuid: &'a str,
    admin_id: &'a str,
    facilitator_id: &'a str,
    org_name: &'a str,
    org_email: &'a str,
    org_phone: &'a str,
    org_address: &'a str,
    #[serde(flatten)]
    since_3: Option<Since3<'a>>,
}

/// Fields that came with protocol version 3.
#[derive(Serialize)]
struct Since3<'a> {
    org_id: &'a str,
    org_id_hash: String,
    org_type: OrganizationType,
    org_version: OrganizationVersion,
    urls: Vec<Url>,
}

#[derive(Serialize)]
struct Url {
    uri: &'static str,
    http_method: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit>,
}

#[derive(Clone, Copy, Serialize)]
struct Limit {
    default: u32,
    maximum: u32,
}

pub(super) fn show(
    world: &World,
    server: &Server,
    organization: &Organization,
    version: u32,
) -> Result<Vec<u8>, Problem> {
    let admin = server.admin().unwrap_or_default();
    let account = Account {
        server_name: &server.name,
        server_uuid: &server.uuid,
        admin_id: admin,
        facilitator_id: admin,
        org_name: &organization.org_name,
        org_email: &organization.org_email,
        org_phone: &organization.org_phone,
        org_address: &organization.org_address,
        since_3: (version >= 3).then(|| Since3 {
            org_id: &organization.org_id,
            org_id_hash: hash(&organization.org_id),
            org_type: organization.org_type,
            org_version: organization.org_version,
            urls: Endpoint::ALL
                .into_iter()
                .filter(|endpoint| {
                    *endpoint != Endpoint::ReplacementDetails || version >= replacement_details::SINCE
                })
                .map(|endpoint| url(world, endpoint))
                .collect(),
        }),
    };
    serde_json::to_vec(&account).map_err(|error| Problem::malformed(error.to_string()))
}

/// Only the two calls that return pages ever carry a limit.
fn url(world: &World, endpoint: Endpoint) -> Url {
    let pages = matches!(endpoint, Endpoint::ServerDevices | Endpoint::DevicesSync);
    let limit = Limit { default: world.switches.limit_default, maximum: world.switches.limit_maximum };
    let http_method = endpoint.methods(&world.switches).iter().map(|method| method.as_str()).collect();
    Url { uri: endpoint.path(), http_method, limit: pages.then_some(limit) }
}

/// SHA-256 as lower-case hex digits.
pub(super) fn hash(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
