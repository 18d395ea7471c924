//! One setting with a large fleet, loaded by its first sync: what the figures about many devices start from.

use std::time::{Duration, Instant};

use super::onboarded::{Onboarded, Pair, give_token};
use super::{Bench, database_cpu};
use crate::Result;
use crate::database::Kind;
use crate::graph::Setting;

/// The longest sync that is waited for.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A setting whose devices are all there, and everything that runs.
pub(super) struct Fleet {
    pub(super) on: Onboarded,
    pub(super) pair: Pair,
    pub(super) first: Synced,
}

/// What a sync took.
pub(super) struct Synced {
    /// From asking for it until Graph shows its end.
    pub(super) seconds: f64,
    /// VmHWM, in bytes, since the service was started.
    pub(super) peak: u64,
    pub(super) cpu: Cpu,
    /// RSA operations per second of one core, right before and after it.
    pub(super) rsa: f64,
}

/// CPU seconds so far.
#[derive(Clone, Copy)]
pub(super) struct Cpu {
    pub(super) service: f64,
    pub(super) apple: f64,
    pub(super) database: f64,
}

impl Cpu {
    /// Of the service and of PostgreSQL together.
    pub(super) fn ours(&self) -> f64 {
        self.service + self.database
    }
}

/// On an empty database: makes `devices` at Apple, whose pages then take `delay` milliseconds each, uploads the first
/// token and waits until Graph says that every device is there.
pub(super) fn first_sync(bench: &Bench, kind: Kind, devices: usize, delay: u64) -> Result<Fleet> {
    let flags = ["--mdm-url", "https://mdm.example.org/enroll/{settingId}"];
    let mut on = Onboarded::start(bench, kind, &flags, crate::service::Launch::start)?;
    let pair = on.pair("fleet")?;
    let mut portal = on.apple.portal();
    portal.add_devices(&pair.server, devices)?;
    portal.delay_pages(delay)?;
    let first = timed(bench, kind, &mut on, &pair, |on| give_token(&mut on.graph, &on.apple, &pair))?;
    let setting = on.graph.setting(&pair.setting)?;
    if setting.devices != devices as u64 || setting.error_code != 0 {
        return Err(format!("The sync ended with {setting:?}, not with {devices} devices."));
    }
    Ok(Fleet { on, pair, first })
}

/// Requests a sync and waits until Graph shows one that ended after that.
pub(super) fn timed(
    bench: &Bench,
    kind: Kind,
    on: &mut Onboarded,
    pair: &Pair,
    begin: impl FnOnce(&mut Onboarded) -> Result,
) -> Result<Synced> {
    let earlier = on.graph.setting(&pair.setting)?.synced;
    let ((seconds, before, after), rsa) = bench.beside_rsa(|| {
        let before = cpu(bench, kind, on)?;
        let started = Instant::now();
        begin(on)?;
        wait(on, pair, |setting| setting.synced > earlier)?;
        Ok((started.elapsed().as_secs_f64(), before, cpu(bench, kind, on)?))
    })?;
    let cpu = Cpu {
        service: after.service - before.service,
        apple: after.apple - before.apple,
        database: after.database - before.database,
    };
    Ok(Synced { seconds, peak: on.service.process.memory("VmHWM")?, cpu, rsa })
}

/// Reads the setting until `enough` returns true.
pub(super) fn wait(on: &mut Onboarded, pair: &Pair, enough: impl Fn(&Setting) -> bool) -> Result {
    let started = Instant::now();
    loop {
        let setting = on.graph.setting(&pair.setting)?;
        if enough(&setting) {
            return Ok(());
        }
        if started.elapsed() > TIMEOUT {
            let log = on.launch.log();
            return Err(format!(
                "The sync did not end; {} may say why. Last seen: {setting:?}",
                log.display()
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn cpu(bench: &Bench, kind: Kind, on: &Onboarded) -> Result<Cpu> {
    let service = on.service.process.cpu()?.as_secs_f64();
    let apple = on.apple.process.cpu()?.as_secs_f64();
    Ok(Cpu { service, apple, database: database_cpu(bench, kind)?.as_secs_f64() })
}
