//! Child processes, and what the kernel says they used. Each is killed when dropped.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::Result;

/// Linux counts the time of processes in hundredths of a second, whatever the kernel's own tick is (proc(5), time(7)).
const TICKS_PER_SECOND: u64 = 100;

/// A running program.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts it; its output is appended to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let open = || OpenOptions::new().create(true).append(true).open(log);
        let log: File = open().map_err(|error| format!("Cannot write {}: {error}.", log.display()))?;
        let again = log.try_clone().map_err(|error| format!("Cannot share a log: {error}."))?;
        command.stdin(Stdio::null()).stdout(log).stderr(again);
        let child = command.spawn().map_err(|error| format!("Cannot start {command:?}: {error}."))?;
        Ok(Self { child })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended; none while it runs.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().map_err(|error| format!("Cannot ask for a process: {error}."))
    }

    /// Sends SIGKILL and waits for the end.
    pub(crate) fn kill(&mut self) -> Result {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(drop).map_err(|error| format!("Cannot kill process {}: {error}.", self.id()))
    }

    /// Sends a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) -> Result {
        // The shell's own `kill` is there even where the program is not.
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status();
        match sent {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(format!("Process {} took no SIG{name}.", self.id())),
            Err(error) => Err(format!("Cannot start sh: {error}.")),
        }
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn stop(mut self) -> Result {
        self.signal("TERM")?;
        let deadline = Instant::now() + Duration::from_secs(40);
        while Instant::now() < deadline {
            if self.ended()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(format!("Process {} did not end within 40 s of being asked to.", self.id()))
    }

    /// User and system time of all its threads so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        Self::cpu_of(self.id())
    }

    /// The same of another process, or of this one.
    pub(crate) fn cpu_of(id: u32) -> Result<Duration> {
        Ok(ticks(read_stat(id)?.own))
    }

    /// A line of `/proc/PID/status` that is a size, in bytes: `VmRSS` for what it has in memory, `VmHWM` for the most.
    pub(crate) fn memory(&self, line: &str) -> Result<u64> {
        let path = format!("/proc/{}/status", self.id());
        let text = std::fs::read_to_string(&path).map_err(|error| format!("Cannot read {path}: {error}."))?;
        let kilobytes = text
            .lines()
            .find_map(|found| found.strip_prefix(line)?.strip_prefix(':')?.trim().strip_suffix("kB"))
            .and_then(|number| number.trim().parse::<u64>().ok());
        kilobytes.map(|count| count * 1024).ok_or_else(|| format!("{path} has no {line}."))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time of a process and its children, those that have ended included.
pub(crate) fn cpu_with_children(id: u32) -> Result<Duration> {
    let parent = read_stat(id)?;
    let mut sum = parent.own + parent.ended_children;
    let processes = std::fs::read_dir("/proc").map_err(|error| format!("Cannot read /proc: {error}."))?;
    for entry in processes.flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that ends while we look is counted by its parent.
        if let Ok(stat) = read_stat(child)
            && stat.parent == id
        {
            sum += stat.own;
        }
    }
    Ok(ticks(sum))
}

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count * 1000 / TICKS_PER_SECOND)
}

/// Part of `/proc/PID/stat`; times in ticks.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own: u64,
    ended_children: u64,
}

fn read_stat(id: u32) -> Result<Stat> {
    let path = format!("/proc/{id}/stat");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("Cannot read {path}: {error}."))?;
    parse_stat(&text).ok_or_else(|| format!("{path} is not as expected."))
}

/// The program's name stands in parentheses and may hold anything, so what follows its last one counts (proc(5)).
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: number(11)? + number(12)?,
        ended_children: number(13)? + number(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_follow_its_name_whatever_that_is() {
        let line = "42 (a) b (c)) S 7 42 42 0 -1 4194560 1 0 0 0 100 20 3 4 20 0 5 0 1 2 3";
        assert_eq!(parse_stat(line), Some(Stat { parent: 7, own: 120, ended_children: 7 }));
        assert_eq!(parse_stat("42 (a"), None);
    }

    #[test]
    fn our_own_memory_is_known() {
        let process = Process::start(Command::new("sleep").arg("60"), Path::new("/dev/null")).unwrap();
        assert!(process.memory("VmHWM").unwrap() > 0);
        assert!(process.memory("VmNothing").is_err());
    }
}
