//! An expression as OData text. A tree of the parser's form, printed within the parser's limits, parses to itself.

use std::fmt::{self, Display, Formatter};

use super::{ArithmeticOp, Expr};
use crate::literal::Literal;

/// How tightly a printed expression holds together; a looser one inside a tighter one needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    /// A comparison or a negation.
    Comparison,
    Sum,
    Product,
    Sign,
    Primary,
}

/// `F` displays as its property path, such as `actor/ipAddress`; members of a collection's items begin with the
/// collection's path. Lambda variables are named `e1`, `e2`, ….
impl<F: Display> Display for Expr<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.print(f, &mut Vec::new(), Binding::Or)
    }
}

impl<F: Display> Expr<F> {
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
            Self::Not(_) | Self::Compare(..) | Self::In(..) => Binding::Comparison,
            Self::Arithmetic(ArithmeticOp::Add | ArithmeticOp::Sub, ..) => Binding::Sum,
            Self::Arithmetic(ArithmeticOp::Mul | ArithmeticOp::Div | ArithmeticOp::Mod, ..) => {
                Binding::Product
            }
            Self::Negate(_) => Binding::Sign,
            Self::Null
            | Self::Literal(_)
            | Self::Field(_)
            | Self::Cast(..)
            | Self::Count(_)
            | Self::Call(..)
            | Self::IsOf(_)
            | Self::Any(..)
            | Self::All(..) => Binding::Primary,
        }
    }

    fn print_bare(&self, f: &mut Formatter<'_>, scopes: &mut Vec<String>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Literal(value) => write!(f, "{value}"),
            Self::Field(field) => f.write_str(&Path::of(field, scopes).to_string()),
            Self::Cast(test, field) => {
                let Path { variable, rest } = Path::of(field, scopes);
                write!(f, "{}", Path { variable, rest: format!("{}/{rest}", test.type_name) })
            }
            Self::Count(collection) => write!(f, "{}/$count", Path::of(collection, scopes)),
            Self::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                for (index, argument) in arguments.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    argument.print(f, scopes, Binding::Or)?;
                }
                f.write_str(")")
            }
            Self::Arithmetic(op, left, right) => {
                let (own, tighter) = match self.binding() {
                    Binding::Sum => (Binding::Sum, Binding::Product),
                    _ => (Binding::Product, Binding::Sign),
                };
                left.print(f, scopes, own)?;
                write!(f, " {} ", op.name())?;
                right.print(f, scopes, tighter)
            }
            Self::Negate(inner) => {
                f.write_str("-")?;
                inner.print(f, scopes, Binding::Primary)
            }
            Self::Compare(op, left, right) => {
                left.print(f, scopes, Binding::Sum)?;
                write!(f, " {} ", op.name())?;
                right.print(f, scopes, Binding::Sum)
            }
            Self::In(value, values) => {
                value.print(f, scopes, Binding::Sum)?;
                f.write_str(" in ")?;
                list(f, values)
            }
            Self::IsOf(test) => match Path::of(&test.field, scopes).variable {
                Some(variable) => write!(f, "isof(e{variable},'{}')", test.type_name),
                None => write!(f, "isof('{}')", test.type_name),
            },
            Self::Not(inner) => {
                f.write_str("not ")?;
                inner.print(f, scopes, Binding::Primary)
            }
            Self::And(conditions) => join(conditions, f, scopes, " and ", Binding::Comparison),
            Self::Or(conditions) => join(conditions, f, scopes, " or ", Binding::And),
            Self::Any(collection, predicate) => lambda("any", collection, predicate, f, scopes),
            Self::All(collection, predicate) => lambda("all", collection, predicate, f, scopes),
        }
    }
}

fn list(f: &mut Formatter<'_>, values: &[Literal]) -> fmt::Result {
    for (index, value) in values.iter().enumerate() {
        write!(f, "{}{value}", if index == 0 { '(' } else { ',' })?;
    }
    f.write_str(")")
}

fn join<F: Display>(
    conditions: &[Expr<F>],
    f: &mut Formatter<'_>,
    scopes: &mut Vec<String>,
    word: &str,
    within: Binding,
) -> fmt::Result {
    for (index, condition) in conditions.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        condition.print(f, scopes, within)?;
    }
    Ok(())
}

fn lambda<F: Display>(
    word: &str,
    collection: &F,
    predicate: &Expr<F>,
    f: &mut Formatter<'_>,
    scopes: &mut Vec<String>,
) -> fmt::Result {
    write!(f, "{}/{word}(e{}:", Path::of(collection, scopes), scopes.len() + 1)?;
    scopes.push(collection.to_string());
    predicate.print(f, scopes, Binding::Or)?;
    scopes.pop();
    f.write_str(")")
}

/// A path as it is written here: from the variable of the innermost collection that it lies in.
struct Path {
    variable: Option<usize>,
    /// What follows the variable and its slash, or the whole.
    rest: String,
}

impl Path {
    fn of<F: Display>(field: &F, scopes: &[String]) -> Self {
        let path = field.to_string();
        for (index, scope) in scopes.iter().enumerate().rev() {
            match path.strip_prefix(scope.as_str()) {
                Some("") => return Self { variable: Some(index + 1), rest: String::new() },
                Some(rest) if rest.starts_with('/') => {
                    return Self { variable: Some(index + 1), rest: rest[1..].to_owned() };
                }
                _ => {}
            }
        }
        Self { variable: None, rest: path }
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.variable {
            Some(variable) if self.rest.is_empty() => write!(f, "e{variable}"),
            Some(variable) => write!(f, "e{variable}/{}", self.rest),
            None => f.write_str(&self.rest),
        }
    }
}
