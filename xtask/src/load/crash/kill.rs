//! The ways in which a service ends: by SIGKILL after a random time, or by itself at a fail point; or is
//! disturbed and continues, until the checks restart it.

use std::fmt;
use std::time::Duration;

use super::random::Random;
use crate::database::Kind;

/// A way to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kill {
    /// SIGSTOP this long after the load began, for longer than the lease, then SIGCONT.
    Stop(Duration),
    /// Connections to PostgreSQL cut behind COMMIT, from this long after the load began.
    Cut(Duration),
    /// SIGKILL this long after the load began.
    After(Duration),
    /// The n-th time that it reaches a fail point, compiled in by the feature `failpoints`.
    At(Failpoint, u64),
}

/// The ways that the service survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Disturbance {
    Stop,
    Cut,
}

/// The points of `ADEPT_FAILPOINT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failpoint {
    /// The token was opened; Apple was not called yet.
    UploadOpened,
    /// Apple accepted the token; nothing is stored.
    UploadProven,
    /// Everything is stored; the caller was not answered.
    UploadSaved,
    /// The lease was taken; no call was made.
    SyncClaimed,
    /// A page was read; nothing of it is stored.
    PageRead,
    /// A page of devices and its cursor are stored; the sync continues.
    PageStored,
    /// Some devices that a fetch did not list are settled.
    MissingSettled,
    /// Everything was fetched and stored, and the devices not listed are settled; the run continues.
    FetchEnded,
    /// Everything is stored but the end of the run.
    SyncEnded,
    /// The attempt to define a profile is stored; Apple was not called yet.
    DefineBegun,
    /// Apple has defined a profile; its uuid is unknown.
    DefineAnswered,
    /// Its id is stored; no device has it.
    DefineStored,
    /// The assignment call is stored; Apple was not called yet.
    AssignBegun,
    /// Apple has assigned a profile; nothing of it is stored.
    AssignAnswered,
    /// What Apple answered is stored; the next devices wait.
    AssignStored,
    /// The same for a release.
    ReleaseBegun,
    /// Apple has released devices; nothing of it is stored.
    ReleaseAnswered,
    /// What Apple answered is stored.
    ReleaseStored,
    /// After a lost answer the actual state was read; nothing of it is stored. Only reached after another kill.
    DetailsRead,
}

impl Failpoint {
    const ALL: [Failpoint; 18] = [
        Failpoint::UploadOpened,
        Failpoint::UploadProven,
        Failpoint::UploadSaved,
        Failpoint::SyncClaimed,
        Failpoint::PageRead,
        Failpoint::PageStored,
        Failpoint::FetchEnded,
        Failpoint::SyncEnded,
        Failpoint::DefineBegun,
        Failpoint::DefineAnswered,
        Failpoint::DefineStored,
        Failpoint::AssignBegun,
        Failpoint::AssignAnswered,
        Failpoint::AssignStored,
        Failpoint::ReleaseBegun,
        Failpoint::ReleaseAnswered,
        Failpoint::ReleaseStored,
        Failpoint::MissingSettled,
    ];

    /// How many of them are reached before any device is listed.
    const BEFORE_DEVICES: usize = 14;

    /// As the program knows it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Failpoint::UploadOpened => "upload-opened",
            Failpoint::UploadProven => "upload-verified",
            Failpoint::UploadSaved => "upload-saved",
            Failpoint::SyncClaimed => "sync-claimed",
            Failpoint::PageRead => "page-read",
            Failpoint::PageStored => "page-stored",
            Failpoint::MissingSettled => "absent-settled",
            Failpoint::FetchEnded => "fetch-ended",
            Failpoint::SyncEnded => "sync-ended",
            Failpoint::DefineBegun => "define-begun",
            Failpoint::DefineAnswered => "define-answered",
            Failpoint::DefineStored => "define-stored",
            Failpoint::AssignBegun => "assign-begun",
            Failpoint::AssignAnswered => "assign-answered",
            Failpoint::AssignStored => "assign-stored",
            Failpoint::ReleaseBegun => "release-begun",
            Failpoint::ReleaseAnswered => "release-answered",
            Failpoint::ReleaseStored => "release-stored",
            Failpoint::DetailsRead => "details-read",
        }
    }

    /// Whether it is reached once per page.
    fn is_repeated(self) -> bool {
        matches!(self, Failpoint::PageRead | Failpoint::PageStored)
    }

    /// Whether a process that ended here finds an unresolved call to Apple when it starts again.
    pub(super) fn leaves_a_call(self) -> bool {
        use Failpoint::{AssignAnswered, AssignBegun, ReleaseAnswered, ReleaseBegun};
        matches!(self, AssignBegun | AssignAnswered | ReleaseBegun | ReleaseAnswered)
    }

    /// Whether it is reached in an upload.
    pub(super) fn is_in_an_upload(self) -> bool {
        matches!(self, Failpoint::UploadOpened | Failpoint::UploadProven | Failpoint::UploadSaved)
    }
}

impl Kill {
    /// For the first kill of a run no device is listed yet that could be released or missed.
    pub(super) fn choose(
        random: &mut Random,
        kind: Kind,
        only: Option<Disturbance>,
        failpoints: bool,
        is_first: bool,
    ) -> Self {
        let disturbance = match (only, random.within(0..8)) {
            (Some(only), _) => Some(only),
            (None, 0) => Some(Disturbance::Stop),
            (None, 1) => Some(Disturbance::Cut),
            (None, _) => None,
        };
        match disturbance {
            Some(Disturbance::Stop) => {
                return Kill::Stop(Duration::from_millis(random.within(100..2500)));
            }
            Some(Disturbance::Cut) if kind == Kind::Postgres => {
                return Kill::Cut(Duration::from_millis(random.within(1..1500)));
            }
            _ => {}
        }
        if failpoints && random.once_in(2) {
            let places =
                if is_first { &Failpoint::ALL[..Failpoint::BEFORE_DEVICES] } else { &Failpoint::ALL[..] };
            let place = places[random.within(0..places.len() as u64) as usize];
            return Kill::At(place, if place.is_repeated() { random.within(1..5) } else { 1 });
        }
        // Short times fall into the first sync and into the first renewals, long ones into the changes after them.
        let longest = [200, 800, 2500][random.within(0..3) as usize];
        Kill::After(Duration::from_millis(random.within(1..longest)))
    }

    /// At most one upload runs when the service ends during an upload, so that what must be stored is certain.
    pub(super) fn is_in_an_upload(self) -> bool {
        matches!(self, Kill::At(place, _) if place.is_in_an_upload())
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kill::Stop(time) => write!(f, "stopped after {} ms", time.as_millis()),
            Kill::Cut(time) => write!(f, "cut off from the database after {} ms", time.as_millis()),
            Kill::After(time) => write!(f, "after {} ms", time.as_millis()),
            Kill::At(place, 1) => write!(f, "at {}", place.name()),
            Kill::At(place, time) => write!(f, "at {}, time {time}", place.name()),
        }
    }
}
