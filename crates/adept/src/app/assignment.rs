//! Assignment of one setting: what its devices are to have, against what Apple has. Everything comes from what is stored;
//! whatever was learned from Apple is stored before the next thing is asked.
//!
//! A run holds the setting's lease, as a sync does. Before each call to Apple the lease is renewed and the desired state is
//! read again; the call is cut before the lease can end. Nothing wanted means that Apple's state is left alone.

mod assign;
mod counts;
mod define;
mod halve;
mod outcome;
mod recognize;
mod release;
mod unresolved;

use std::sync::Arc;

use adept_apple::{
    client::Session,
    error::{AppleError, AppleErrorKind as Kind, Endpoint},
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use self::counts::AssignmentStatus;
use super::{
    Clock, Error, apple,
    apple_access::{AppleAccess, NoAccess},
    counters::Counters,
    lease_watch::LeaseKeeper,
    shared_profile_options::SharedOptions,
};
use crate::{
    domain::{
        Halving, Lease, Setting, SyncOutcome, Target, TokenState,
        deadline::{Lengths, later},
        is_about_devices,
        setting_state::{AppleFault, AssignmentEnd, AssignmentFinding, pause_after},
    },
    storage::{self, Begun, Claim, WorkingState},
};

/// After an answer was lost.
const AFTER_LOST_ANSWER: SignedDuration = SignedDuration::from_mins(5);
/// After Apple refused something for a reason that is not the token's.
const AFTER_REFUSAL: SignedDuration = SignedDuration::from_mins(15);
/// After something of ours failed.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(1);

/// Why a run stops before its end.
enum Stop {
    /// Lease, token or setting are other ones by now.
    Superseded,
    /// The process stops.
    Interrupted,
    /// A sync goes first.
    SyncIsDue,
    /// The plan has to be read again: other profiles or defaults are wanted, or Apple does not know a profile any more.
    StalePlan,
    /// A process with another enrollment URL or other shared profile options started since; what is due is its work.
    OtherSharedOptions,
    /// The token's time is over; Apple is not shown it.
    Expired,
    /// Apple asked for a wait until then.
    Wait(Timestamp),
    /// An answer of Apple's.
    Apple(AppleError),
    /// Apple refuses calls about devices as a whole, whichever devices they name.
    NotAboutDevices(AppleError),
    /// Something of ours.
    Failed(Error),
}

impl From<storage::Error> for Stop {
    fn from(error: storage::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<AppleError> for Stop {
    fn from(error: AppleError) -> Self {
        Self::Apple(error)
    }
}

/// What came of a run that reached its end.
struct Finished {
    /// The desired state under which all devices were looked at, if they were.
    scanned_generation: Option<i64>,
    /// When something waits for.
    next_due: Option<Timestamp>,
    /// Whether Apple was asked for anything.
    asked: bool,
}

/// Locked while a call is made that goes on when its run is broken off.
type Outliving = Arc<Mutex<()>>;

/// A run under way.
struct Run<'a> {
    runner: &'a AssignmentRunner,
    assignments: &'a storage::Assignments,
    outliving: &'a Outliving,
    lease: Lease,
    setting: Setting,
    session: Session,
    /// The desired state under which it works.
    desired_generation: i64,
    /// Every reason for which devices are to have a profile then.
    targets: Vec<Target>,
    /// Calls made so far: a run gives way to a sync only after one.
    calls: usize,
    /// What is known of calls that Apple refused as a whole.
    halving: Halving,
    /// Devices that stand alone, until it is known that it is about them.
    alone: Vec<halve::LoneDevice>,
    /// When what could not be halved any more goes on.
    put_off: Option<Timestamp>,
}

/// Runs assignments.
pub struct AssignmentRunner {
    pub(super) assignments: storage::Assignments,
    pub(super) profiles: storage::Profiles,
    pub(super) leases: LeaseKeeper,
    pub(super) apple: AppleAccess,
    pub(super) shared: Arc<SharedOptions>,
    pub(super) clock: Clock,
    pub(super) lengths: Lengths,
    pub(super) counters: Counters,
}

impl AssignmentRunner {
    /// Runs what was claimed and writes down how it ended.
    pub(super) async fn run(&self, claim: &Claim, shutdown: &CancellationToken) {
        let outliving = Outliving::default();
        let done = tokio::select! {
            done = self.run_as_claimed(claim, &outliving) => done,
            () = self.leases.keep(&claim.lease) => Err(Stop::Superseded),
            () = shutdown.cancelled() => Err(Stop::Interrupted),
        };
        // What goes on is cut before the lease ends; whether it failed is known to the run, or to nobody.
        drop(outliving.lock().await);
        if let Err(error) = self.end_assignment_run(claim, done).await {
            // The lease ends by itself, and the setting is due again then.
            tracing::warn!(setting = %claim.lease.key.id, cause = error.cause(),
                "the end of an assignment run was not stored: {error}");
        }
    }

    async fn run_as_claimed(&self, claim: &Claim, outliving: &Outliving) -> Result<Finished, Stop> {
        let lease = claim.lease;
        let access = match self.apple.access(lease.key, Some(lease.generation)).await? {
            Ok(access) if access.tokens.setting.token_verified => access,
            Ok(_) | Err(NoAccess::Gone | NoAccess::Superseded(_)) => return Err(Stop::Superseded),
            Err(NoAccess::Expired(_)) => return Err(Stop::Expired),
            Err(NoAccess::Wait(_, until)) => return Err(Stop::Wait(until)),
        };
        let (setting, session) = (access.tokens.setting, access.session);
        let mut run = Run {
            runner: self,
            assignments: &self.assignments,
            outliving,
            lease,
            setting,
            session,
            desired_generation: 0,
            targets: Vec::new(),
            calls: 0,
            halving: Halving::default(),
            alone: Vec::new(),
            put_off: None,
        };
        let done = run.work().await;
        if let Err(Stop::Apple(error)) = &done {
            self.apple.keep_wait(lease.key, &access.consumer, error).await?;
        }
        done
    }

    async fn end_assignment_run(&self, claim: &Claim, done: Result<Finished, Stop>) -> Result<(), Error> {
        let (state, now) = (&claim.state.assignment, self.clock.now());
        let after = |wait| Some(later(now, wait));
        // Soon at first, then as seldom as syncs.
        let pause = pause_after(state.failures, &self.lengths);
        let (mut scanned_generation, mut sync_by) = (None, None);
        let (finding, next_due) = match done {
            Ok(finished) => {
                scanned_generation = finished.scanned_generation;
                sync_by = (!finished.asked && state.failures > 0).then_some(now);
                match finished.asked {
                    true => (AssignmentFinding::Accepted, finished.next_due),
                    false => (AssignmentFinding::NothingAsked, finished.next_due),
                }
            }
            Err(Stop::Superseded | Stop::Interrupted) => {
                return self.leases.release(&claim.lease, SyncOutcome::Superseded).await;
            }
            // Syncs know this by themselves, and what is due here follows the next one that succeeds.
            Err(Stop::Expired) => {
                sync_by = Some(now);
                (AssignmentFinding::Nothing, after(pause))
            }
            Err(Stop::SyncIsDue | Stop::StalePlan | Stop::OtherSharedOptions) => {
                (AssignmentFinding::Nothing, Some(now))
            }
            Err(Stop::Wait(until)) => (AssignmentFinding::Nothing, Some(until)),
            Err(Stop::Failed(error)) => {
                tracing::warn!(setting = %claim.lease.key.id, cause = error.cause(),
                    "an assignment run was broken off: {error}");
                (AssignmentFinding::Nothing, after(AFTER_FAILURE))
            }
            Err(Stop::NotAboutDevices(error)) => {
                tracing::warn!(setting = %claim.lease.key.id, detail = error.detail.as_deref(),
                    "Apple refuses every call about devices, whichever they are; no device is marked: {error}");
                let fault = AppleFault::of(TokenState::NotUnderstood);
                (AssignmentFinding::Fault(fault), after(pause.max(AFTER_REFUSAL)))
            }
            Err(Stop::Apple(error)) => {
                let fault = apple::fault_of(&error);
                let state = fault.state;
                tracing::warn!(setting = %claim.lease.key.id, state = state.as_str(),
                    detail = error.detail.as_deref(), means = state.sentence(),
                    "Apple ended an assignment run: {error}");
                let wait = error.server_wait().and_then(|wait| SignedDuration::try_from(wait).ok());
                match wait {
                    // However short the wait is, an answer like this one is not asked for at once again.
                    Some(wait) => (AssignmentFinding::Fault(fault), after(pause.max(wait))),
                    None if state == TokenState::NotUnderstood => {
                        (AssignmentFinding::Nothing, after(AFTER_REFUSAL))
                    }
                    None if may_be_done(&error) => {
                        (AssignmentFinding::Fault(fault), after(pause.max(AFTER_LOST_ANSWER)))
                    }
                    None => (AssignmentFinding::Fault(fault), after(pause)),
                }
            }
        };
        let end = AssignmentEnd {
            finding,
            scanned_generation,
            next_due,
            sync_by,
            seen_requests: state.requests,
            now,
        };
        if !self.assignments.end_run(&claim.lease, &end).await? {
            self.leases.release(&claim.lease, SyncOutcome::Superseded).await?;
        }
        Ok(())
    }
}

impl Run<'_> {
    fn now(&self) -> Timestamp {
        self.runner.clock.now()
    }

    async fn work(&mut self) -> Result<Finished, Stop> {
        self.settle_unresolved_calls().await?;
        let unreleased = self.release_devices().await?;
        let finished = self.assign_devices().await?;
        unreleased.map_or(Ok(finished), |error| Err(Stop::Apple(error)))
    }

    /// Lengthens the lease and reads what is to be worked under. Other shared profile options come with other desired state: anyone who finds
    /// his own here, behind the desired state, makes no call under those of another.
    async fn renew(&mut self) -> Result<WorkingState, Stop> {
        let (now, lengths) = (self.now(), self.runner.lengths);
        let working =
            self.assignments.renew_for_call(&self.lease, now, &lengths).await?.ok_or(Stop::Superseded)?;
        self.desired_generation = working.desired_generation;
        if !self.runner.shared.are_ours().await? {
            return Err(Stop::OtherSharedOptions);
        }
        Ok(working)
    }

    /// Stores the call that is about to be made. False when desired state changed.
    async fn begin(&mut self, call: &storage::InFlightCall) -> Result<bool, Stop> {
        let (now, lengths) = (self.now(), self.runner.lengths);
        let gives_way = self.calls > 0;
        match self
            .assignments
            .begin_call(&self.lease, self.desired_generation, gives_way, call, now, &lengths)
            .await?
        {
            Begun::Yes => {
                self.calls += 1;
                Ok(true)
            }
            Begun::Stale => Ok(false),
            Begun::SyncIsDue => Err(Stop::SyncIsDue),
        }
    }

    /// Lets a call come to its end although the run may be broken off meanwhile, which waits for it then.
    async fn to_its_end<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, Stop>> + Send + 'static,
    ) -> Result<T, Stop> {
        let lock = Arc::clone(self.outliving).lock_owned().await;
        let call = tokio::spawn(async move {
            let done = call.await;
            drop(lock);
            done
        });
        let unforeseen = |_| Error::Internal { cause: "a call stopped in an unforeseen way".to_owned() };
        call.await.map_err(unforeseen)?
    }

    /// For the next call, which is cut well before the lease ends that was lengthened for it.
    fn bounded_session(&self) -> Session {
        self.session.within(self.runner.lengths.lease.unsigned_abs() * 5 / 6)
    }
}

/// Whether Apple may have done what was asked although this came back: surely not, if it never left, or if anyone who
/// answered refused it.
fn may_be_done(error: &AppleError) -> bool {
    let is_refused = error.status.is_some_and(|status| (400..500).contains(&status));
    error.endpoint != Endpoint::Session
        && !error.is_unsent
        && !is_refused
        && matches!(
            error.kind,
            Kind::Timeout | Kind::Unreachable | Kind::ServerError | Kind::NotUnderstood | Kind::BodyTooLarge
        )
}

/// Whether Apple refused the call for a reason that may lie with one of its devices.
fn is_refused_as_a_whole(error: &AppleError) -> bool {
    matches!(error.endpoint, Endpoint::AssignProfile | Endpoint::DisownDevices)
        && matches!(error.kind, Kind::MalformedRequest | Kind::Refused)
        && error.clock_skew.is_none()
        && is_about_devices(error.status, error.code.as_deref())
}
