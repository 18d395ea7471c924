//! `adept serve`, several times on one database: started, killed, started again, each on its own port.

use std::{
    fs::{File, OpenOptions},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use adept::auth::PublicUrl;

use super::load::Dice;
use crate::support::{database::TestDatabase, test_app::MDM_URL};

/// As a proxy in front of all of them would be called.
const PUBLIC_URL: &str = "http://localhost:9";

/// The longest start that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Replicas, killed when dropped.
pub struct Fleet {
    replicas: Vec<Replica>,
    http: reqwest::Client,
}

struct Replica {
    arguments: Vec<String>,
    url: String,
    log: PathBuf,
    process: Mutex<Option<Child>>,
}

impl Fleet {
    /// Starts so many, one after the other.
    pub async fn start(database: &TestDatabase, apple: &str, count: usize) -> Self {
        let replicas = (0..count).map(|number| Replica::new(database, apple, number)).collect();
        let fleet = Self { replicas, http: reqwest::Client::new() };
        for replica in &fleet.replicas {
            replica.start();
            fleet.wait_for(replica).await;
        }
        fleet
    }

    /// The public URL of all of them.
    pub fn public_url(&self) -> PublicUrl {
        PublicUrl::parse(PUBLIC_URL).unwrap()
    }

    /// Where the replica of that number answers, or the one so many times around.
    pub fn url(&self, number: u64) -> &str {
        &self.replicas[number as usize % self.replicas.len()].url
    }

    /// Ends one replica after the other without warning, so many times, and starts each again a little later.
    pub async fn kill_again_and_again(&self, times: u32) {
        let mut dice = Dice::new(1);
        for _ in 0..times {
            // Work at random moments is the point; nothing waits for these times to be over.
            tokio::time::sleep(Duration::from_millis(300 + dice.below(900))).await;
            let replica = &self.replicas[dice.below(self.replicas.len() as u64) as usize];
            replica.kill();
            tokio::time::sleep(Duration::from_millis(dice.below(400))).await;
            replica.start();
            self.wait_for(replica).await;
        }
    }

    /// Ends all of them at once and starts them again.
    pub async fn kill_all_and_restart(&self) {
        self.replicas.iter().for_each(Replica::kill);
        self.replicas.iter().for_each(Replica::start);
        for replica in &self.replicas {
            self.wait_for(replica).await;
        }
    }

    async fn wait_for(&self, replica: &Replica) {
        let started = Instant::now();
        while self.http.get(format!("{}/livez", replica.url)).send().await.is_err() {
            assert!(!replica.has_ended() && started.elapsed() < PATIENCE, "{}", replica.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Replica {
    fn new(database: &TestDatabase, apple: &str, number: usize) -> Self {
        let folder = database.folder.path().join(format!("replica-{number}"));
        std::fs::create_dir(&folder).unwrap();
        // Free a moment ago, and needed again after each kill.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let arguments = [
            "serve".to_owned(),
            format!("--data-dir={}", folder.display()),
            format!("--database-url={}", database.url),
            format!("--sealing-key-file={}", database.key_file().display()),
            format!("--listen=127.0.0.1:{port}"),
            format!("--public-url={PUBLIC_URL}"),
            format!("--apple-url={apple}"),
            format!("--mdm-url={MDM_URL}"),
            "--plain-http".to_owned(),
            "--metrics-listen=off".to_owned(),
            "--log=warn".to_owned(),
            // What a killed replica held is free again soon; it is the shortest that is taken.
            "--lease=10s".to_owned(),
        ];
        Self {
            arguments: arguments.to_vec(),
            url: format!("http://127.0.0.1:{port}"),
            log: folder.join("log"),
            process: Mutex::new(None),
        }
    }

    fn start(&self) {
        let log: File = OpenOptions::new().create(true).append(true).open(&self.log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_adept"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ADEPT_"))
        {
            command.env_remove(name);
        }
        let command = command.args(&self.arguments).stdin(Stdio::null());
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
    }

    /// SIGKILL.
    fn kill(&self) {
        if let Some(mut child) = self.process.lock().unwrap_or_else(PoisonError::into_inner).take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn has_ended(&self) -> bool {
        let mut process = self.process.lock().unwrap();
        process.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

#[expect(clippy::print_stderr, reason = "a failed test shows what the program said")]
impl Drop for Replica {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let said = self.said();
            let last: Vec<&str> = said.lines().rev().take(30).collect();
            eprintln!("the end of what {} said:", self.url);
            last.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}
