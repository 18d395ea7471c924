//! A sandbox for one client: an empty folder, two free ports, terminals in which programs run, and one shell. Everything
//! ends with it, also when this process ends first. Does not know what runs in it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::run::{Result, free_port};

/// How long one block may take, and how long a program may take to listen.
const TIMEOUT: Duration = Duration::from_secs(240);

/// The documents' ports.
const PRINTED: [&str; 2] = ["127.0.0.1:8080", "localhost:8443"];

/// What a terminal shows when its program has ended by itself, before the exit code.
const ENDED: &str = "-- ended:";

/// The sandbox of one client.
pub(super) struct Sandbox {
    /// Empty at first.
    pub(super) folder: PathBuf,
    /// Holds the folder, and beside it what the terminals show.
    base: PathBuf,
    /// The simulator's and the service's.
    ports: [u16; 2],
    path: String,
    terminals: Vec<Terminal>,
}

/// A program in the foreground of a terminal of its own, until Ctrl-C.
struct Terminal {
    shell: Child,
    log: PathBuf,
}

/// A shell into which blocks are typed, one after the other; it keeps their variables and functions.
pub(super) struct Shell {
    bash: Child,
    typed: ChildStdin,
    done: Receiver<()>,
    printed: PathBuf,
}

impl Sandbox {
    /// An empty folder; `adept` comes first on the PATH.
    pub(super) fn new(name: &str, adept: &Path) -> Result<Self> {
        let base = std::env::temp_dir().join(format!("adept-clients-{}-{name}", std::process::id()));
        let folder = base.join("folder");
        std::fs::create_dir_all(&folder).map_err(|error| {
            format!("Cannot make {}: {error}. TMPDIR chooses another place.", folder.display())
        })?;
        let bin = adept.parent().unwrap_or(Path::new(".")).display();
        let path = format!("{bin}:{}", std::env::var("PATH").unwrap_or_default());
        Ok(Self { folder, base, ports: [free_port()?, free_port()?], path, terminals: Vec::new() })
    }

    /// The text with our ports instead of the documents'.
    pub(super) fn with_ports(&self, text: &str) -> String {
        let [simulator, service] = self.ports;
        text.replace(PRINTED[0], &format!("127.0.0.1:{simulator}"))
            .replace(PRINTED[1], &format!("localhost:{service}"))
            .replace("127.0.0.1:8443", &format!("127.0.0.1:{service}"))
    }

    /// Whether a block starts a program that stays, for which one opens another terminal.
    pub(super) fn wants_terminal(block: &str) -> bool {
        ["adept simulator", "adept serve"].iter().any(|program| block.starts_with(program))
    }

    /// Runs such a block and waits until the program listens.
    pub(super) fn open_terminal(&mut self, block: &str) -> Result {
        let port = self.ports[usize::from(block.starts_with("adept serve"))];
        let log = self.base.join(format!("{}.log", self.terminals.len()));
        let open = || File::create(&log).and_then(|log| Ok((log.try_clone()?, log)));
        let (out, err) = open().map_err(|error| format!("Cannot write {}: {error}.", log.display()))?;
        // It reads until we close its input or are gone, then presses Ctrl-C; ours is not meant for it.
        let script = "set -m; (eval \"$0\"; echo ENDED $?) </dev/null & read -r _; kill -INT -- -$!; wait"
            .replace("ENDED", ENDED);
        let mut bash = self.bash(&["-c", &script, &self.with_ports(block)]);
        let shell = bash.process_group(0).stdin(Stdio::piped()).stdout(out).stderr(err).spawn();
        let shell = shell.map_err(|error| format!("Cannot start bash: {error}."))?;
        self.terminals.push(Terminal { shell, log });
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if started.elapsed() > TIMEOUT || self.logs().contains(ENDED) {
                return Err(format!(
                    "Nothing listens on port {port} after `{}`.{}",
                    block.trim_end(),
                    self.logs()
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Presses Ctrl-C in every terminal and waits until the programs have ended.
    pub(super) fn close_terminals(&mut self) {
        for mut terminal in self.terminals.drain(..).rev() {
            drop(terminal.shell.stdin.take());
            // It ends by itself; how does not matter here.
            let _ = terminal.shell.wait();
        }
    }

    /// The last lines that the terminals show.
    pub(super) fn logs(&self) -> String {
        let last = |terminal: &Terminal| {
            let text = std::fs::read_to_string(&terminal.log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            format!("\n-- a terminal:\n{}", lines[lines.len().saturating_sub(15)..].join("\n"))
        };
        self.terminals.iter().map(last).collect()
    }

    /// Opens the shell in which everything else is typed.
    pub(super) fn shell(&self) -> Result<Shell> {
        let printed = self.base.join("printed");
        let mut bash = self.bash(&["-s"]);
        let bash = bash.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut bash = bash.spawn().map_err(|error| format!("Cannot start bash: {error}."))?;
        let (Some(typed), Some(done)) = (bash.stdin.take(), bash.stdout.take()) else {
            return Err("bash has no terminal.".into());
        };
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(done).lines().map_while(std::io::Result::ok);
            while lines.next().is_some_and(|_| sender.send(()).is_ok()) {}
        });
        let mut shell = Shell { bash, typed, done: receiver, printed };
        // What fails stops the play, wherever it stands, and says what it was. If we are gone first, bash tidies up.
        shell.run(&format!(
            "set -eEuo pipefail; trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n\
             trap \"kill -0 $PPID 2>/dev/null || rm -rf '{}'\" EXIT",
            self.base.display()
        ))?;
        Ok(shell)
    }

    /// bash in our folder, without settings of the person who started us.
    fn bash(&self, arguments: &[&str]) -> Command {
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc"]).args(arguments).current_dir(&self.folder).env_clear();
        for name in ["HOME", "TMPDIR"] {
            bash.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        bash.env("PATH", &self.path).env("LANG", "C.UTF-8");
        // What the documents install is there already; a name that is not is a fault, and nothing is fetched for it.
        bash.env("PIP_NO_INDEX", "1");
        bash
    }
}

impl Shell {
    /// Runs a block to its end and returns what it printed; the error holds that if a command fails.
    pub(super) fn run(&mut self, block: &str) -> Result<String> {
        let file = self.printed.display();
        let typed = format!("{{\n{block}\n}} </dev/null >'{file}' 2>&1\necho\n");
        let written = self.typed.write_all(typed.as_bytes()).and_then(|()| self.typed.flush());
        let outcome = match written {
            Ok(()) => self.done.recv_timeout(TIMEOUT).map_err(|error| match error {
                std::sync::mpsc::RecvTimeoutError::Timeout => format!("took over {} s", TIMEOUT.as_secs()),
                std::sync::mpsc::RecvTimeoutError::Disconnected => "failed".to_owned(),
            }),
            Err(error) => Err(format!("could not be typed ({error})")),
        };
        let mut printed = String::new();
        File::open(&self.printed)
            .and_then(|mut file| file.read_to_string(&mut printed))
            .map_err(|error| format!("Cannot read what a block printed: {error}."))?;
        outcome
            .map(|()| printed.clone())
            .map_err(|how| format!("This {how}:\n{block}\n-- it printed:\n{printed}"))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // bash's own `kill` knows process groups. What has ended already is as good.
        let _ = Command::new("bash").args(["-c", &format!("kill -KILL -- -{}", self.bash.id())]).status();
        let _ = self.bash.wait();
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.close_terminals();
        if let Err(error) = std::fs::remove_dir_all(&self.base) {
            eprintln!("Cannot remove {}: {error}.", self.base.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_keeps_what_was_said_and_stops_at_a_failure() {
        let sandbox = Sandbox::new("a-shell", Path::new("adept")).unwrap();
        let mut shell = sandbox.shell().unwrap();
        assert_eq!(shell.run("NAME=value; say() { echo \"$NAME\"; }"), Ok(String::new()));
        assert_eq!(shell.run("say\nsay"), Ok("value\nvalue\n".to_owned()));
        let failed = shell.run("say\nfalse | cat\necho never").unwrap_err();
        assert!(failed.ends_with("-- it printed:\nvalue\nfailed: cat\n"), "{failed}");
        assert!(shell.run("say").is_err());
    }

    #[test]
    fn a_program_that_ends_instead_of_listening_is_noticed_at_once() {
        let mut sandbox = Sandbox::new("a-program", Path::new("adept")).unwrap();
        let failed = sandbox.open_terminal("echo words; (exit 3)").unwrap_err();
        assert!(failed.ends_with("words\n-- ended: 3"), "{failed}");
    }

    #[test]
    fn the_documents_ports_become_free_ones() {
        let sandbox = Sandbox::new("ports", Path::new("adept")).unwrap();
        let text = sandbox
            .with_ports("http://127.0.0.1:8080/_sim https://localhost:8443 https://localhost/.default");
        assert!(
            !text.contains("8080/")
                && !text.contains("8443 ")
                && text.ends_with(" https://localhost/.default")
        );
    }
}
