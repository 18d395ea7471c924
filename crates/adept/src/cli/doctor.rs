//! `adept doctor`: checks everything that `adept serve` with the same configuration would need, and says of each finding
//! how to fix it. It changes nothing but the mark of a write that is tried on the database.

mod files;
mod network;
mod scheduler;
mod stored;

use jiff::Timestamp;

use super::{Failure, say, serve::public_url};
use crate::{app::Clock, config, domain::CLOCKS_APART};

/// How severe a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    /// Nothing is to be done.
    Ok,
    /// It works, but somebody should do something.
    Warn,
    /// It does not work.
    Fail,
}

/// What was found, and what to do about it.
struct Finding {
    severity: Severity,
    about: &'static str,
    text: String,
}

impl Finding {
    fn ok(about: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Ok, about, text: text.into() }
    }

    fn warn(about: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warn, about, text: text.into() }
    }

    fn fail(about: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Fail, about, text: text.into() }
    }
}

pub(super) async fn run(flags: &config::Serve) -> Result<(), Failure> {
    let clock = Clock::system();
    let mut findings = files::data_folder(&flags.storage.data_dir);
    findings.extend(stored::check(&flags.storage, &clock).await);
    findings.extend(files::certificates(flags, clock.now()));
    match public_url(&flags.listening, flags.listening.listen.port()) {
        Ok(url) => {
            findings.push(network::own_address(&url, flags).await);
            findings.extend(scheduler::check(&url, flags).await);
        }
        Err(failure) => findings.push(Finding::fail("public URL", failure.message)),
    }
    findings.extend(network::apple(&flags.apple, &clock).await);
    for finding in &findings {
        let mark = match finding.severity {
            Severity::Ok => "ok  ",
            Severity::Warn => "warn",
            Severity::Fail => "fail",
        };
        say(format_args!("{mark}  {:12}  {}", finding.about, finding.text));
    }
    let failed = findings.iter().filter(|finding| finding.severity == Severity::Fail).count();
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::failed(format!(
            "{failed} of {} checks failed; each line above says how to fix it",
            findings.len()
        )))
    }
}

/// Whether this machine's clock agrees with the one of `whose`, which showed `theirs` just now.
fn clocks(now: Timestamp, theirs: Timestamp, whose: &str, advice: &str) -> Finding {
    let apart = now.duration_since(theirs);
    if apart.abs() <= CLOCKS_APART {
        return Finding::ok("clock", format!("this machine's clock and {whose} agree"));
    }
    let seconds = apart.as_secs();
    Finding::fail("clock", format!("this machine's clock is {seconds} s from {whose}: {advice}"))
}
