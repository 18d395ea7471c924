//! Files that hold secrets are read only when nobody else can, on the file system and by the program itself.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use rcgen::{CertificateParams, KeyPair};

use super::{Going, adept, command, ended};
use crate::support::database::tempfolder::Folder;

/// Somebody who is neither root nor in a group of root's.
const STRANGER: u32 = 61_234;

/// Each file with a secret, and the flags that name them all.
fn files(folder: &Path) -> ([PathBuf; 3], Vec<String>) {
    let paths = ["sealing.key", "tls.key", "url"].map(|name| folder.join(name));
    adept(&["keys", "new", paths[0].to_str().unwrap()]).is(0, "");
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.join("tls.pem"), certificate.pem()).unwrap();
    fs::write(&paths[1], key.serialize_pem()).unwrap();
    fs::write(&paths[2], format!("sqlite://{}", folder.join("adept.db").display())).unwrap();
    let flag = |name: &str, file: &str| format!("--{name}={}", folder.join(file).display());
    let flags = vec![
        flag("data-dir", ""),
        flag("sealing-key-file", "sealing.key"),
        flag("tls-key", "tls.key"),
        flag("tls-cert", "tls.pem"),
        flag("database-url-file", "url"),
    ];
    (paths, flags)
}

fn serve(flags: &[String], credentials: Option<&Path>) -> Command {
    let rest = ["--listen=127.0.0.1:0", "--metrics-listen=off", "--apple-url=http://127.0.0.1:1"];
    let flags: Vec<_> = ["serve"].into_iter().chain(flags.iter().map(String::as_str)).chain(rest).collect();
    let mut command = command(&flags);
    command.env_remove("CREDENTIALS_DIRECTORY");
    command.envs(credentials.map(|folder| ("CREDENTIALS_DIRECTORY", folder)));
    command
}

fn give(file: &Path, owner: u32, group: u32, mode: u32) {
    chown(file, Some(owner), Some(group)).expect("tests run as root");
    fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn serve_refuses_a_file_with_a_secret_that_others_may_read_or_change() {
    let folder = Folder::new();
    let (paths, flags) = files(folder.path());
    for wide in &paths {
        for (owner, group, mode, credentials) in [
            (0, 0, 0o604, None),
            (0, 0, 0o660, None),
            (0, STRANGER, 0o640, None),
            (STRANGER, STRANGER, 0o640, None),
            (STRANGER, STRANGER, 0o604, Some(folder.path())),
            (STRANGER, STRANGER, 0o620, Some(folder.path())),
            (STRANGER, STRANGER, 0o640, Some(Path::new("/proc"))),
        ] {
            paths.iter().for_each(|path| give(path, 0, 0, 0o600));
            give(wide, owner, group, mode);
            let refused = ended(serve(&flags, credentials));
            refused.is(2, "can be read or changed by others");
            assert!(refused.err.contains(wide.to_str().unwrap()), "{refused:?}");
        }
    }
}

#[test]
fn serve_reads_what_the_service_manager_or_root_gives_to_its_group() {
    let folder = Folder::new();
    let (paths, flags) = files(folder.path());
    for (owner, group, credentials) in
        [(0, 0, None), (STRANGER, STRANGER, Some(folder.path())), (0, STRANGER, Some(folder.path()))]
    {
        paths.iter().for_each(|path| give(path, owner, group, 0o440));
        let mut service = Going::start(serve(&flags, credentials));
        service.until("Adept answers at ");
        assert_eq!(service.terminate().0, 0);
    }
}
