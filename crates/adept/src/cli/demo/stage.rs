//! What the audience sees: headings, request lines with their status, what changed. Knows nothing of what is played.
//!
//! Colors and pauses are for terminals; elsewhere the same text comes plain and at once. `NO_COLOR` is respected.

use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{grouped, spoken};

/// Columns that are used.
const WIDTH: usize = 96;
/// Where a request line must have ended, so that status and time fit behind it.
const STATUS_AT: usize = 82;
/// Where paths, and remarks about a request, begin.
const INDENT: usize = 16;
/// Room for the name of a property that changed.
const NAMES: usize = 28;
/// Between two steps.
const PAUSE: Duration = Duration::from_millis(900);

/// The receiver of a request.
#[derive(Clone, Copy)]
pub(super) enum Who {
    /// The service.
    Adept,
    /// The simulator's portal side.
    Apple,
}

/// How text looks. The numbers are ECMA-48's.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    Plain = 0,
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Blue = 34,
    Magenta = 35,
}

/// The stage.
pub(super) struct Stage {
    terminal: bool,
    colors: bool,
    /// The step that is played.
    number: usize,
    /// Where the open line stands.
    column: usize,
    /// Long values, and the names that stand for them in paths.
    names: Vec<(String, &'static str)>,
}

impl Stage {
    /// An empty stage on standard output.
    pub(super) fn new() -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colors = terminal && !dumb && !set("NO_COLOR");
        Self { terminal, colors, number: 0, column: 0, names: Vec::new() }
    }

    /// Shows `name` wherever `value` stands in a path from now on.
    pub(super) fn name(&mut self, value: &str, name: &'static str) {
        self.names.push((value.to_owned(), name));
    }

    /// A path as it is shown.
    pub(super) fn named(&self, path: &str) -> String {
        self.names.iter().fold(path.to_owned(), |path, (value, name)| path.replace(value, name))
    }

    /// Whether someone watches.
    pub(super) fn is_watched(&self) -> bool {
        self.terminal
    }

    /// `text` in a color, where there are colors.
    pub(super) fn ink(&self, ink: Ink, text: impl Display) -> String {
        match ink {
            Ink::Plain => text.to_string(),
            _ if !self.colors => text.to_string(),
            _ => format!("\x1b[{}m{text}\x1b[0m", ink as u8),
        }
    }

    /// A line as it is.
    pub(super) fn line(&self, text: impl Display) {
        // A reader that went away ends nothing: the exit code still says how it went.
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    /// The heading of everything.
    pub(super) fn title(&self, text: &str) {
        self.line("");
        self.line(format_args!("  {}", self.ink(Ink::Bold, text)));
        self.line("");
    }

    /// A value and what is to be said about it.
    pub(super) fn property(&self, name: &str, value: &str, about: &str) {
        const ROOM: usize = 34;
        let (name, about) = (self.ink(Ink::Dim, format_args!("{name:9}")), self.ink(Ink::Dim, about));
        let gap = if value.chars().count() > ROOM { "\n           " } else { "  " };
        self.line(format_args!("  {name}{value:ROOM$}{gap}{about}"));
    }

    /// Begins the next step, after a pause for those who watch.
    pub(super) async fn step(&mut self, title: &str, about: &str) {
        if self.terminal {
            tokio::time::sleep(PAUSE).await;
        }
        self.heading(title, about);
    }

    /// Begins the next step at once.
    pub(super) fn heading(&mut self, title: &str, about: &str) {
        self.number += 1;
        self.line("");
        self.line(self.ink(Ink::Bold, format_args!("{:2}  {title}", self.number)));
        for line in wrapped(about, WIDTH - 4) {
            self.line(format_args!("    {}", self.ink(Ink::Dim, line)));
        }
    }

    /// Opens the line of a request; [`answered`](Self::answered) ends it.
    pub(super) fn ask(&mut self, who: Who, method: &str, path: &str) {
        let (name, ink) = match who {
            Who::Adept => ("adept", Ink::Blue),
            Who::Apple => ("apple", Ink::Magenta),
        };
        let path = self.named(path);
        let pieces = pieces(&path, WIDTH - INDENT);
        let pieces = pieces.join(&format!("\n{:INDENT$}", ""));
        self.column = INDENT + pieces.lines().last().map_or(0, |last| last.trim_start().chars().count());
        self.write(format_args!("    {}  {method:5}{pieces}", self.ink(ink, name)));
    }

    /// Ends the line of a request.
    pub(super) fn answered(&mut self, status: u16, took: Duration) {
        if self.column > STATUS_AT {
            self.line("");
            self.column = 0;
        }
        let ink = match status {
            ..300 => Ink::Green,
            300..500 => Ink::Yellow,
            500.. => Ink::Red,
        };
        let gap = STATUS_AT - self.column;
        let time = self.ink(Ink::Dim, format_args!("{:>9}", spoken(took)));
        self.line(format_args!("{:gap$}  {}{time}", "", self.ink(ink, status)));
    }

    /// Ends the line of a request that was not answered.
    pub(super) fn unanswered(&mut self) {
        self.line("");
    }

    /// What was sent with a request.
    pub(super) fn body(&self, text: &str) {
        for line in wrapped(text, WIDTH - INDENT) {
            self.line(format_args!("{:INDENT$}{}", "", self.ink(Ink::Dim, line)));
        }
    }

    /// Something to know about an answer.
    pub(super) fn fact(&self, text: &str) {
        self.paragraph(INDENT, &self.ink(Ink::Green, "✓"), " ", text);
    }

    /// A message as it was answered.
    pub(super) fn quote(&self, text: &str) {
        let mark = self.ink(Ink::Yellow, "│");
        self.paragraph(INDENT, &mark, &mark, text);
    }

    /// Wrapped text behind a mark on its first line and one on the others.
    fn paragraph(&self, indent: usize, first: &str, others: &str, text: &str) {
        for (at, line) in wrapped(text, WIDTH - indent - 2).into_iter().enumerate() {
            let mark = if at == 0 { first } else { others };
            self.line(format_args!("{:indent$}{mark} {line}", ""));
        }
    }

    /// A property that changed.
    pub(super) fn change(&self, name: &str, old: &str, new: &str) {
        let name = self.ink(Ink::Dim, format_args!("{name:NAMES$}"));
        let (old, arrow) = (self.ink(Ink::Dim, old), self.ink(Ink::Dim, "→"));
        self.line(format_args!("{:INDENT$}{name}{old} {arrow} {new}", ""));
    }

    /// A row of a list: what it is about, of which kind, and more.
    pub(super) fn row(&self, name: &str, kind: &str, more: &str) {
        let kind = self.ink(Ink::Blue, format_args!("{kind:9}"));
        self.line(format_args!("{:INDENT$}{name:14}{kind} {}", "", self.ink(Ink::Dim, more)));
    }

    /// A bar that fills while `total` things come.
    pub(super) fn bar(&self, total: i64) -> Bar {
        let shape = format!("{:INDENT$}{{bar:40.green/dim}} {{msg}}", "");
        let style = ProgressStyle::with_template(&shape).unwrap_or_else(|_| ProgressStyle::default_bar());
        let target =
            if self.terminal { ProgressDrawTarget::stdout_with_hz(30) } else { ProgressDrawTarget::hidden() };
        let drawn = ProgressBar::with_draw_target(Some(total.unsigned_abs()), target);
        drawn.set_style(style.progress_chars("━━─"));
        Bar { drawn, total }
    }

    /// The end of a demo that failed.
    pub(super) fn broken(&self, reason: &str) {
        self.line("");
        self.paragraph(2, &self.ink(Ink::Red, "✗"), " ", reason);
        self.line("");
    }

    fn write(&self, text: impl Display) {
        let mut out = io::stdout().lock();
        let _ = write!(out, "{text}");
        let _ = out.flush();
    }
}

/// A bar.
pub(super) struct Bar {
    drawn: ProgressBar,
    total: i64,
}

impl Bar {
    /// Shows how many have come.
    pub(super) fn at(&self, count: i64) {
        self.drawn.set_message(format!("{:>5} of {} devices", grouped(count), grouped(self.total)));
        self.drawn.set_position(count.unsigned_abs());
    }

    /// Leaves the full bar standing.
    pub(super) fn end(self, stage: &Stage) {
        self.drawn.finish_and_clear();
        let bar = stage.ink(Ink::Green, "━".repeat(40));
        let total = grouped(self.total);
        stage.line(format_args!("{:INDENT$}{bar} {total:>5} of {total} devices", ""));
    }
}

/// Lines of whole words; a word that is longer than a line has one of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A path in pieces that fit: the query apart, then the last segment apart.
fn pieces(path: &str, width: usize) -> Vec<&str> {
    if path.chars().count() + INDENT <= STATUS_AT {
        return vec![path];
    }
    let (bare, query) = match path.find('?') {
        Some(at) => (&path[..at], Some(&path[at..])),
        None => (path, None),
    };
    let mut pieces = match bare.rfind('/') {
        Some(at) if bare.chars().count() > width => vec![&bare[..at], &bare[at..]],
        _ => vec![bare],
    };
    pieces.extend(query);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a  longwordthatstays b", 5), ["a", "longwordthatstays", "b"]);
        assert_eq!(wrapped("", 5), [""; 0]);
    }

    #[test]
    fn long_paths_are_broken_where_people_would() {
        let set = "/beta/deviceManagement/depOnboardingSettings/{id}";
        assert_eq!(pieces(set, 82), [set]);
        let list = format!("{set}/importedAppleDeviceIdentities");
        assert_eq!(pieces(&format!("{list}?$top=5"), 82), [&list, "?$top=5"]);
        let sync = format!("{set}/syncWithAppleDeviceEnrollmentProgram");
        assert_eq!(pieces(&sync, 82), [set, "/syncWithAppleDeviceEnrollmentProgram"]);
    }
}
