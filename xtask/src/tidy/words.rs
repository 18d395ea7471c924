//! Words that do not belong in the project: unfinished work, silenced lints, code left in comments, places of one
//! machine, hosts of package registries.

use std::path::Path;

use super::source::{Source, Token, is_word, tokens};
use super::{Finding, TextFile};

/// Macros of unfinished work.
const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Marks of unfinished work in comments, cut in two so that this file stays clean of them.
const MARKS: [&str; 4] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];

/// Folders that exist on one machine only.
const MACHINE: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("/work", "space/"),
];

/// Where packages come from is each builder's own setting; only the lock file names the index.
const REGISTRIES: [&str; 7] = [
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("crates", ".io-index"),
    concat!("registry.npmjs", ".org"),
    concat!("files.pythonhosted", ".org"),
    concat!("pypi.org", "/simple"),
    concat!("proxy.golang", ".org"),
];

/// Words of a Rust file: in its code and in its comments.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = code(source);
    for comment in &source.comments {
        if MARKS.iter().any(|mark| has_word(&comment.text, mark)) {
            let sentence = "finish it, or open an issue and take the mark out";
            findings.push(Finding::new("unfinished", &source.path, comment.line, sentence));
        }
        if is_code(&comment.text) {
            let sentence = "this comment is code: delete it (git remembers), or say in words why it matters";
            findings.push(Finding::new("commented code", &source.path, comment.line, sentence));
        }
    }
    findings
}

fn code(source: &Source) -> Vec<Finding> {
    let tokens = tokens(&source.code);
    let mut findings = Vec::new();
    let mut find = |token: &Token<'_>, rule, sentence: String| {
        findings.push(Finding::new(rule, &source.path, token.line, sentence));
    };
    let mut in_cfg_attr = 0;
    for window in tokens.windows(3) {
        let [before, token, after] = window else { continue };
        let texts = (before.text, token.text, after.text);
        if texts.1 == "cfg_attr" {
            in_cfg_attr = token.line;
        }
        match texts {
            (_, name, "!") if UNFINISHED.contains(&name) => {
                find(token, "unfinished", format!("`{name}!` is for the way there: write what belongs here"));
            }
            ("[", "ignore", "]" | "=") => {
                let sentence = "a test that does not run verifies nothing: fix it or delete it";
                find(token, "unfinished", sentence.into());
            }
            ("[", "allow", "(") => find(token, "allow", ALLOW.into()),
            (",", "allow", "(") if in_cfg_attr == token.line => find(token, "allow", ALLOW.into()),
            _ => {}
        }
    }
    findings
}

const ALLOW: &str =
    "write `#[expect(lint, reason = \"…\")]` instead of `allow`, so that it goes when its cause goes";

/// Words of any text file.
pub(super) fn anywhere(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let mut find =
            |rule, sentence: String| findings.push(Finding::new(rule, &file.path, index + 1, sentence));
        if let Some(folder) = MACHINE.iter().find(|folder| has_path(line, folder)) {
            find(
                "machine path",
                format!("`{folder}…` exists on one machine: write a relative path or a variable"),
            );
        }
        if let Some(host) = REGISTRIES.iter().find(|host| line.contains(**host)) {
            find(
                "registry",
                format!("`{host}` is each builder's own setting: leave it to cargo's configuration"),
            );
        }
        let is_prose = !file.path.ends_with(".rs") && !file.path.starts_with("fixtures/");
        if is_prose && MARKS.iter().any(|mark| has_word(line, mark)) {
            find("unfinished", "finish it, or open an issue and take the mark out".into());
        }
    }
    findings
}

/// The folder in which this project happens to lie.
pub(super) fn machine_root(files: &[TextFile], root: &Path) -> Vec<Finding> {
    let here = root.to_string_lossy();
    let sentence = "this is where the project lies on one machine: write a path from the project's root";
    let mut findings = Vec::new();
    for file in files.iter().filter(|_| here.len() > 4) {
        for (index, _) in file.text.lines().enumerate().filter(|(_, line)| has_path(line, &here)) {
            findings.push(Finding::new("machine path", &file.path, index + 1, sentence));
        }
    }
    findings
}

/// Whether an absolute path starts here, and not in the middle of a longer path or address.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        !line[..at]
            .ends_with(|before: char| is_word(before) || matches!(before, '.' | '/' | '-' | '}' | '*' | '~'))
    })
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(|c: char| is_word(c) || c == '-')
            && !text[at + word.len()..].starts_with(|c: char| is_word(c) || c == '-')
    })
}

/// Whether a plain `//` comment reads as Rust. Documentation may show code.
fn is_code(comment: &str) -> bool {
    let Some(text) = comment.strip_prefix("//").filter(|text| !text.starts_with(['/', '!'])) else {
        return false;
    };
    let text = text.trim();
    let starts = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    let ends_a_statement = text.ends_with(';')
        && (starts(&["let ", "use ", "pub ", "mod ", "return ", "const ", "static ", "self.", "type "])
            || text.contains(" = ")
            || called(text));
    let opens_a_block = text.ends_with('{')
        && (starts(&["if ", "for ", "while ", "match ", "fn ", "pub ", "impl ", "struct ", "enum ", "mod "])
            || starts(&["loop", "else", "} else", "async ", "let ", "trait "]));
    let is_attribute = (starts(&["#[", "#!["])) && text.ends_with(']');
    ends_a_statement || opens_a_block || is_attribute || matches!(text, "}" | "};" | "})" | "});" | "},")
}

/// `name(` or `name!(`, as only code writes it.
fn called(text: &str) -> bool {
    text.match_indices('(').any(|(at, _)| text[..at].ends_with(|c: char| is_word(c) || c == '!'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        check(&Source::read("crates/x/src/a.rs", text)).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn unfinished_work_is_found_in_code_and_comments_but_not_in_strings() {
        assert_eq!(rules("fn a() { todo!() }"), ["unfinished"]);
        assert_eq!(rules(concat!("// FIX", "ME: later\n")), ["unfinished"]);
        assert_eq!(rules("#[test]\n#[ignore]\nfn a() {}"), ["unfinished"]);
        assert_eq!(rules("#[ignore = \"slow\"]\nfn a() {}"), ["unfinished"]);
        assert_eq!(rules("let a = \"todo!()\"; ignore(b);"), [""; 0]);
    }

    #[test]
    fn silenced_lints_are_found() {
        assert_eq!(rules("#[allow(dead_code)]\nfn a() {}"), ["allow"]);
        assert_eq!(rules("#![allow(dead_code)]"), ["allow"]);
        assert_eq!(rules("#[cfg_attr(test, allow(dead_code))]"), ["allow"]);
        assert_eq!(rules("#[expect(dead_code, reason = \"b\")]\nfn a() { b(c, allow(d)) }"), [""; 0]);
    }

    #[test]
    fn code_in_comments_is_found_and_sentences_are_not() {
        for code in ["// let a = b;", "// if a {", "// foo(bar);", "// }", "// #[test]", "// self.a.b;"] {
            assert_eq!(rules(code), ["commented code"], "{code}");
        }
        for words in [
            "// The lock (ours) is held;",
            "// Apple says {}",
            "/// let a = b;",
            "// see `a(b)`.",
            "// - one;",
        ] {
            assert_eq!(rules(words), [""; 0], "{words}");
        }
    }

    #[test]
    fn machine_paths_and_registries_are_found_in_every_file() {
        let find = |line: &str| anywhere(&TextFile { path: "docs/a.md".into(), text: line.into() }).len();
        assert_eq!(find(concat!("see `/ho", "me/me/a`")), 1);
        assert_eq!(find(concat!("see https://example.org/ho", "me/a and crates/wo", "rk/a")), 0);
        assert_eq!(find(concat!("from https://index.crates", ".io/a")), 1);
        assert_eq!(find(concat!("X", "XX and M-X", "XX-1")), 1);
    }

    #[test]
    fn the_folder_of_the_project_is_found() {
        let files = [TextFile { path: "a.md".into(), text: "run it in /srv/build/adept now".into() }];
        assert_eq!(machine_root(&files, Path::new("/srv/build/adept")).len(), 1);
        assert_eq!(machine_root(&files, Path::new("/")).len(), 0);
    }
}
