//! `adept demo` as a program: it plays to its end, leaves nothing behind, and says when something went wrong.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::support::database::tempfolder::Folder;

/// The program, with its temporary folders below `temp` and nothing of the tester's environment.
fn adept(temp: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adept"));
    command.args(arguments).env_clear().env("TMPDIR", temp).current_dir(temp).stdin(Stdio::null());
    command
}

fn run(temp: &Path, arguments: &[&str]) -> Output {
    adept(temp, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn the_demo_plays_every_step_and_leaves_nothing_behind() {
    let temp = Folder::new();
    let output = run(temp.path(), &["demo", "--exit"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "", "nothing disturbs the stage");
    for wanted in [
        "/oauth2/v2.0/token ",
        "/getEncryptionPublicKey()",
        "/_sim/servers/{server}/certificate",
        "{id}/uploadDepToken  ",
        "2,500 of 2,500 devices",
        "?$filter=contains(serialNumber,'",
        "lastSyncErrorCode           0 → 1",
        "lastSyncErrorCode           1 → 0",
        "syncedDeviceCount           2500 → 2503",
        "Conflict: The token belongs to another server",
        "Every step went as it must",
        "curl --cacert \"$CA\"",
    ] {
        assert!(shown.contains(wanted), "{wanted:?} is missing in:\n{shown}");
    }
    let statuses = |path: &str| -> Vec<&str> {
        let lines = shown.lines().filter(|line| line.contains(path));
        lines.map(|line| line.split_whitespace().nth(3).unwrap()).collect()
    };
    assert_eq!(statuses("/uploadDepToken"), ["204", "204", "409"]);
    assert!(is_empty(temp.path()), "the temporary folder stayed");
}

#[test]
fn the_demo_is_plain_and_narrow_where_nobody_watches() {
    let temp = Folder::new();
    let output = run(temp.path(), &["demo", "--exit"]);
    for line in text(&output.stdout).lines() {
        assert!(!line.contains('\x1b'), "{line:?}");
        assert!(line.chars().count() <= 100, "{line:?}");
    }
}

#[test]
fn a_given_folder_stays_and_serves_again() {
    let temp = Folder::new();
    for _ in 0..2 {
        let output = run(temp.path(), &["demo", "--exit", "--data-dir", "data"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let listed = run(temp.path(), &["setting", "list", "--data-dir", "data"]);
    assert_eq!(text(&listed.stdout).lines().filter(|line| line.contains("2503 devices")).count(), 2);
}

#[test]
fn a_folder_of_a_real_service_is_refused_and_left_as_it_is() {
    let temp = Folder::new();
    std::fs::write(temp.path().join("adept.db"), "precious").unwrap();
    let output = run(temp.path(), &["demo", "--exit", "--data-dir", "."]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("that the demo did not make"));
    assert_eq!(std::fs::read(temp.path().join("adept.db")).unwrap(), b"precious");
    assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
}

#[test]
fn a_failed_step_is_told_and_shows_in_the_exit_code() {
    let temp = Folder::new();
    let first = run(temp.path(), &["demo", "--exit", "--data-dir", "data"]);
    let shown = text(&first.stdout);
    let tenant = shown.lines().find_map(|line| line.trim().strip_prefix("export TENANT=")).unwrap();
    assert!(run(temp.path(), &["tenant", "disable", tenant, "--data-dir", "data"]).status.success());

    let output = run(temp.path(), &["demo", "--exit", "--data-dir", "data"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("POST /{tenant}/oauth2/v2.0/token was answered with 400 instead of 200"), "{said}");
    assert!(said.contains("disabled by the operator"), "{said}");
    assert!(!text(&output.stdout).contains("Every step went"));
}

#[test]
fn without_exit_the_demo_serves_until_it_is_told_to_stop() {
    let temp = Folder::new();
    let mut demo = adept(temp.path(), &["demo"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut shown = BufReader::new(demo.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("go on until Ctrl-C") {
        line.clear();
        assert_ne!(shown.read_line(&mut line).unwrap(), 0, "the demo ended by itself");
    }
    assert!(demo.try_wait().unwrap().is_none());
    let asked = Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap();
    assert!(asked.success());
    shown.read_to_string(&mut line).unwrap();
    assert!(demo.wait().unwrap().success());
    assert!(is_empty(temp.path()), "the temporary folder stayed");
}
