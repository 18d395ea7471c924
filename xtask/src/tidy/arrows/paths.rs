//! Finds every path in code that begins at a crate: `crate::a`, `super::a`, `adept_x::a`, with the groups of `use`
//! taken apart. Relative paths that begin at a name of the same module are not seen; they cannot leave it.

use super::super::source::{Token, is_word, tokens};

/// A path from a crate's root, such as `["crate", "storage", "db"]`, and the line where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) line: usize,
    pub(super) path: Vec<String>,
}

/// The paths in `code`, which belongs to the module `module` (its names from the crate's root).
pub(super) fn used(code: &str, module: &[String]) -> Vec<Used> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut scope = Scope { module, inner: Vec::new(), depth: 0 };
    for at in 0..tokens.len() {
        scope.step(&tokens, at);
        let continues = at > 0 && tokens[at - 1].text == "::";
        let is_path = tokens.get(at + 1).is_some_and(|next| next.text == "::") || is_whole_crate(&tokens, at);
        if is_path && !continues && begins(tokens[at].text) {
            walk(&tokens, at, &mut Vec::new(), &mut found, &scope);
        }
    }
    found
}

/// Inline modules around the place, each with the depth of its opening brace.
struct Scope<'a> {
    module: &'a [String],
    inner: Vec<(String, usize)>,
    depth: usize,
}

impl Scope<'_> {
    fn step(&mut self, tokens: &[Token<'_>], at: usize) {
        match tokens[at].text {
            "{" => {
                self.depth += 1;
                if at >= 2 && tokens[at - 2].text == "mod" {
                    self.inner.push((tokens[at - 1].text.to_owned(), self.depth));
                }
            }
            "}" => {
                self.inner.retain(|(_, depth)| *depth < self.depth);
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// KeyedMutex `super::…` and `self::…` into a path from the crate's root.
    fn resolve(&self, path: &[&str]) -> Vec<String> {
        let mut here: Vec<&str> = self.module.iter().map(String::as_str).collect();
        here.extend(self.inner.iter().map(|(name, _)| name.as_str()));
        let mut rest = path;
        while let [first, after @ ..] = rest
            && (*first == "super" || *first == "self")
        {
            if *first == "super" {
                here.pop();
            }
            rest = after;
        }
        let is_relative = rest.len() < path.len();
        let begin = if is_relative { std::iter::once("crate").chain(here).collect() } else { Vec::new() };
        begin.into_iter().chain(rest.iter().copied()).map(str::to_owned).collect()
    }
}

fn begins(word: &str) -> bool {
    matches!(word, "crate" | "super" | "self" | "adept") || word.starts_with("adept_")
}

/// `use adept_apple;` and `use adept_apple as a;` have no `::`.
fn is_whole_crate(tokens: &[Token<'_>], at: usize) -> bool {
    at > 0 && tokens[at - 1].text == "use" && tokens[at].text.starts_with("adept")
}

/// Follows one path from `at`, into every branch of its groups. Returns where it ends.
fn walk<'a>(
    tokens: &[Token<'a>],
    mut at: usize,
    path: &mut Vec<&'a str>,
    found: &mut Vec<Used>,
    scope: &Scope<'_>,
) -> usize {
    let before = path.len();
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        match token.text {
            "{" => {
                at = group(tokens, at + 1, path, found, scope);
                path.truncate(before);
                return at;
            }
            word if word.starts_with(is_word) || word == "*" => path.push(word),
            _ => break,
        }
        at += 1;
        if tokens.get(at).is_none_or(|next| next.text != "::") {
            break;
        }
        at += 1;
    }
    found.push(Used { line, path: scope.resolve(path) });
    path.truncate(before);
    at
}

/// The branches of `{a, b::c}` behind `path`; `at` is behind the brace.
fn group<'a>(
    tokens: &[Token<'a>],
    mut at: usize,
    path: &mut Vec<&'a str>,
    found: &mut Vec<Used>,
    scope: &Scope<'_>,
) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text {
            "}" => return at + 1,
            "," => at += 1,
            // The new name of `a as b` is no path.
            "as" => at += 2,
            word if word.starts_with(is_word) || matches!(word, "{" | "*") => {
                at = walk(tokens, at, path, found, scope);
            }
            _ => return at,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str, module: &[&str]) -> Vec<String> {
        let module: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
        used(code, &module).into_iter().map(|used| used.path.join("::")).collect()
    }

    #[test]
    fn groups_are_taken_apart() {
        assert_eq!(
            paths("use crate::{a, b::{self as c, d::*}, e as f};", &["x"]),
            ["crate::a", "crate::b::self", "crate::b::d::*", "crate::e"]
        );
    }

    #[test]
    fn super_and_self_count_from_the_module() {
        assert_eq!(
            paths("super::a; self::b; super::super::c::d()", &["x", "y"]),
            ["crate::x::a", "crate::x::y::b", "crate::c::d"]
        );
        assert_eq!(
            paths("mod z { use super::super::a; } use super::b;", &["x", "y"]),
            ["crate::x::a", "crate::x::b"]
        );
    }

    #[test]
    fn whole_crates_and_expressions_are_seen() {
        assert_eq!(
            paths("use adept_apple as a; adept_odata::parse(crate::b::<C>())", &[]),
            ["adept_apple", "adept_odata::parse", "crate::b"]
        );
    }

    #[test]
    fn visibility_is_no_path() {
        assert_eq!(paths("pub(crate) fn a(&self) { self.b() }", &["x"]), [""; 0]);
    }
}
