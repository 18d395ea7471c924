//! A service, Apple's simulator, and settings with a server there: what most figures start from.

use super::Bench;
use crate::Result;
use crate::apple::Apple;
use crate::database::Kind;
use crate::graph::{Graph, lost, upload_body};
use crate::service::{Launch, Service};

/// Everything that runs. Fields are dropped in this order: the service first.
pub(super) struct Onboarded {
    pub(super) service: Service,
    pub(super) graph: Graph,
    pub(super) launch: Launch,
    pub(super) apple: Apple,
}

/// A setting and its server at Apple.
#[derive(Clone)]
pub(super) struct Pair {
    pub(super) setting: String,
    pub(super) server: String,
}

impl Onboarded {
    /// Starts Apple and, as `begin` says, the service, on an empty database.
    pub(super) fn start(
        bench: &Bench,
        kind: Kind,
        flags: &[&str],
        begin: impl FnOnce(&Launch) -> Result<Service>,
    ) -> Result<Self> {
        let apple = Apple::start(&bench.bed)?;
        let launch = Launch::new(&bench.bed, kind, apple.port, flags)?;
        let credentials = launch.add_client()?;
        let service = begin(&launch)?;
        let graph = service.sign_in(&credentials)?;
        Ok(Self { service, graph, launch, apple })
    }

    /// A setting with a server at Apple, and no token yet.
    pub(super) fn pair(&mut self, name: &str) -> Result<Pair> {
        pair(&mut self.graph, &self.apple, name)
    }
}

/// The same for a thread of its own.
pub(super) fn pair(graph: &mut Graph, apple: &Apple, name: &str) -> Result<Pair> {
    let setting = graph.create(name)?;
    let certificate = graph.public_key(&setting)?;
    let server = apple.portal().register(&certificate)?;
    Ok(Pair { setting, server })
}

/// Issues a token and uploads it.
pub(super) fn give_token(graph: &mut Graph, apple: &Apple, pair: &Pair) -> Result {
    let file = apple.portal().issue(&pair.server, None)?;
    let answer = graph.upload(&pair.setting, &upload_body(&file)).map_err(lost)?;
    answer.expect(204).map(drop).map_err(|error| format!("The upload: {error}"))
}
