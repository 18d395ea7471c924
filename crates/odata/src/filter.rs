//! The tree of a `$filter`: conditions on the caller's fields, each literal already of its field's kind.
//!
//! Every condition is true or false, never unknown: every test of a null field is false, except "is it null" and
//! "is it not equal". `not` therefore selects exactly the others.

mod display;
mod matches;

pub use matches::Row;

use crate::literal::Literal;

/// A condition. The parser and [`Filter::and`], [`Filter::or`], [`Filter::not`] make trees in which no `And` holds an
/// `And`, no `Or` an `Or`, and no `Not` a `Not` or a `Constant`; these are the trees that print and parse to themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter<F> {
    /// Always or never.
    Constant(bool),
    /// `field op value`. With a null field only `Ne` is true.
    Compare {
        /// The field; inside `any`/`all` over primitive items the collection's own field means the item.
        field: F,
        /// How.
        op: CompareOp,
        /// With what; fits the field's kind.
        value: Literal,
    },
    /// `field eq null`.
    IsNull(F),
    /// `field in (…)`; at least one value. False for a null field.
    In {
        /// The field.
        field: F,
        /// Each fits the field's kind.
        values: Vec<Literal>,
    },
    /// A text function. False for a null field.
    Call {
        /// Which.
        function: Function,
        /// A field of kind `Edm.String`.
        field: F,
        /// In the case in which it was written; compared without ASCII case.
        text: String,
    },
    /// The opposite.
    Not(Box<Filter<F>>),
    /// All of two or more.
    And(Vec<Filter<F>>),
    /// At least one of two or more.
    Or(Vec<Filter<F>>),
    /// At least one item of the collection fulfils the predicate; `any()` has the predicate `Constant(true)`.
    Any {
        /// A field of kind collection.
        collection: F,
        /// On the item's fields; fields of the entity itself may occur too.
        predicate: Box<Filter<F>>,
    },
    /// Every item of the collection fulfils the predicate; true for an empty one.
    All {
        /// A field of kind collection.
        collection: F,
        /// As in `Any`.
        predicate: Box<Filter<F>>,
    },
}

/// How a field is compared with a value.
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

/// A text function of a field and a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `contains`
    Contains,
    /// `startswith`
    StartsWith,
    /// `endswith`
    EndsWith,
}

impl Function {
    /// The function's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "startswith",
            Self::EndsWith => "endswith",
        }
    }
}

impl<F> Filter<F> {
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

    /// The opposite; two negations cancel out.
    #[expect(clippy::should_implement_trait, reason = "`!filter` would read as a plain boolean")]
    pub fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            Self::Constant(value) => Self::Constant(!value),
            other => Self::Not(Box::new(other)),
        }
    }
}
