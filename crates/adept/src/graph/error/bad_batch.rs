//! Why a batch is not run at all.

/// Why a batch is not run. Displays as the sentence that the caller reads.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::graph) enum BadBatch {
    /// No list of requests, or an empty one.
    #[error("A batch holds its 1 to 20 requests in the array 'requests'. Nothing was changed.")]
    NoRequests,
    /// More than 20.
    #[error("A batch holds at most 20 requests, and this one holds {0}. Nothing was changed.")]
    TooMany(usize),
    /// A request without a member that it needs, or with one of another type.
    #[error("'requests[{index}].{member}' must be {expected}. Nothing was changed.")]
    Member {
        /// From 0.
        index: usize,
        /// The member's name.
        member: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// Requests that would have to be made together or not at all.
    #[error(
        "'requests[{index}].atomicityGroup' is not supported: each request of a batch is made by itself. Nothing was changed."
    )]
    AtomicityGroup {
        /// From 0.
        index: usize,
    },
    /// Two requests of one id.
    #[error("More than one request of the batch has the id '{0}'. Nothing was changed.")]
    Duplicate(String),
    /// A dependency that is no request of the batch.
    #[error("Request '{id}' depends on '{other}', which the batch does not hold. Nothing was changed.")]
    Unknown {
        /// The request that depends.
        id: String,
        /// What it names.
        other: String,
    },
    /// Requests that depend on one another.
    #[error("Request '{0}' depends on itself, directly or through others. Nothing was changed.")]
    Cycle(String),
}
