//! A page of a list on its way to the client: rows become JSON a piece at a time, while the pieces before are sent.

use std::{convert::Infallible, vec::IntoIter};

use axum::body::{Body, Bytes};
use futures_util::stream;

use super::{
    entity::{EntitySet, EntityWriter, ExpandedMembers, Shape},
    value::write_object,
};

/// The least of a piece, in bytes; a page that is shorter has a length.
const PIECE: usize = 32 * 1024;

/// A page, of which some is written already.
pub(super) struct Page<R: 'static, F: 'static, W: 'static> {
    pub(super) writer: EntityWriter,
    pub(super) set: EntitySet<R, F, W>,
    pub(super) shape: Shape,
    pub(super) rows: IntoIter<R>,
    pub(super) expanded: IntoIter<ExpandedMembers>,
    /// What the next piece begins with; first a document whose last member is an empty array, and none at the end.
    pub(super) next: Option<Vec<u8>>,
}

/// How such a document ends.
const END: &[u8] = b"]}";

impl<R: Send, F: Sync, W> Page<R, F, W> {
    /// The page as a body: whole where it is one piece.
    pub(super) fn into_body(mut self) -> Body {
        if let Some(head) = &mut self.next {
            head.truncate(head.len() - END.len());
        }
        match self.next() {
            Some(first) if self.next.is_some() => {
                let pieces = std::iter::once(first).chain(self);
                Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)))
            }
            only => Body::from(only.unwrap_or_default()),
        }
    }
}

impl<R, F, W> Iterator for Page<R, F, W> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut piece = self.next.take()?;
        while piece.len() < PIECE {
            let Some(row) = self.rows.next() else {
                piece.extend_from_slice(END);
                return Some(piece.into());
            };
            if !matches!(piece.last(), Some(b'[')) {
                piece.push(b',');
            }
            let expanded = self.expanded.next().unwrap_or_default();
            write_object(&mut piece, |object| {
                self.shape.entity(&self.writer, &self.set, &row, &expanded, object)
            });
        }
        self.next = Some(Vec::with_capacity(PIECE + PIECE / 8));
        Some(piece.into())
    }
}
