//! How long the texts and lists may be that clients send. What is stored is shown again, page by page, so it needs a bound of its
//! own beside the body's.

use adept_odata::Kind;

/// How long a text or a list may be.
#[derive(Clone, Copy)]
pub(in crate::graph) struct Bounds {
    /// Of a text, or of each text in a list.
    pub(in crate::graph) characters: usize,
    /// Of a list.
    pub(in crate::graph) items: usize,
    /// Whether a text may hold NUL.
    pub(in crate::graph) nul: bool,
}

impl Bounds {
    /// Names, descriptions, ids, and lists of them.
    pub(super) const TEXT: Self = Self { characters: 1024, items: 100, nul: false };
    /// A certificate in base64 or PEM.
    pub(super) const CERTIFICATE: Self = Self { characters: 16 * 1024, ..Self::TEXT };
    /// Arguments are not stored as they are sent: the body bounds how many there are.
    pub(super) const ARGUMENT: Self = Self { items: usize::MAX, ..Self::TEXT };
    /// The body alone bounds it.
    pub(super) const FILE: Self = Self { characters: usize::MAX, nul: true, ..Self::ARGUMENT };

    /// Those of a property of that kind.
    pub(in crate::graph) const fn of(kind: Kind) -> Self {
        match kind {
            // Certificates, which are long.
            Kind::Collection(Kind::Complex(_)) => Self { items: 20, ..Self::TEXT },
            _ => Self::TEXT,
        }
    }
}
