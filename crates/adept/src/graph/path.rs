//! The path of a URL as text: segments, percent-decoded, and what stands in their parentheses. It knows no route.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// A percent sequence that is broken, is not UTF-8 or means NUL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadEncoding;

/// One segment of a path, decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment<'p>(Cow<'p, str>);

/// What follows a segment's name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parentheses {
    /// `name`
    Absent,
    /// `name()`
    Empty,
    /// `name('key')`, `name(key)` or `name(property='key')`, with the property's name in the last case.
    Key(Option<String>, String),
    /// `name(a='1',b='2')`
    Named(Vec<(String, String)>),
}

/// The segments of a path. Empty ones (a trailing slash, two in a row) are left out, as Graph does.
pub(super) fn segments(path: &str) -> impl Iterator<Item = Result<Segment<'_>, BadEncoding>> {
    path.split('/').filter(|raw| !raw.is_empty()).map(|raw| decoded(raw).map(Segment))
}

/// Names and keys of a path in turn, `set('key')` and `set/key` alike, none when it is not
/// well-formed or narrows to a type.
pub(super) fn resource_path(path: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    for segment in segments(path) {
        let segment = segment.ok()?;
        let (name, qualified) = segment.unqualified();
        if qualified {
            return None;
        }
        parts.push(name.to_owned());
        parts.extend(segment.key()?);
    }
    Some(parts)
}

impl Segment<'_> {
    /// The whole segment.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// The segment up to its parentheses.
    pub(super) fn name(&self) -> &str {
        self.0.split('(').next().unwrap_or(&self.0)
    }

    /// The name without the namespace `microsoft.graph` or its alias `graph`, and whether it had one.
    pub(super) fn unqualified(&self) -> (&str, bool) {
        let name = self.name();
        for namespace in ["microsoft.graph.", "graph."] {
            if let Some((start, rest)) = name.split_at_checked(namespace.len())
                && start.eq_ignore_ascii_case(namespace)
            {
                return (rest, true);
            }
        }
        (name, false)
    }

    /// The key in parentheses, if there are any; none when they hold anything but one key.
    pub(super) fn key(&self) -> Option<Option<String>> {
        match self.parentheses()? {
            Parentheses::Absent => Some(None),
            Parentheses::Key(None, key) => Some(Some(key)),
            Parentheses::Key(Some(name), key) if name.eq_ignore_ascii_case("id") => Some(Some(key)),
            Parentheses::Empty | Parentheses::Key(..) | Parentheses::Named(_) => None,
        }
    }

    /// The first parameter alias among the arguments or keys in parentheses; a quoted text is none.
    pub(super) fn alias(&self) -> Option<&str> {
        let mut rest = self.0[self.0.find('(')? + 1..].strip_suffix(')')?.trim_start();
        loop {
            let (_, value) = name_of_argument(rest);
            if value.starts_with('@') {
                return value.split([',', ' ']).next();
            }
            let (_, after) = argument(value)?;
            rest = after.trim_start().strip_prefix(',')?.trim_start();
        }
    }

    /// What stands in parentheses; none when they are not well-formed.
    pub(super) fn parentheses(&self) -> Option<Parentheses> {
        let Some(open) = self.0.find('(') else { return Some(Parentheses::Absent) };
        let mut rest = self.0[open + 1..].strip_suffix(')')?.trim();
        if rest.is_empty() {
            return Some(Parentheses::Empty);
        }
        let mut values = Vec::new();
        loop {
            let (name, after) = name_of_argument(rest);
            let (value, after) = argument(after)?;
            values.push((name, value));
            match after.trim_start().strip_prefix(',') {
                Some(more) => rest = more.trim_start(),
                None if after.trim().is_empty() => break,
                None => return None,
            }
        }
        if values.len() == 1 {
            return values.pop().map(|(name, value)| Parentheses::Key(name, value));
        }
        let named = values.into_iter().map(|(name, value)| Some((name?, value)));
        named.collect::<Option<_>>().map(Parentheses::Named)
    }
}

/// `name=` at the start, if it is there, and the rest.
fn name_of_argument(text: &str) -> (Option<String>, &str) {
    match text.split_once('=') {
        Some((name, rest)) if !name.contains(['\'', ',']) => {
            (Some(name.trim().to_owned()), rest.trim_start())
        }
        _ => (None, text),
    }
}

/// A quoted or bare value at the start, and the rest.
fn argument(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('\'') else {
        let end = text.find(',').unwrap_or(text.len());
        let bare = text[..end].trim();
        return (!bare.is_empty() && !bare.contains(['\'', '(', ')']))
            .then(|| (bare.to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('\'')?;
        value.push_str(part);
        match after.strip_prefix('\'') {
            // Two quotes are one.
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

fn decoded(raw: &str) -> Result<Cow<'_, str>, BadEncoding> {
    if !raw.contains('%') {
        return Ok(Cow::Borrowed(raw));
    }
    // The decoder leaves a broken sequence as it is.
    let digits =
        |part: &str| part.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    if !raw.split('%').skip(1).all(digits) {
        return Err(BadEncoding);
    }
    let text = percent_decode_str(raw).decode_utf8().map_err(|_| BadEncoding)?;
    if text.contains('\0') { Err(BadEncoding) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(path: &str) -> Segment<'_> {
        let mut all = segments(path);
        let one = all.next().unwrap().unwrap();
        assert!(all.next().is_none());
        one
    }

    fn key(text: &str) -> Option<Parentheses> {
        Some(Parentheses::Key(None, text.to_owned()))
    }

    #[test]
    fn empty_segments_are_left_out() {
        let names: Vec<_> = segments("//a/b//c/").map(|s| s.unwrap().text().to_owned()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn keys_are_read_in_every_form() {
        assert_eq!(only("x('1')").parentheses(), key("1"));
        assert_eq!(only("x(1)").parentheses(), key("1"));
        assert_eq!(only("x('')").parentheses(), key(""));
        assert_eq!(only("x(%27a%2Fb%27)").parentheses(), key("a/b"));
        assert_eq!(only("x('O''Brien')").parentheses(), key("O'Brien"));
        assert_eq!(only("x('a=b,c')").parentheses(), key("a=b,c"));
        assert_eq!(
            only("x(id='1')").parentheses(),
            Some(Parentheses::Key(Some("id".to_owned()), "1".to_owned()))
        );
        assert_eq!(only("x").parentheses(), Some(Parentheses::Absent));
        assert_eq!(only("x()").parentheses(), Some(Parentheses::Empty));
    }

    #[test]
    fn named_arguments_are_read() {
        let named = [("a", "1, 2"), ("b", "3")].map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
        assert_eq!(only("f(a='1, 2', b=3)").parentheses(), Some(Parentheses::Named(named)));
    }

    #[test]
    fn broken_parentheses_are_refused() {
        for broken in ["x(", "x('1", "x('1'", "x('1'x)", "x('1',)", "x(,)", "x('1','2')", "x((1))"] {
            assert_eq!(only(broken).parentheses(), None, "{broken}");
        }
    }

    #[test]
    fn namespaces_are_stripped_in_any_case() {
        assert_eq!(only("microsoft.graph.f()").unqualified(), ("f", true));
        assert_eq!(only("Graph.f").unqualified(), ("f", true));
        assert_eq!(only("graph").unqualified(), ("graph", false));
    }

    #[test]
    fn broken_encodings_are_refused() {
        for broken in ["%", "%2", "%zz", "%ff", "a%00"] {
            assert_eq!(segments(broken).next(), Some(Err(BadEncoding)), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_read_without_a_panic(path in "[%'(),=/a-c0ö.]{0,40}") {
            for segment in segments(&path).flatten() {
                let _ = (segment.name(), segment.unqualified(), segment.parentheses());
            }
        }

        #[test]
        fn any_key_comes_back_from_its_quoted_form(text in "[^/%\\x00]{0,20}") {
            let path = format!("x('{}')", text.replace('\'', "''"));
            prop_assert_eq!(only(&path).parentheses(), Some(Parentheses::Key(None, text)));
        }
    }
}
