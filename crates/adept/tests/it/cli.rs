//! The built program, as people and scripts run it: exit code, standard output, standard error.

mod client;
mod device;
mod doctor;
mod help;
mod keys;
mod memory;
mod migrate;
mod private_files;
mod private_memory;
mod serve;
mod setting;
mod simulator;
mod tenant;
mod token;

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    err: String,
}

/// The program with these arguments, and with nothing of this process's own configuration.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adept"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ADEPT_")) {
        command.env_remove(name);
    }
    command.args(arguments);
    command
}

/// Runs the program to its end.
pub fn adept(arguments: &[&str]) -> Ended {
    ended(command(arguments))
}

fn ended(mut command: Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ended {
    /// Checks the code; `part` is in standard error, and standard output is empty after a failure.
    #[track_caller]
    fn is(&self, code: i32, part: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(part), "{self:?}");
        assert!(code == 0 || self.out.is_empty(), "{self:?}");
    }

    #[track_caller]
    fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A program that keeps running, and what it has said on standard error so far.
struct Going {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Going {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Self { child, lines, said: String::new() }
    }

    /// Reads until a line holds `part`, and answers that line.
    fn until(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "{part} was not said: {}", self.said);
            self.said.push_str(&line);
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Sends a signal by its name.
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it; the code, and everything it said.
    fn terminate(mut self) -> (i32, String) {
        self.signal("TERM");
        self.lines.read_to_string(&mut self.said).unwrap();
        let status = self.child.wait().unwrap();
        (status.code().unwrap(), std::mem::take(&mut self.said))
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
