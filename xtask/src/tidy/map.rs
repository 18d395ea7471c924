//! ARCHITECTURE.md's tree is a map: every name on it exists, and every crate and every module of the service is on it.

use std::collections::BTreeSet;

use super::{Finding, TextFile};

const MAP: &str = "ARCHITECTURE.md";

/// Compares the map with the files.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    let Some(file) = files.iter().find(|file| file.path == MAP) else {
        return vec![Finding::new("map", MAP, 0, "write the map: a `## Tree` with a fenced block of paths")];
    };
    let named = tree(&file.text);
    let mut findings = Vec::new();
    if named.is_empty() {
        findings.push(Finding::new(
            "map",
            MAP,
            0,
            "give the map a `## Tree` with a fenced block of indented paths",
        ));
    }
    for (line, path) in &named {
        let exists = match path.strip_suffix('/') {
            Some(_) => files.iter().any(|file| file.path.starts_with(path)),
            None => files.iter().any(|file| file.path == *path) || path == "Cargo.lock",
        };
        if !exists {
            let sentence =
                format!("`{path}` is on the map and not in the project: take it off, or correct its name");
            findings.push(Finding::new("map", MAP, *line, sentence));
        }
    }
    let named: BTreeSet<&str> = named.iter().map(|(_, path)| path.as_str()).collect();
    for path in landmarks(files).into_iter().filter(|path| !named.contains(path.as_str())) {
        findings.push(Finding::new(
            "map",
            MAP,
            0,
            format!("put `{path}` on the map, with a few words on what it is"),
        ));
    }
    findings
}

/// What the map must show: each crate's folder, each file and folder right under the service's `src`.
fn landmarks(files: &[TextFile]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files {
        if let Some((name, _)) = file.path.strip_prefix("crates/").and_then(|inside| inside.split_once('/')) {
            found.insert(format!("crates/{name}/"));
        }
        if let Some(inside) = file.path.strip_prefix("crates/adept/src/") {
            let name = inside.split_once('/').map_or(inside.to_owned(), |(folder, _)| format!("{folder}/"));
            // lib.rs names the modules and is no place of its own.
            if name != "lib.rs" {
                found.insert(format!("crates/adept/src/{name}"));
            }
        }
    }
    found
}

/// The paths of the first fenced block under `## Tree`, each with its line. A folder ends in `/`.
fn tree(text: &str) -> Vec<(usize, String)> {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| line.trim() != "## Tree").skip(1);
    let block = lines.by_ref().skip_while(|(_, line)| !line.starts_with("```")).skip(1);
    let mut folders: Vec<(usize, String)> = Vec::new();
    let mut found = Vec::new();
    for (index, line) in block.take_while(|(_, line)| !line.starts_with("```")) {
        let plain: String = line.chars().map(|c| if "│├└─".contains(c) { ' ' } else { c }).collect();
        let indent = plain.chars().take_while(|c| *c == ' ').count();
        folders.retain(|(outer, _)| *outer < indent);
        let folder = folders.last().map_or(String::new(), |(_, folder)| folder.clone());
        for name in plain.split_whitespace().take_while(|word| is_name(word)) {
            let path = format!("{folder}{name}");
            if name.ends_with('/') {
                folders.push((indent, path.clone()));
            }
            found.push((index + 1, path));
        }
    }
    found
}

/// A file or folder, rather than the first word of what is said about it.
fn is_name(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    plain && !word.ends_with('.') && (word.contains(['.', '/']) || word.starts_with("LICENSE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A\n\n## Tree\n\n```\nREADME.md LICENSE-MIT  Cargo.toml\ncrates/\n  odata/   text -> tree\n  \
                        adept/\n    src/\n      main.rs cli.rs cli/  one file per command, demo.rs first\n      app.rs app/\n        \
                        sync/\ndocs/  quickstart, reference/\n```\n";

    fn files(paths: &[&str]) -> Vec<TextFile> {
        let map = TextFile { path: MAP.into(), text: TEXT.into() };
        let others = paths.iter().map(|path| TextFile { path: (*path).to_owned(), text: String::new() });
        std::iter::once(map).chain(others).collect()
    }

    #[test]
    fn the_tree_is_read_by_its_indentation() {
        let paths: Vec<String> = tree(TEXT).into_iter().map(|(_, path)| path).collect();
        assert_eq!(
            paths,
            [
                "README.md",
                "LICENSE-MIT",
                "Cargo.toml",
                "crates/",
                "crates/odata/",
                "crates/adept/",
                "crates/adept/src/",
                "crates/adept/src/main.rs",
                "crates/adept/src/cli.rs",
                "crates/adept/src/cli/",
                "crates/adept/src/app.rs",
                "crates/adept/src/app/",
                "crates/adept/src/app/sync/",
                "docs/"
            ]
        );
    }

    #[test]
    fn a_name_that_is_gone_and_a_place_that_is_new_are_found() {
        let all = [
            "README.md",
            "LICENSE-MIT",
            "Cargo.toml",
            "crates/odata/src/lib.rs",
            "crates/adept/src/main.rs",
            "crates/adept/src/cli.rs",
            "crates/adept/src/cli/demo.rs",
            "crates/adept/src/app.rs",
            "crates/adept/src/app/sync/page.rs",
            "docs/a.md",
        ];
        assert_eq!(check(&files(&all)), []);
        let gone = check(&files(&all[1..]));
        assert!(gone.len() == 1 && gone[0].sentence.starts_with("`README.md` is on the map"));
        let mut more = all.to_vec();
        more.push("crates/adept/src/auth.rs");
        let new = check(&files(&more));
        assert!(new.len() == 1 && new[0].sentence.starts_with("put `crates/adept/src/auth.rs`"), "{new:?}");
    }
}
