//! `adept doctor`: looks at everything that `adept serve` with the same configuration would need, changes nothing, and
//! says of each finding what to do.

mod files;
mod network;
mod stored;

use super::{Failure, say};
use crate::{app::Clock, auth::PublicUrl, config};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// As it should be.
    Good,
    /// It works, but somebody should do something.
    Mind,
    /// It does not work.
    Bad,
}

/// What was found, and what to do about it.
struct Finding {
    level: Level,
    about: &'static str,
    text: String,
}

impl Finding {
    fn good(about: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Good, about, text: text.into() }
    }

    fn mind(about: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Mind, about, text: text.into() }
    }

    fn bad(about: &'static str, text: impl Into<String>) -> Self {
        Self { level: Level::Bad, about, text: text.into() }
    }
}

pub(super) async fn run(flags: &config::Serve) -> Result<(), Failure> {
    let clock = Clock::system();
    let mut findings = files::data_folder(&flags.storage.data_dir);
    findings.extend(stored::check(&flags.storage, &clock).await);
    findings.extend(files::certificates(flags, clock.now()));
    match public_url(&flags.listening) {
        Ok(url) => findings.push(network::own_address(&url, flags).await),
        Err(finding) => findings.push(finding),
    }
    findings.extend(network::apple(&flags.apple, &clock).await);
    for finding in &findings {
        let mark = match finding.level {
            Level::Good => "ok  ",
            Level::Mind => "mind",
            Level::Bad => "bad ",
        };
        say(format_args!("{mark}  {:12}  {}", finding.about, finding.text));
    }
    let bad = findings.iter().filter(|finding| finding.level == Level::Bad).count();
    if bad == 0 {
        Ok(())
    } else {
        Err(Failure::failed(format!("{bad} of {} findings are bad", findings.len())))
    }
}

fn public_url(listening: &config::Listening) -> Result<PublicUrl, Finding> {
    let scheme = if listening.plain_http { "http" } else { "https" };
    let text = match &listening.public_url {
        Some(text) => text.clone(),
        None if listening.listen.ip().is_loopback() => {
            format!("{scheme}://localhost:{}", listening.listen.port())
        }
        None => {
            let sentence = "other machines can reach the listener: set --public-url to the URL they use";
            return Err(Finding::bad("public URL", sentence));
        }
    };
    PublicUrl::parse(&text).map_err(|error| Finding::bad("public URL", error))
}
