//! `cargo xtask gen`: writes the generated files that are committed. Each generator is a function from the project to
//! text, so that `--check` can compare without writing.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Command;

use crate::run::{Result, build_adept, output, root};

/// A generated file and its generator, which receives the program `adept`.
type Generated = (&'static str, fn(&Path) -> Result<String>);

const GENERATED: &[Generated] = &[
    ("docs/reference/cli.md", command_line),
    ("docs/reference/odata.md", |_| Ok(adept_odata::grammar::page())),
    ("docs/reference/skip-keys.md", skip_keys),
];

/// Writes every generated file, or with `check` only compares and names the stale ones.
pub(crate) fn run(check: bool) -> Result {
    let adept = build_adept(false)?;
    let mut stale = Vec::new();
    for (path, make) in GENERATED {
        let text = make(&adept)?;
        let file = root().join(path);
        if std::fs::read_to_string(&file).is_ok_and(|present| present == text) {
            println!("fresh    {path}");
        } else if check {
            stale.push(*path);
        } else {
            write(&file, &text)?;
            println!("written  {path}");
        }
    }
    match stale.as_slice() {
        [] => Ok(()),
        stale => Err(format!("Not fresh: {}. Run `cargo xtask gen` and commit.", stale.join(", "))),
    }
}

fn write(file: &Path, text: &str) -> Result {
    let failed = |error: std::io::Error| format!("Cannot write {}: {error}.", file.display());
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(file, text).map_err(failed)
}

/// The table of skip keys, as the program prints it.
fn skip_keys(adept: &Path) -> Result<String> {
    output(Command::new(adept).arg("skip-keys").env_clear().current_dir(root()))
}

/// The reference of the command line: the binary's own help, command by command, each above its subcommands.
fn command_line(adept: &Path) -> Result<String> {
    let mut page = String::from(
        "# Command line\n\nMade from the program's own help by `cargo xtask gen`; change the help, not this page.\n",
    );
    let mut waiting = VecDeque::from([Vec::<String>::new()]);
    while let Some(words) = waiting.pop_front() {
        let help = help(adept, &words)?;
        let title =
            std::iter::once("adept").chain(words.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
        page.push_str(&format!("\n## `{title}`\n\n```text\n{help}\n```\n"));
        for name in subcommands(&help).into_iter().rev() {
            waiting.push_front(words.iter().cloned().chain([name]).collect());
        }
    }
    Ok(page)
}

/// One help page at 100 columns, without anything of this machine's environment in it.
fn help(adept: &Path, words: &[String]) -> Result<String> {
    let mut command = Command::new(adept);
    command.args(words).arg("--help").env_clear().env("COLUMNS", "100").current_dir(root());
    let help = output(&mut command)?;
    if !help.contains("Usage:") {
        return Err(format!("`adept {} --help` shows no help page.", words.join(" ")));
    }
    Ok(help.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
}

/// The names under "Commands:" in a help page, without `help` itself.
fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    listed
        .take_while(|line| !line.is_empty() && line.starts_with(' '))
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::subcommands;

    #[test]
    fn subcommands_are_the_first_words_under_commands() {
        let help = "Does things\n\nUsage: adept <COMMAND>\n\nCommands:\n  serve   Runs the\n          service\n  client  \
                    Clients\n  help    Print this\n\nOptions:\n  -h, --help  Print help";
        assert_eq!(subcommands(help), ["serve", "client"]);
        assert_eq!(subcommands("Usage: adept serve\n\nOptions:\n  -h"), [""; 0]);
    }
}
