//! The memory of a running service: no process of the same user reads it, and no core file holds it.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::{CommandExt, ExitStatusExt},
    },
    process::{Command, ExitStatus},
};

use super::{Going, command};
use crate::support::database::tempfolder::Folder;

/// Root reads everything, so the service and who looks at it are another user.
const USER: u32 = 61_234;

/// A service of that user, whose limit of core files was lifted, in a folder of its own.
struct Service {
    going: Going,
    _folder: Folder,
}

impl Service {
    fn start(more: &[&str]) -> Self {
        let folder = Folder::new();
        let program = folder.path().join("adept");
        fs::copy(env!("CARGO_BIN_EXE_adept"), &program).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        chown(folder.path(), Some(USER), Some(USER)).expect("tests run as root");
        let data = format!("--data-dir={}/data", folder.path().display());
        let flags = ["serve", &data, "--listen=127.0.0.1:0", "--metrics-listen=off", "--plain-http"];
        let arguments = [&flags, more].concat();
        let mut unlimited = command(&[]);
        let environment: Vec<_> = unlimited
            .get_envs()
            .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        unlimited = Command::new("sh");
        for (name, _) in environment {
            unlimited.env_remove(name);
        }
        unlimited.args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""]).arg(program).args(arguments);
        unlimited.current_dir(folder.path()).uid(USER).gid(USER);
        let mut going = Going::start(unlimited);
        going.until("Adept answers at ");
        Self { going, _folder: folder }
    }

    /// Whether another process of the same user may open a file of this one's below `/proc`.
    fn shows(&self, file: &str) -> bool {
        let path = format!("/proc/{}/{file}", self.going.child.id());
        let mut look = Command::new("head");
        look.args(["--bytes=1", &path]).uid(USER).gid(USER);
        look.output().unwrap().status.success()
    }

    fn abort(mut self) -> ExitStatus {
        self.going.signal("ABRT");
        self.going.child.wait().unwrap()
    }
}

#[test]
fn nobody_of_the_same_user_reads_its_memory_and_no_core_file_is_written() {
    let service = Service::start(&[]);
    for file in ["mem", "environ", "maps", "auxv"] {
        assert!(!service.shows(file), "{file}");
    }
    let status = service.abort();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
}

#[test]
fn it_can_be_looked_into_when_that_is_asked_for() {
    let service = Service::start(&["--allow-core"]);
    for file in ["environ", "maps", "auxv"] {
        assert!(service.shows(file), "{file}");
    }
    // A pattern with a `|` belongs to a program that may be missing.
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    let status = service.abort();
    assert!(status.core_dumped() || pattern.starts_with('|'), "{status:?}");
}
