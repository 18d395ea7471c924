//! What must hold of any path and of any batch, said as assertions: fuzz targets call these, and the test that replays
//! their seeds. The service itself does not. Each returns whether its input was understood.

use super::{batch, error::Error, protocol::Version, router, tree::PathError};

const ORIGIN: &str = "https://localhost:8443";

/// The most bytes of a refusal: none repeats much of what was sent.
const SENTENCE: usize = 800;

/// The path below a version leads to an operation in every equal spelling, or its refusal is a short sentence.
pub fn path(path: &str) -> bool {
    [Version::Beta, Version::V1].into_iter().any(|version| {
        let tree = router::tree(version);
        match tree.find(path) {
            Ok(found) => {
                assert!(!found.routes.is_empty());
                // Empty segments are ignored.
                let other = format!("//{}//", path.replace('/', "//"));
                let again = tree.find(&other).ok().filter(|again| {
                    again.routes[0].operation == found.routes[0].operation
                        && (&again.keys, again.cast, &again.arguments)
                            == (&found.keys, found.cast, &found.arguments)
                });
                assert!(again.is_some(), "{other}");
                true
            }
            Err(PathError::Segment(segment)) => {
                assert!(Error::UnknownSegment(segment).row().message.len() < SENTENCE);
                false
            }
            Err(PathError::Encoding | PathError::Alias(_)) => false,
        }
    })
}

/// The body is a batch in which everything comes after what it depends on and leads inside, or its refusal is a short
/// sentence.
pub fn batch(body: &[u8]) -> bool {
    let (order, depends_on, targets) = match batch::plan_of(body, ORIGIN) {
        Ok(plan_of) => plan_of,
        Err(error) => {
            assert!(error.row().message.len() < SENTENCE);
            return false;
        }
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert!(!order.is_empty() && sorted.iter().copied().eq(0..order.len()));
    for (at, index) in order.iter().enumerate() {
        assert!(depends_on[*index].iter().all(|other| order[..at].contains(other)));
    }
    for target in targets {
        match target {
            Ok(uri) => assert!(uri.authority().is_none() && uri.path().starts_with('/')),
            Err(error) => assert!(error.row().message.len() < SENTENCE),
        }
    }
    true
}
