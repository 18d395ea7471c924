//! The two layers of text around a sealed token: the S/MIME envelope outside, the small MIME message inside.
//! Writing only, and only in Apple's shape or one of its known variations.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::seal::Cipher;

/// The columns of a base64 line.
const LINE: usize = 76;

/// How a token file is written. The default is Apple's own form.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// CRLF at line ends instead of LF.
    pub(crate) crlf: bool,
    /// Octet strings that the ciphertext is cut into; at least 1.
    pub(crate) chunks: usize,
    /// The first header broken inside a word, without indentation, as Apple's documentation prints it.
    pub(crate) folded: bool,
    /// `-----BEGIN MESSAGE-----` and `-----END MESSAGE-----` around the JSON.
    pub(crate) wrapper: bool,
    /// The four S/MIME headers and the empty line.
    pub(crate) headers: bool,
    /// The two headers of the inner message and the empty line.
    pub(crate) inner_headers: bool,
    /// The bare CMS bytes, no base64 and no headers.
    pub(crate) raw: bool,
    pub(crate) cipher: Cipher,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            crlf: false,
            chunks: 1,
            folded: false,
            wrapper: true,
            headers: true,
            inner_headers: true,
            raw: false,
            cipher: Cipher::default(),
        }
    }
}

impl Shape {
    fn line_end(&self) -> &'static str {
        if self.crlf { "\r\n" } else { "\n" }
    }

    fn lines<'a>(&self, lines: impl Iterator<Item = &'a str>) -> String {
        lines.flat_map(|line| [line, self.line_end()]).collect()
    }
}

/// The message that is sealed.
pub(super) fn inner(json: &str, shape: &Shape) -> String {
    let headers = ["Content-Type: text/plain;charset=UTF-8", "Content-Transfer-Encoding: 7bit", ""];
    let headers = headers.into_iter().filter(|_| shape.inner_headers);
    let begin = shape.wrapper.then_some("-----BEGIN MESSAGE-----");
    let end = shape.wrapper.then_some("-----END MESSAGE-----");
    shape.lines(headers.chain(begin).chain([json]).chain(end))
}

/// The file that is downloaded.
pub(super) fn outer(sealed: &[u8], shape: &Shape) -> Vec<u8> {
    if shape.raw {
        return sealed.to_vec();
    }
    let kind: &[&str] = match shape.folded {
        false => &["Content-Type: application/pkcs7-mime; name=\"smime.p7m\"; smime-type=enveloped-data"],
        true => &["Content-Type: application/pkcs7-mime; name=\"smime.p7m\"; smime-type=enveloped-", "data"],
    };
    let others = [
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment; filename=\"smime.p7m\"",
        "Content-Description: S/MIME Encrypted Message",
        "",
    ];
    let body = STANDARD.encode(sealed);
    let headers = kind.iter().copied().chain(others).filter(|_| shape.headers);
    let columns = (0..body.len()).step_by(LINE).map(|start| &body[start..body.len().min(start + LINE)]);
    shape.lines(headers.chain(columns)).into_bytes()
}
