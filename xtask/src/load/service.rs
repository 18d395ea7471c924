//! `adept serve` as a program of its own, on a database of its own: started, killed and started again.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::database::{self, Kind};
use crate::graph::{Credentials, Graph};
use crate::http::{self, Client, Trust};
use crate::process::Process;
use crate::test_bed::TestBed;

/// The longest start that is waited for.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How a process ends itself (signal(7)).
const SIGABRT: i32 = 6;

/// How a service is started, any number of times, always on the same database and port.
#[derive(Clone)]
pub(crate) struct Launch {
    adept: PathBuf,
    folder: PathBuf,
    storage: Vec<String>,
    flags: Vec<String>,
    port: u16,
}

impl Launch {
    /// On a new, empty database, with Apple's side on port `apple` of this machine.
    pub(crate) fn new(bed: &TestBed, kind: Kind, apple: u16, flags: &[&str]) -> Result<Self> {
        let folder = bed.new_folder("service")?;
        let storage = database::fresh(bed, kind, &folder)?;
        let port = free_port()?;
        let mut all: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        all.extend(["--listen".to_owned(), format!("127.0.0.1:{port}")]);
        all.extend(["--metrics-listen".to_owned(), "127.0.0.1:0".to_owned()]);
        all.extend(["--apple-url".to_owned(), format!("http://127.0.0.1:{apple}")]);
        Ok(Self { adept: bed.adept.clone(), folder, storage, flags: all, port })
    }

    /// Reaches PostgreSQL by way of another port of this machine from now on.
    pub(crate) fn use_database_port(&mut self, port: u16) {
        database::by_port(&mut self.storage, port);
    }

    /// Where it keeps its data, and its log beside it.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("serve.log")
    }

    /// Dumps the database beside the log.
    pub(crate) fn keep_database(&self, bed: &TestBed) -> Result {
        database::keep(bed, &self.storage, &self.folder)
    }

    /// Looks into its PostgreSQL; none on SQLite.
    pub(crate) fn inspection(&self, bed: &TestBed) -> Option<database::Inspection> {
        database::Inspection::of(bed, &self.storage)
    }

    /// Adds an application that may change settings and read the audit.
    pub(crate) fn add_client(&self) -> Result<Credentials> {
        let mut command = self.adept(&["client", "add", "load", "--json", "--new-database"]);
        command.args(["--permission", "DeviceManagementServiceConfig.ReadWrite.All"]);
        command.args(["--permission", "DeviceManagementApps.Read.All"]);
        let text = printed(&mut command)?;
        let json: serde_json::Value = serde_json::from_str(&text)
            .map_err(|error| format!("`adept client add` did not print JSON: {error}."))?;
        let member = |name: &str| {
            let text = json.get(name).and_then(serde_json::Value::as_str);
            text.map(str::to_owned).ok_or_else(|| format!("`adept client add` printed no {name}."))
        };
        Ok(Credentials {
            tenant: member("tenantId")?,
            client: member("clientId")?,
            secret: member("clientSecret")?,
        })
    }

    /// The names of the applications, as `adept client list` prints them.
    pub(crate) fn list_clients(&self) -> Result<String> {
        printed(&mut self.adept(&["client", "list"]))
    }

    /// Requests a full resync, as an operator does.
    pub(crate) fn resync(&self, setting: &str) -> Result {
        printed(&mut self.adept(&["setting", "resync", setting])).map(drop)
    }

    /// How many of a setting's devices are alike, as JSON.
    pub(crate) fn device_counts(&self, setting: &str) -> Result<serde_json::Value> {
        let text = printed(&mut self.adept(&["device", "counts", setting, "--json"]))?;
        serde_json::from_str(&text)
            .map_err(|error| format!("`adept device counts` printed no JSON: {error}."))
    }

    /// Every line of a setting's history of syncs, as JSON.
    pub(crate) fn history(&self, setting: &str) -> Result<serde_json::Value> {
        let mut command = self.adept(&["setting", "history", setting, "--limit", "10000", "--json"]);
        let text = printed(&mut command)?;
        serde_json::from_str(&text)
            .map_err(|error| format!("`adept setting history` did not print JSON: {error}."))
    }

    /// Another process on the same database, with a port and a folder of its own.
    pub(crate) fn replica(&self, bed: &TestBed) -> Result<Self> {
        let folder = bed.new_folder("replica")?;
        let mut replica = Self { port: free_port()?, ..self.clone() };
        let (old, new) = (format!("127.0.0.1:{}", self.port), format!("127.0.0.1:{}", replica.port));
        let place = self.folder.display().to_string();
        replica.flags.iter_mut().filter(|flag| **flag == old).for_each(|flag| flag.clone_from(&new));
        replica
            .storage
            .iter_mut()
            .filter(|flag| **flag == place)
            .for_each(|flag| *flag = folder.display().to_string());
        replica.folder = folder;
        Ok(replica)
    }

    /// Starts it and waits for its first answer.
    pub(crate) fn start(&self) -> Result<Service> {
        self.start_with(|_| {}).map(|(service, _)| service)
    }

    /// The same on one core only.
    pub(crate) fn start_on_core(&self, core: usize) -> Result<Service> {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &core.to_string()]).arg(&self.adept);
        self.begin(command, Instant::now()).map(|(service, _)| service)
    }

    /// Starts it after `change` to its command; with the time from there to the first answer.
    pub(crate) fn start_with(&self, change: impl FnOnce(&mut Command)) -> Result<(Service, Duration)> {
        let mut command = Command::new(&self.adept);
        change(&mut command);
        self.begin(command, Instant::now())
    }

    /// The same for a service that may end itself before its first answer, as at a fail point; none when it did.
    pub(crate) fn start_or_end(&self, change: impl FnOnce(&mut Command)) -> Result<Option<Service>> {
        let mut command = Command::new(&self.adept);
        change(&mut command);
        match self.first_answer(command, Instant::now())? {
            Begun::Answered(service, _) => Ok(Some(service)),
            Begun::Ended(status) if status.signal() == Some(SIGABRT) => Ok(None),
            Begun::Ended(status) => Err(self.ended(status)),
        }
    }

    /// Starts it after `change` to its command, and waits until it has ended by itself; false when it did not in that time
    /// and was killed.
    pub(crate) fn start_to_end(&self, change: impl FnOnce(&mut Command), deadline: Duration) -> Result<bool> {
        let mut command = Command::new(&self.adept);
        change(&mut command);
        command.arg("serve").args(&self.storage).args(&self.flags);
        let mut process = Process::start(&mut command, &self.log())?;
        let started = Instant::now();
        while started.elapsed() < deadline {
            if process.ended()?.is_some() {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        process.kill().map(|()| false)
    }

    fn begin(&self, command: Command, started: Instant) -> Result<(Service, Duration)> {
        match self.first_answer(command, started)? {
            Begun::Answered(service, took) => Ok((service, took)),
            Begun::Ended(status) => Err(self.ended(status)),
        }
    }

    fn ended(&self, status: ExitStatus) -> String {
        format!("`adept serve` ended ({status}); {} says why.", self.log().display())
    }

    fn first_answer(&self, mut command: Command, started: Instant) -> Result<Begun> {
        command.arg("serve").args(&self.storage).args(&self.flags);
        let mut process = Process::start(&mut command, &self.log())?;
        let authority = self.folder.join("tls/ca.pem");
        loop {
            if let Some(status) = process.ended()? {
                return Ok(Begun::Ended(status));
            }
            // The first start makes the authority first, so there may be none to trust yet.
            if let Ok(trust) = http::trust(&authority)
                && let Ok(answer) = Client::secure(self.port, trust.clone()).ask("GET", "/livez", &[], b"")
            {
                let took = started.elapsed();
                answer.expect(200)?;
                return Ok(Begun::Answered(Service { process, port: self.port, trust }, took));
            }
            if started.elapsed() > TIMEOUT {
                return Err(format!("`adept serve` does not answer; {} may say why.", self.log().display()));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    fn adept(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.adept);
        command.args(words).args(&self.storage);
        command
    }
}

/// The outcome of a start.
enum Begun {
    /// It answered after this time.
    Answered(Service, Duration),
    /// It ended before.
    Ended(ExitStatus),
}

/// A running service, killed when dropped.
pub(crate) struct Service {
    pub(crate) process: Process,
    pub(crate) port: u16,
    trust: Trust,
}

impl Service {
    /// A connection of its own.
    pub(crate) fn connect(&self) -> Client {
        Client::secure(self.port, self.trust.clone())
    }

    /// Signs in over a connection of its own.
    pub(crate) fn sign_in(&self, credentials: &Credentials) -> Result<Graph> {
        Graph::sign_in(self.connect(), self.port, credentials)
    }
}

/// A port of 127.0.0.1 that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("No free loopback port: {error}."))
}

fn printed(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("Cannot start {command:?}: {error}."))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed ({}): {}", output.status, complaint.trim_end()))
}
