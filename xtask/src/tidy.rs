//! `cargo xtask tidy`: the house rules that the compiler cannot see. Each finding is a sentence that says how to fix
//! it. Reads sources as plain text; what rustfmt, clippy and the borders of crates check is theirs.

mod borders;
mod built;
mod layout;
mod links;
mod map;
mod words;

use std::fmt;
use std::path::Path;

use crate::run::{Result, root};

/// What is wrong, where, and how to fix it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    rule: &'static str,
    path: String,
    line: usize,
    sentence: String,
}

impl Finding {
    /// `line` counts from 1; 0 means the whole file.
    fn new(rule: &'static str, path: &str, line: usize, sentence: impl Into<String>) -> Self {
        Self { rule, path: path.to_owned(), line, sentence: sentence.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.path, self.line.max(1), self.sentence, self.rule)
    }
}

/// A text file of the project, by its path from the root with `/` between the parts.
pub(crate) struct TextFile {
    path: String,
    text: String,
}

/// Checks the whole project and prints every finding.
pub(crate) fn run() -> Result {
    let root = root();
    let mut files = Vec::new();
    read(&root, "", &mut files)?;
    let mut findings = check(&files, &root);
    findings.extend(built::check(&files)?);
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files, nothing to fix", files.len());
            Ok(())
        }
        count => Err(format!("tidy: {count} to fix.")),
    }
}

/// Every check that needs nothing but the files' text.
fn check(files: &[TextFile], root: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        findings.extend(words::check(file, root));
        if file.path.ends_with(".rs") {
            findings.extend(layout::check(file));
            findings.extend(borders::code(file));
        }
        if file.path.ends_with("/Cargo.toml") {
            findings.extend(borders::manifest(file));
        }
    }
    findings.extend(map::check(files));
    findings.extend(links::check(files));
    findings
}

/// The text of a Rust file before its tests, which stand last.
fn production(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default()
}

/// Reads the project's text files, leaving out what is built, fetched or recorded by a tool.
fn read(root: &Path, folder: &str, files: &mut Vec<TextFile>) -> Result {
    let failed = |error: std::io::Error| format!("Cannot read {folder}: {error}.");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        names.push((entry.file_name().to_string_lossy().into_owned(), kind.is_dir()));
    }
    names.sort();
    for (name, is_folder) in names {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if is_folder {
            let skipped = matches!(
                name.as_str(),
                "target" | ".git" | "corpus" | "artifacts" | "proptest-regressions" | "node_modules"
            );
            if !skipped {
                read(root, &path, files)?;
            }
        } else if name != "Cargo.lock"
            && name != ".git"
            && let Ok(text) = std::fs::read_to_string(root.join(&path))
        {
            files.push(TextFile { path, text });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_clean_project_has_no_finding() {
        let files = [
            file(
                "ARCHITECTURE.md",
                "## Tree\n\n```\ncrates/\n  odata/  reads queries\n    src/\n      lib.rs\n```\n",
            ),
            file("crates/odata/Cargo.toml", "[dependencies]\nthiserror.workspace = true\n"),
            file("crates/odata/src/lib.rs", "//! Reads queries.\n\nuse crate::a::B;\n"),
        ];
        assert_eq!(check(&files, Path::new("/")), []);
    }

    #[test]
    fn a_finding_names_the_place_and_the_rule() {
        let found = check(&[file("crates/odata/src/mod.rs", "fn a() {}\n")], Path::new("/"));
        assert!(found.iter().any(|finding| finding.to_string().starts_with("crates/odata/src/mod.rs:1: ")));
    }
}
