//! What a filter means, said in the plainest way: the reference against which a translation into SQL is tested.

use std::cmp::Ordering;

use super::{CompareOp, Filter, Function};
use crate::literal::{Literal, folded};

/// Something that a filter can be asked about.
pub trait Row<F> {
    /// The value of a primitive field, `None` when it is null. An item of a collection of primitives answers the
    /// collection's field with itself; an item of any collection answers for the fields of the row around it too.
    fn value(&self, field: &F) -> Option<Literal>;

    /// The items of a collection.
    fn items(&self, collection: &F) -> Vec<Box<dyn Row<F> + '_>>;
}

impl<F> Filter<F> {
    /// Whether the row fulfils the condition. Text is compared by the bytes of its ASCII-lower-cased form.
    pub fn matches(&self, row: &dyn Row<F>) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Compare { field, op, value } => {
                op.accepts(row.value(field).and_then(|own| own.compare(value)))
            }
            Self::IsNull(field) => row.value(field).is_none(),
            Self::In { field, values } => row
                .value(field)
                .is_some_and(|own| values.iter().any(|value| own.compare(value) == Some(Ordering::Equal))),
            Self::Call { function, field, text } => match row.value(field) {
                Some(Literal::Text(own)) => function.accepts(&folded(&own), &folded(text)),
                _ => false,
            },
            Self::Not(inner) => !inner.matches(row),
            Self::And(conditions) => conditions.iter().all(|condition| condition.matches(row)),
            Self::Or(conditions) => conditions.iter().any(|condition| condition.matches(row)),
            Self::Any { collection, predicate } => {
                row.items(collection).iter().any(|item| predicate.matches(item.as_ref()))
            }
            Self::All { collection, predicate } => {
                row.items(collection).iter().all(|item| predicate.matches(item.as_ref()))
            }
        }
    }
}

impl CompareOp {
    /// Whether an order of field and value fulfils the operator; `None` is the order of null and anything.
    fn accepts(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Eq => order == Some(Ordering::Equal),
            Self::Ne => order != Some(Ordering::Equal),
            Self::Gt => order == Some(Ordering::Greater),
            Self::Ge => order.is_some_and(Ordering::is_ge),
            Self::Lt => order == Some(Ordering::Less),
            Self::Le => order.is_some_and(Ordering::is_le),
        }
    }
}

impl Function {
    fn accepts(self, own: &str, text: &str) -> bool {
        match self {
            Self::Contains => own.contains(text),
            Self::StartsWith => own.starts_with(text),
            Self::EndsWith => own.ends_with(text),
        }
    }
}
