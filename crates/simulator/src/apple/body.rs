//! Request bodies: JSON objects, regardless of their content type.

use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The body as an object; anything else is `MALFORMED_REQUEST_BODY`.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::malformed("The body is no JSON object."));
    }
    serde_json::from_slice(body)
        .map_err(|error| Problem::malformed(format!("The body is not understood: {error}.")))
}
