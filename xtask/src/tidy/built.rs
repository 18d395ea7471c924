//! What cargo really builds: no banned crate, no license outside the list, one source. Reads the same
//! deny.toml as cargo-deny, which is not needed for it.

use std::collections::BTreeMap;

use super::{Finding, TextFile};
use crate::run::{Result, cargo, output};

const RULES: &str = "deny.toml";

/// Checks the dependency tree of all crates with all features, tests included, on this machine's target.
pub(super) fn check(files: &[TextFile]) -> Result<Vec<Finding>> {
    let Some(rules) = files.iter().find(|file| file.path == RULES) else {
        let sentence = "write deny.toml: banned crates and allowed licenses, each with its reason";
        return Ok(vec![Finding::new("deny", RULES, 0, sentence)]);
    };
    let tree =
        output(
            cargo(["tree", "--locked", "--workspace", "--all-features", "--edges", "normal,build,dev"])
                .args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"]),
        )?;
    Ok(judge(&rules.text, &tree))
}

/// `tree` has one line per use of a package: `name v1.2.3 (…)|license`.
fn judge(rules: &str, tree: &str) -> Vec<Finding> {
    let banned = banned(rules);
    let allowed = allowed(rules);
    let mut packages = BTreeMap::new();
    for line in tree.lines().filter(|line| !line.trim().is_empty()) {
        let (package, license) = line.split_once('|').unwrap_or((line, ""));
        let package = package.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        packages.insert(package, license.trim());
    }
    let mut findings = Vec::new();
    let mut find = |line, sentence| findings.push(Finding::new("deny", RULES, line, sentence));
    for (package, license) in packages {
        let name = package.split(' ').next().unwrap_or_default();
        if let Some((line, reason)) = banned.get(name) {
            let sentence = format!(
                "`{package}` is built and is banned ({reason}): find who brings it with `cargo tree --invert {name}` \
                 and turn that feature off"
            );
            find(*line, sentence);
        }
        if !is_allowed(license, &allowed) {
            let sentence = format!(
                "the license of `{package}` is `{license}`: add it to [licenses] with a reason, or do without the crate"
            );
            find(0, sentence);
        }
    }
    findings
}

/// Crates in `deny = […]`, one a line, each with its line and reason.
fn banned(rules: &str) -> BTreeMap<&str, (usize, &str)> {
    let inside = section(rules, "[bans]").filter_map(|(line, text)| {
        let name = quoted_after(text, "crate = ")?;
        Some((name, (line, quoted_after(text, "reason = ").unwrap_or("no reason given"))))
    });
    inside.collect()
}

/// Licenses in `allow = […]`, one a line.
fn allowed(rules: &str) -> Vec<&str> {
    section(rules, "[licenses]")
        .filter_map(|(_, text)| text.trim().strip_prefix('"')?.split('"').next())
        .collect()
}

fn section<'a>(rules: &'a str, heading: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let lines = rules.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines
        .skip_while(move |(_, line)| line.trim() != heading)
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['))
}

fn quoted_after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.split_once(key)?.1.strip_prefix('"')?.split('"').next()
}

/// Reads an SPDX expression as manifests write them: a choice of lists, or with parentheses a list of choices.
fn is_allowed(license: &str, allowed: &[&str]) -> bool {
    let license = license.replace('/', " OR ");
    let is_one = |name: &str| {
        let name = name.trim_matches(['(', ')', ' ']);
        allowed.contains(&name) || name.split_once(" WITH ").is_some_and(|(name, _)| allowed.contains(&name))
    };
    match license.contains('(') {
        true => license.split(" AND ").all(|part| part.split(" OR ").any(is_one)),
        false => license.split(" OR ").any(|part| part.split(" AND ").all(is_one)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[bans]\ndeny = [\n  { crate = \"rsa\", reason = \"leaks\" },\n]\n\n[licenses]\nallow = [\n  \
                        \"MIT\", # usual\n  \"Apache-2.0\",\n  \"Unicode-3.0\",\n]\n";

    #[test]
    fn banned_crates_and_strange_licences_are_found_once() {
        let tree =
            "adept v0.1.0 (/x)|MIT OR Apache-2.0\nrsa v0.9.0|MIT\nrsa v0.9.0|MIT\n\nodd v1.0.0|GPL-3.0\n";
        let found = judge(DENY, tree);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].sentence.contains("`odd v1.0.0` is `GPL-3.0`"));
        assert!(
            found[1].sentence.contains("`rsa v0.9.0` is built and is banned (leaks)") && found[1].line == 3
        );
    }

    #[test]
    fn license_expressions_are_read() {
        let allowed = allowed(DENY);
        for fine in [
            "MIT",
            "MIT/Apache-2.0",
            "Zlib OR MIT",
            "(MIT OR ISC) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(is_allowed(fine, &allowed), "{fine}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "ISC AND (MIT OR Zlib)"] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }
}
