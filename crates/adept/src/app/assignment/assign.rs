//! Assigning: target by target, a thousand devices a call, one call at a time. While Apple works on these, the last answer
//! is stored and the next thousand are found.

use jiff::Timestamp;

use super::{
    Finished, Run, Stop,
    define::Defined,
    halve::{LoneDevice, refused},
    is_refused_as_a_whole,
    outcome::{AnsweredCall, Assignment},
};
use crate::{
    app::failpoint,
    domain::{Reason, Target},
    storage::{Plan, ScanPosition, WorkDevice, WorkingState},
};

/// Devices that a target is for, and where the walk goes on behind them.
type Found = (Vec<WorkDevice>, Option<ScanPosition>);

impl Run<'_> {
    /// Gives every device the profile that it is to have.
    pub(super) async fn assign_devices(&mut self) -> Result<Finished, Stop> {
        loop {
            let started = self.now();
            let held = self.renew().await?;
            let mut plan = self.plan().await?;
            // Only a default may take a device that carries a profile of ours.
            self.targets = plan.targets();
            if self.targets.iter().any(|target| matches!(target.reason, Reason::Default(_))) {
                self.recognize_profiles(held.scan_all).await?;
            }
            match self.assign_plan(&mut plan, held.scan_all).await {
                Err(Stop::StalePlan) => {}
                blocked => return self.finish(started, held, blocked?).await,
            }
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
        let WorkingState { desired_generation, scan_all: all, .. } = working;
        if all && blocked.is_none() {
            let foreign = self.assignments.count_foreign_devices(&self.lease).await?;
            if foreign > 0 {
                tracing::info!(setting = %self.lease.key.id, devices = foreign,
                    "devices carry another product's profile and keep it until a profile is assigned to them");
            }
        }
        let next = self
            .assignments
            .rest_devices(&self.lease, desired_generation, started, blocked.is_some())
            .await?;
        let release = self.assignments.next_release_due(&self.lease).await?;
        let release = release.map(|due| self.put_off.map_or(due, |until| due.max(until)));
        Ok(Finished {
            scanned_generation: (all && blocked.is_none()).then_some(desired_generation),
            next_due: [blocked, next, release].into_iter().flatten().min(),
            asked: self.calls > 0,
        })
    }

    /// Answers when a profile is sent to Apple again that it does not know yet.
    async fn assign_plan(&mut self, plan: &mut Plan, all: bool) -> Result<Option<Timestamp>, Stop> {
        let mut blocked: Option<Timestamp> = None;
        for target in &self.targets.clone() {
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
                }
                first = self.find(target, planned.apple_uuid.as_deref(), ScanPosition::start(all)).await?;
            }
            let to = Assignment {
                profile: planned.profile.clone(),
                reason: target.reason.as_str(),
                apple_uuid: planned.apple_uuid.clone().unwrap_or_default(),
            };
            let mut last = None;
            let walked = self.walk_target(target, &to, first, &mut last).await;
            // However the walk ended, what Apple answered last is stored.
            let known = self.settle_last(&to, last).await;
            walked?;
            known?;
        }
        Ok(blocked)
    }

    async fn find(
        &self,
        target: &Target,
        apple_uuid: Option<&str>,
        place: ScanPosition,
    ) -> Result<Found, Stop> {
        let owner = self.lease.key;
        let now = self.now();
        Ok(self.assignments.devices_to_assign(owner, target, apple_uuid, &place, now).await?)
    }

    async fn plan(&self) -> Result<Plan, Stop> {
        let common = self.runner.shared.desired_digest();
        Ok(self.assignments.plan(self.lease.key, common.as_deref()).await?)
    }

    async fn settle_last(&self, to: &Assignment, last: Option<AnsweredCall>) -> Result<(), Stop> {
        match last {
            Some(asked) => self.settle(to, asked).await,
            None => Ok(()),
        }
    }

    async fn walk_target(
        &mut self,
        target: &Target,
        to: &Assignment,
        (first, mut next): Found,
        last: &mut Option<AnsweredCall>,
    ) -> Result<(), Stop> {
        let owner = self.lease.key;
        // Devices for a call each, the next ones last, and whether they are a half of what Apple refused as a whole.
        let mut batches = vec![(first, false)];
        loop {
            let Some((mut devices, is_half)) = batches.pop() else {
                let Some(place) = next.take() else { return Ok(()) };
                let (found, behind) = self.find(target, Some(&to.apple_uuid), place).await?;
                (batches, next) = (vec![(found, false)], behind);
                continue;
            };
            devices.retain(|device| !self.stands_alone(&device.serial));
            if devices.is_empty() {
                continue;
            }
            if is_half && !self.halving.may_call() {
                self.leave_the_rest();
                batches.retain(|(_, is_half)| !is_half);
                continue;
            }
            let call = to.call(self.runner.clock.new_id(), &devices);
            if !self.begin(&call).await? {
                self.renew().await?;
                if self.plan().await?.targets() != self.targets {
                    return Err(Stop::StalePlan);
                }
                let now = self.now();
                let still =
                    self.assignments.still_to_assign(owner, target, &to.apple_uuid, &devices, now).await?;
                // The call is counted already.
                batches.push((still, false));
                continue;
            }
            failpoint::at("assign-begun");
            let before = last.take();
            let place = if batches.is_empty() { next.take() } else { None };
            let session = self.bounded_session();
            let asked = session.assign_profile(&to.apple_uuid, &call.serials);
            let meanwhile = async {
                let known = self.settle_last(to, before).await;
                let upcoming = match place {
                    Some(place) => self.find(target, Some(&to.apple_uuid), place).await.map(Some),
                    None => Ok(None),
                };
                (known, upcoming)
            };
            let (answer, (known, upcoming)) = tokio::join!(asked, meanwhile);
            failpoint::at("assign-answered");
            let mut halved = None;
            match answer {
                Err(error) if is_refused_as_a_whole(&error) => {
                    self.assignments.take_back_call(&self.lease, call.id).await?;
                    halved = Some((devices, error));
                }
                answer => {
                    let is_refused = answer.is_err();
                    let desired_generation = self.desired_generation;
                    let asked = AnsweredCall { call: call.id, desired_generation, devices, answer };
                    if !is_refused {
                        *last = Some(asked);
                        self.halving.on_accepted();
                        self.mark_alone().await?;
                    } else {
                        // Nothing more is asked before it is known what this means.
                        self.settle(to, asked).await?;
                    }
                }
            }
            known?;
            if let Some((found, behind)) = upcoming? {
                batches.push((found, false));
                next = behind;
            }
            if let Some((devices, error)) = halved {
                if self.put_off.is_some() {
                    // Nothing can be halved any more in this run; the rest would be refused call by call.
                    return Ok(());
                }
                let lone = |device: WorkDevice| LoneDevice {
                    device: refused(device.serial, device.attempts),
                    assigns: Some(to.clone()),
                };
                let halves = self.halve(devices, error, lone).await?;
                batches.extend(halves.into_iter().map(|half| (half, true)));
            }
        }
    }
}
