//! Assigning: target by target, a thousand devices a call, one call at a time. While Apple works on these, the last answer
//! is stored and the next thousand are found.

use jiff::Timestamp;

use super::{
    Finished, Run, Stop,
    define::Defined,
    is_refused_as_a_whole,
    outcome::{AnsweredCall, Assignment},
};
use crate::{
    app::failpoint,
    domain::{Profile, Reason, Target},
    storage::{Plan, ScanPosition, WorkDevice, WorkingState},
};

/// How far one look at the plan came.
enum Looked {
    /// Other profiles or defaults are wanted by now.
    PlanChanged,
    /// To its end; the time at which a profile is sent to Apple again that it does not know yet.
    Through(Option<Timestamp>),
}

/// How far the devices of one target came.
pub(super) enum Walked {
    /// Other profiles or defaults are wanted by now.
    PlanChanged,
    /// Apple does not know the profile any more.
    Unknown,
    /// To their end.
    Through,
}

impl Run<'_> {
    /// Gives every device the profile that it is to have.
    pub(super) async fn assign_devices(&mut self) -> Result<Finished, Stop> {
        loop {
            let started = self.runner.clock.now();
            let held = self.renew().await?;
            let mut plan = self.plan().await?;
            // Only a default may take a device that carries a profile of ours.
            if plan.targets().iter().any(|target| matches!(target.reason, Reason::Default(_))) {
                self.recognize_profiles(held.scan_all).await?;
            }
            let Looked::Through(blocked) = self.assign_plan(&mut plan, held.scan_all).await? else {
                continue;
            };
            return self.finish(started, held, blocked).await;
        }
    }

    /// Ends a look that began at `started` under what was `held` then: what is wanted since was not looked at, whatever
    /// time it bears, and makes the setting due again.
    async fn finish(
        &mut self,
        started: Timestamp,
        working: WorkingState,
        blocked: Option<Timestamp>,
    ) -> Result<Finished, Stop> {
        self.mark_alone().await?;
        let blocked = [blocked, self.put_off].into_iter().flatten().min();
        let assignments = &self.runner.assignments;
        let WorkingState { desired_generation, scan_all: all, .. } = working;
        if all && blocked.is_none() {
            let foreign = assignments.count_foreign_devices(&self.lease).await?;
            if foreign > 0 {
                tracing::info!(setting = %self.lease.key.id, devices = foreign,
                    "devices carry another product's profile and keep it until a profile is assigned to them");
            }
        }
        let next =
            assignments.rest_devices(&self.lease, desired_generation, started, blocked.is_some()).await?;
        let release = assignments.next_release_due(&self.lease).await?;
        let release = release.map(|due| self.put_off.map_or(due, |until| due.max(until)));
        Ok(Finished {
            scanned_generation: (all && blocked.is_none()).then_some(desired_generation),
            next_due: [blocked, next, release].into_iter().flatten().min(),
            asked: self.calls > 0,
        })
    }

    async fn assign_plan(&mut self, plan: &mut Plan, all: bool) -> Result<Looked, Stop> {
        let targets = plan.targets();
        let mut blocked: Option<Timestamp> = None;
        for target in &targets {
            let Some(planned) = plan.0.iter_mut().find(|planned| planned.profile.id == target.profile) else {
                continue;
            };
            let mut first =
                self.find(target, planned.apple_uuid.as_deref(), ScanPosition::start(all)).await?;
            if first.0.is_empty() {
                continue;
            }
            if planned.apple_uuid.is_none() {
                match self.define(planned).await? {
                    Defined::As(uuid) => planned.apple_uuid = Some(uuid),
                    Defined::At(time) => {
                        blocked = Some(blocked.map_or(time, |known| known.min(time)));
                        continue;
                    }
                    Defined::Never => continue,
                    Defined::Stale => return Ok(Looked::PlanChanged),
                }
                first = self.find(target, planned.apple_uuid.as_deref(), ScanPosition::start(all)).await?;
            }
            let (profile, uuid) = (planned.profile.clone(), planned.apple_uuid.clone().unwrap_or_default());
            match self.assign_target(&targets, target, &profile, &uuid, first).await? {
                Walked::Through => {}
                Walked::PlanChanged | Walked::Unknown => return Ok(Looked::PlanChanged),
            }
        }
        Ok(Looked::Through(blocked))
    }

    async fn find(
        &self,
        target: &Target,
        apple_uuid: Option<&str>,
        place: ScanPosition,
    ) -> Result<(Vec<WorkDevice>, Option<ScanPosition>), Stop> {
        let owner = self.lease.key;
        let now = self.runner.clock.now();
        Ok(self.runner.assignments.devices_to_assign(owner, target, apple_uuid, &place, now).await?)
    }

    /// Reads desired state and plan again; whether the same profiles are to go to the same kinds of devices.
    pub(super) async fn same_plan(&mut self, targets: &[Target]) -> Result<bool, Stop> {
        self.renew().await?;
        Ok(self.plan().await?.targets() == targets)
    }

    async fn plan(&self) -> Result<Plan, Stop> {
        let common = self.runner.shared.desired_digest();
        Ok(self.runner.assignments.plan(self.lease.key, common.as_deref()).await?)
    }

    async fn assign_target(
        &mut self,
        targets: &[Target],
        target: &Target,
        profile: &Profile,
        apple_uuid: &str,
        first: (Vec<WorkDevice>, Option<ScanPosition>),
    ) -> Result<Walked, Stop> {
        let to = Assignment { target, profile, apple_uuid };
        let mut last = None;
        let walked = self.walk_target(targets, &to, first, &mut last).await;
        // However the walk ended, what Apple answered last is stored.
        let known = match last {
            Some(asked) => self.settle(&to, asked).await,
            None => Ok(true),
        };
        let walked = walked?;
        if known? { Ok(walked) } else { Ok(Walked::Unknown) }
    }

    async fn walk_target(
        &mut self,
        targets: &[Target],
        to: &Assignment<'_>,
        (mut devices, mut next): (Vec<WorkDevice>, Option<ScanPosition>),
        last: &mut Option<AnsweredCall>,
    ) -> Result<Walked, Stop> {
        let owner = self.lease.key;
        loop {
            devices.retain(|device| !self.stands_alone(&device.serial));
            if devices.is_empty() {
                let Some(place) = next.take() else { return Ok(Walked::Through) };
                (devices, next) = self.find(to.target, Some(to.apple_uuid), place).await?;
                continue;
            }
            let call = to.call(self.runner.clock.new_id(), &devices);
            if !self.begin(&call).await? {
                if !self.same_plan(targets).await? {
                    return Ok(Walked::PlanChanged);
                }
                let now = self.runner.clock.now();
                let assignments = &self.runner.assignments;
                devices = assignments.still_to_assign(owner, to.target, to.apple_uuid, &devices, now).await?;
                continue;
            }
            failpoint::at("assign-begun");
            let before = last.take();
            let session = self.bounded_session();
            let asked = session.assign_profile(to.apple_uuid, &call.serials);
            let meanwhile = async {
                let known = match before {
                    Some(asked) => self.settle(to, asked).await,
                    None => Ok(true),
                };
                let upcoming = match next {
                    Some(place) => self.find(to.target, Some(to.apple_uuid), place).await,
                    None => Ok((Vec::new(), None)),
                };
                (known, upcoming)
            };
            let (answer, (known, upcoming)) = tokio::join!(asked, meanwhile);
            failpoint::at("assign-answered");
            let is_refused = match answer {
                Err(error) if is_refused_as_a_whole(&error) => {
                    self.runner.assignments.take_back_call(&self.lease, call.id).await?;
                    if !known? {
                        return Ok(Walked::Unknown);
                    }
                    if self.put_off.is_some() {
                        // Nothing can be halved any more in this run; the rest would be refused call by call.
                        return Ok(Walked::Through);
                    }
                    match self.halve_assignment(targets, to, devices, error).await? {
                        Walked::Through => {}
                        ended => return Ok(ended),
                    }
                    (devices, next) = upcoming?;
                    continue;
                }
                _ => answer.is_err(),
            };
            let asked =
                AnsweredCall { call: call.id, desired_generation: self.desired_generation, devices, answer };
            if is_refused {
                // Nothing more is asked before it is known what this means.
                let still_known = self.settle(to, asked).await?;
                if !still_known {
                    return Ok(Walked::Unknown);
                }
            } else {
                *last = Some(asked);
                self.halving.on_accepted();
                self.mark_alone().await?;
            }
            if !known? {
                return Ok(Walked::Unknown);
            }
            (devices, next) = upcoming?;
        }
    }
}
