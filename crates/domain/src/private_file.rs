//! Whether a file that holds a secret is for this process alone, by its owner and mode.

/// Whose a file is and what others may do with it, as the system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRights {
    /// The owner's number; 0 is root.
    pub owner: u32,
    /// The group's number.
    pub group: u32,
    /// Permission bits.
    pub mode: u32,
}

/// What a mode grants to everyone, to the group, and to the group to change.
const OTHERS: u32 = 0o007;
const GROUP: u32 = 0o070;
const GROUP_WRITES: u32 = 0o020;

impl FileRights {
    /// Whether others have no right and no group may write. A group may read what the service manager gives to this process
    /// (`is_credential`), and what root gives to one of its `groups`, as Kubernetes mounts secrets.
    pub fn are_private(self, is_credential: bool, groups: &[u32]) -> bool {
        let given_by_root = self.owner == 0 && groups.contains(&self.group);
        let is_closed = self.mode & (OTHERS | GROUP_WRITES) == 0;
        is_closed && (self.mode & GROUP == 0 || is_credential || given_by_root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_only_from_a_file_that_is_this_process_alone() {
        const ROOT: u32 = 0;
        const US: u32 = 1000;
        const OURS: u32 = 50;
        const FOREIGN: u32 = 60;
        // Owner, group, mode; then whether it is fine by itself, and as a credential.
        for (owner, group, mode, by_itself, as_credential) in [
            (US, OURS, 0o600, true, true),
            (US, OURS, 0o400, true, true),
            (US, FOREIGN, 0o700, true, true),
            (ROOT, ROOT, 0o600, true, true),
            // Others.
            (US, OURS, 0o604, false, false),
            (US, OURS, 0o602, false, false),
            (US, OURS, 0o601, false, false),
            (ROOT, OURS, 0o444, false, false),
            // A group that writes.
            (US, OURS, 0o620, false, false),
            (ROOT, OURS, 0o660, false, false),
            // A group that reads.
            (US, OURS, 0o640, false, true),
            (US, OURS, 0o440, false, true),
            (ROOT, FOREIGN, 0o440, false, true),
            (ROOT, OURS, 0o440, true, true),
            (ROOT, OURS, 0o640, true, true),
            (ROOT, OURS, 0o650, true, true),
        ] {
            let rights = FileRights { owner, group, mode };
            let groups = [100, OURS];
            let found = [rights.are_private(false, &groups), rights.are_private(true, &groups)];
            assert_eq!(found, [by_itself, as_credential], "{owner}:{group} {mode:o}");
        }
        assert!(!FileRights { owner: ROOT, group: OURS, mode: 0o440 }.are_private(false, &[]));
    }
}
