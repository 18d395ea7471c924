//! The tree of a `$filter` or `$orderby`: expressions on the caller's fields, every operand already of the type that its
//! operator needs.
//!
//! A value may be null, and null is "unknown" to `and`, `or` and `not`, as OData 4.01 says (part 2, 5.1.1.1): `eq` and `ne`
//! compare it, `gt`, `ge`, `lt` and `le` are false with it, every function of it is null, and a row is selected only where
//! the whole condition is true.

mod display;
mod evaluate;
mod function;

pub use evaluate::Row;
pub use function::Function;

use crate::literal::Literal;

/// An expression. The parser and [`Expr::and`], [`Expr::or`], [`Expr::negated`] make trees in which no `And` holds an
/// `And`, no `Or` an `Or`, and no `Not` a `Not` or a boolean literal; these are the trees that print and parse to themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr<F> {
    /// `null`; stands only beside a comparison.
    Null,
    /// A value.
    Literal(Literal),
    /// A field's value; inside `any`/`all` over primitive items the collection's own field means the item. A complex value
    /// or a single entity can only be compared with `Null`.
    Field(F),
    /// A field of a derived type: null where the row is of another one.
    Cast(TypeTest<F>, F),
    /// How many items a collection has.
    Count(F),
    /// A function of as many arguments as it takes.
    Call(Function, Vec<Expr<F>>),
    /// Whole numbers; the result is known to fit 64 bits. Null beside null, and what is divided by 0 is null.
    Arithmetic(ArithmeticOp, Box<Expr<F>>, Box<Expr<F>>),
    /// A whole number with its sign changed; never a literal.
    Negate(Box<Expr<F>>),
    /// Never null. Both sides are of one type; a literal or `Null` stands on the right.
    Compare(CompareOp, Box<Expr<F>>, Box<Expr<F>>),
    /// Whether the value is one of these, at least one; false for null. Never null.
    In(Box<Expr<F>>, Vec<Literal>),
    /// Whether the row, or the item of a collection, is of a type. Never null.
    IsOf(TypeTest<F>),
    /// The opposite; null of null.
    Not(Box<Expr<F>>),
    /// All of two or more.
    And(Vec<Expr<F>>),
    /// At least one of two or more.
    Or(Vec<Expr<F>>),
    /// For at least one item of the collection the predicate is true; `any()` has the predicate `true`. Never null.
    Any(F, Box<Expr<F>>),
    /// For every item of the collection the predicate is true; true of an empty one. Never null.
    All(F, Box<Expr<F>>),
}

/// Being of a type, or of one that extends it: told by the value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeTest<F> {
    /// The type's qualified name.
    pub type_name: &'static str,
    /// The field that holds a row's type.
    pub field: F,
    /// Its values for the type and for what extends it.
    pub values: Vec<Literal>,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `eq`
    Eq,
    /// `ne`
    Ne,
    /// `gt`
    Gt,
    /// `ge`
    Ge,
    /// `lt`
    Lt,
    /// `le`
    Le,
}

impl CompareOp {
    /// All six.
    pub const ALL: [Self; 6] = [Self::Eq, Self::Ne, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// The operator for the same comparison with its sides exchanged.
    pub fn flipped(self) -> Self {
        match self {
            Self::Eq => Self::Eq,
            Self::Ne => Self::Ne,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
        }
    }

    /// The operator's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }
}

/// What is done with two whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArithmeticOp {
    /// `add`
    Add,
    /// `sub`
    Sub,
    /// `mul`
    Mul,
    /// `div`, towards zero
    Div,
    /// `mod`, with the sign of the first
    Mod,
}

impl ArithmeticOp {
    /// All five.
    pub const ALL: [Self; 5] = [Self::Add, Self::Sub, Self::Mul, Self::Div, Self::Mod];

    /// The operator's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Mod => "mod",
        }
    }
}

impl<F> Expr<F> {
    /// A condition that is always or never true.
    pub fn constant(value: bool) -> Self {
        Self::Literal(Literal::Boolean(value))
    }

    /// `field op value`.
    pub fn compare(field: F, op: CompareOp, value: Literal) -> Self {
        Self::Compare(op, Box::new(Self::Field(field)), Box::new(Self::Literal(value)))
    }

    /// `field eq null`.
    pub fn is_null(field: F) -> Self {
        Self::Compare(CompareOp::Eq, Box::new(Self::Field(field)), Box::new(Self::Null))
    }

    /// Both; a side that is an `And` is taken apart.
    pub fn and(self, other: Self) -> Self {
        let mut all = match self {
            Self::And(conditions) => conditions,
            single => vec![single],
        };
        match other {
            Self::And(conditions) => all.extend(conditions),
            single => all.push(single),
        }
        Self::And(all)
    }

    /// Either; a side that is an `Or` is taken apart.
    pub fn or(self, other: Self) -> Self {
        let mut all = match self {
            Self::Or(conditions) => conditions,
            single => vec![single],
        };
        match other {
            Self::Or(conditions) => all.extend(conditions),
            single => all.push(single),
        }
        Self::Or(all)
    }

    /// Shows every expression in this one, itself first.
    pub fn visit_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        visit(self);
        match self {
            Self::Call(_, all) | Self::And(all) | Self::Or(all) => {
                all.iter_mut().for_each(|one| one.visit_mut(visit));
            }
            Self::Arithmetic(_, left, right) | Self::Compare(_, left, right) => {
                left.visit_mut(visit);
                right.visit_mut(visit);
            }
            Self::Negate(inner)
            | Self::Not(inner)
            | Self::In(inner, _)
            | Self::Any(_, inner)
            | Self::All(_, inner) => inner.visit_mut(visit),
            Self::Null
            | Self::Literal(_)
            | Self::Field(_)
            | Self::Cast(..)
            | Self::Count(_)
            | Self::IsOf(_) => {}
        }
    }

    /// The opposite; two negations cancel out.
    pub fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            Self::Literal(Literal::Boolean(value)) => Self::constant(!value),
            other => Self::Not(Box::new(other)),
        }
    }
}
