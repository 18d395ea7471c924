//! What was seen in a run, to show that it really hit something.

use std::fmt;

#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) runs: u64,
    pub(super) kills: u64,
    pub(super) uploads_answered: u64,
    /// Cut off by a kill, and stored as a whole.
    pub(super) uploads_whole: u64,
    /// Cut off by a kill, and not stored at all.
    pub(super) uploads_absent: u64,
    /// Syncs that were due or under way when the service was killed.
    pub(super) syncs_cut: u64,
    pub(super) devices_equal: u64,
    pub(super) devices_tombstone: u64,
    /// Devices that have their desired profile.
    pub(super) assigned: u64,
    /// Kills that were a SIGSTOP for longer than the lease.
    pub(super) stopped: u64,
    /// Stops in the midst of a sync that another process took over in time, and whose own process was fenced.
    pub(super) taken_over: u64,
    /// Those of them that were inside a transaction.
    pub(super) in_transactions: u64,
    /// Connections to PostgreSQL that were cut behind COMMIT.
    pub(super) cuts: u64,
    /// Kills at fail points that were reached.
    pub(super) at_places: u64,
    /// Kills at fail points that were not reached in time.
    pub(super) past_places: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Tally) {
        let Tally {
            runs,
            kills,
            uploads_answered,
            uploads_whole,
            uploads_absent,
            syncs_cut,
            devices_equal,
            devices_tombstone,
            assigned,
            stopped,
            taken_over,
            in_transactions,
            cuts,
            at_places,
            past_places,
        } = other;
        self.runs += runs;
        self.kills += kills;
        self.uploads_answered += uploads_answered;
        self.uploads_whole += uploads_whole;
        self.uploads_absent += uploads_absent;
        self.syncs_cut += syncs_cut;
        self.devices_equal += devices_equal;
        self.devices_tombstone += devices_tombstone;
        self.assigned += assigned;
        self.stopped += stopped;
        self.taken_over += taken_over;
        self.in_transactions += in_transactions;
        self.cuts += cuts;
        self.at_places += at_places;
        self.past_places += past_places;
    }

    /// A few lines for all runs.
    pub(super) fn summary(&self) -> String {
        format!(
            "{} runs, {} kills, {} of them at fail points ({} more were not reached)\n\
             {} stops for longer than the lease, {} of them in the midst of a sync that another process took over, {} inside a \
             transaction; {} connections cut behind COMMIT\n\
             {} uploads answered with 204, none lost; of those cut off {} stored whole, {} absent\n\
             {} syncs cut off or due; {} devices compared with Apple's, {} tombstones still listed\n\
             {} devices with their desired profile, none with another",
            self.runs,
            self.kills,
            self.at_places,
            self.past_places,
            self.stopped,
            self.taken_over,
            self.in_transactions,
            self.cuts,
            self.uploads_answered,
            self.uploads_whole,
            self.uploads_absent,
            self.syncs_cut,
            self.devices_equal,
            self.devices_tombstone,
            self.assigned
        )
    }
}

/// One run.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "uploads: {:>3} answered, {} whole, {} absent  syncs cut: {}  devices: {:>5} and {:>3} tombstones, {:>4} with profile",
            self.uploads_answered,
            self.uploads_whole,
            self.uploads_absent,
            self.syncs_cut,
            self.devices_equal,
            self.devices_tombstone,
            self.assigned
        )
    }
}
