//! A filter as OData text. A tree of the parser's form, printed within the parser's limits, parses to itself.

use std::fmt::{self, Display, Formatter};

use super::Filter;

/// How tightly a printed condition holds together; a looser one inside a tighter one needs parentheses.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    /// A comparison or a negation.
    Comparison,
    Call,
}

/// `F` displays as its property path, such as `actor/ipAddress`; members of a collection's items begin with the
/// collection's path. Lambda variables are named `e1`, `e2`, ….
impl<F: Display> Display for Filter<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.print(f, &mut Vec::new(), Binding::Or)
    }
}

impl<F: Display> Filter<F> {
    fn print(&self, f: &mut Formatter<'_>, scopes: &mut Vec<String>, within: Binding) -> fmt::Result {
        if self.binding() >= within {
            return self.print_bare(f, scopes);
        }
        f.write_str("(")?;
        self.print_bare(f, scopes)?;
        f.write_str(")")
    }

    fn binding(&self) -> Binding {
        match self {
            Self::Or(_) => Binding::Or,
            Self::And(_) => Binding::And,
            Self::Not(_) | Self::Compare { .. } | Self::IsNull(_) | Self::In { .. } => Binding::Comparison,
            Self::Constant(_) | Self::Call { .. } | Self::Any { .. } | Self::All { .. } => Binding::Call,
        }
    }

    fn print_bare(&self, f: &mut Formatter<'_>, scopes: &mut Vec<String>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "{value}"),
            Self::Compare { field, op, value } => write!(f, "{} {} {value}", name(field, scopes), op.name()),
            Self::IsNull(field) => write!(f, "{} eq null", name(field, scopes)),
            Self::In { field, values } => {
                write!(f, "{} in ", name(field, scopes))?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { '(' } else { ',' })?;
                }
                f.write_str(")")
            }
            Self::Call { function, field, text } => {
                write!(f, "{}({},'{}')", function.name(), name(field, scopes), text.replace('\'', "''"))
            }
            Self::Not(inner) => match &**inner {
                Self::IsNull(field) => write!(f, "{} ne null", name(field, scopes)),
                inner => {
                    f.write_str("not ")?;
                    inner.print(f, scopes, Binding::Call)
                }
            },
            Self::And(conditions) => join(conditions, f, scopes, " and ", || Binding::Comparison),
            Self::Or(conditions) => join(conditions, f, scopes, " or ", || Binding::And),
            Self::Any { collection, predicate } => lambda("any", collection, predicate, f, scopes),
            Self::All { collection, predicate } => lambda("all", collection, predicate, f, scopes),
        }
    }
}

fn join<F: Display>(
    conditions: &[Filter<F>],
    f: &mut Formatter<'_>,
    scopes: &mut Vec<String>,
    word: &str,
    within: impl Fn() -> Binding,
) -> fmt::Result {
    for (index, condition) in conditions.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        condition.print(f, scopes, within())?;
    }
    Ok(())
}

fn lambda<F: Display>(
    word: &str,
    collection: &F,
    predicate: &Filter<F>,
    f: &mut Formatter<'_>,
    scopes: &mut Vec<String>,
) -> fmt::Result {
    write!(f, "{}/{word}(e{}:", name(collection, scopes), scopes.len() + 1)?;
    scopes.push(collection.to_string());
    predicate.print(f, scopes, Binding::Or)?;
    scopes.pop();
    f.write_str(")")
}

/// The path as it is written here: from the variable of the innermost collection that it lies in.
fn name<F: Display>(field: &F, scopes: &[String]) -> String {
    let path = field.to_string();
    for (index, scope) in scopes.iter().enumerate().rev() {
        match path.strip_prefix(scope.as_str()) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => return format!("e{}{rest}", index + 1),
            _ => {}
        }
    }
    path
}
