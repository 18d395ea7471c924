//! What people, editors and programs make of a token: the text inside, and the file around the message.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

/// The text inside a token.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) has_headers: bool,
    pub(crate) has_markers: bool,
    pub(crate) line_end: &'static str,
    /// Breaks the JSON into lines of so many characters.
    pub(crate) width: usize,
}

impl Text {
    /// What real downloads hold.
    pub(crate) const APPLE: Self =
        Self { has_headers: true, has_markers: true, line_end: "\r\n", width: 10_000 };

    pub(crate) fn of(&self, json: &str) -> Vec<u8> {
        let mut lines = Vec::new();
        if self.has_headers {
            lines.extend(["Content-Type: text/plain;charset=UTF-8", "Content-Transfer-Encoding: 7bit", ""]);
        }
        if self.has_markers {
            lines.push("-----BEGIN MESSAGE-----");
        }
        let json = wrap(json, self.width, self.line_end);
        lines.push(&json);
        if self.has_markers {
            lines.push("-----END MESSAGE-----");
        }
        lines.push("");
        lines.join(self.line_end).into_bytes()
    }
}

/// The file, or what is sent in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    File,
    FileCrlf,
    FileMixedLineEnds,
    FileCr,
    FileCrCrLf,
    FileByteOrderMark,
    FileFolded,
    FileBroken,
    FileOtherHeaders,
    FileNoFinalNewline,
    FileNoHeaders,
    FileBinaryBody,
    Base64File,
    Base64FileWrapped,
    Base64FileUrlSafe,
    Base64FileNoHeaders,
    Base64Message,
    Base64MessageWrapped,
    Base64MessageUrlSafe,
    Base64MessageUrlSafeNoPadding,
    PemPkcs7,
    PemCms,
    PemCrlf,
    Base64Pem,
    Raw,
    RawByteOrderMark,
    RawThenNewline,
}

impl Encoding {
    pub(crate) const ALL: [Self; 27] = [
        Self::File,
        Self::FileCrlf,
        Self::FileMixedLineEnds,
        Self::FileCr,
        Self::FileCrCrLf,
        Self::FileByteOrderMark,
        Self::FileFolded,
        Self::FileBroken,
        Self::FileOtherHeaders,
        Self::FileNoFinalNewline,
        Self::FileNoHeaders,
        Self::FileBinaryBody,
        Self::Base64File,
        Self::Base64FileWrapped,
        Self::Base64FileUrlSafe,
        Self::Base64FileNoHeaders,
        Self::Base64Message,
        Self::Base64MessageWrapped,
        Self::Base64MessageUrlSafe,
        Self::Base64MessageUrlSafeNoPadding,
        Self::PemPkcs7,
        Self::PemCms,
        Self::PemCrlf,
        Self::Base64Pem,
        Self::Raw,
        Self::RawByteOrderMark,
        Self::RawThenNewline,
    ];

    pub(crate) fn of(self, message: &[u8]) -> Vec<u8> {
        let lines = |width| format!("{}\n", wrap(&STANDARD.encode(message), width, "\n"));
        let file = || format!("{}\n{}", HEADERS.join("\n") + "\n", lines(76));
        let pem = |label: &str| format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines(64));
        let text = match self {
            Self::File => file(),
            Self::FileCrlf => file().replace('\n', "\r\n"),
            Self::FileMixedLineEnds => file()
                .split_inclusive('\n')
                .enumerate()
                .map(|(at, line)| if at % 2 == 0 { line.replace('\n', "\r\n") } else { line.to_owned() })
                .collect(),
            Self::FileCr => file().replace('\n', "\r"),
            Self::FileCrCrLf => file().replace('\n', "\r\r\n"),
            Self::FileByteOrderMark => format!("\u{feff}{}", file()),
            Self::FileFolded => file().replace("; ", ";\n\t"),
            Self::FileBroken => file().replace("enveloped-data", "enveloped-\ndata"),
            Self::FileOtherHeaders => format!("MIME-Version: 1.0\nx-sent-by :someone\n\n{}", lines(76)),
            Self::FileNoFinalNewline => file().trim_end().to_owned(),
            Self::FileNoHeaders => format!("\n\n{}", lines(76)),
            Self::Base64File => STANDARD.encode(file()),
            Self::Base64FileWrapped => wrap(&STANDARD.encode(file()), 64, "\r\n"),
            Self::Base64FileUrlSafe => URL_SAFE_NO_PAD.encode(file()),
            Self::Base64FileNoHeaders => STANDARD.encode(lines(76)),
            Self::Base64Message => STANDARD.encode(message),
            Self::Base64MessageWrapped => wrap(&STANDARD.encode(message), 60, "\n "),
            Self::Base64MessageUrlSafe => URL_SAFE.encode(message),
            Self::Base64MessageUrlSafeNoPadding => URL_SAFE_NO_PAD.encode(message),
            Self::PemPkcs7 => pem("PKCS7"),
            Self::PemCms => pem("CMS"),
            Self::PemCrlf => pem("CMS").replace('\n', "\r\n"),
            Self::Base64Pem => STANDARD.encode(pem("PKCS7")),
            Self::FileBinaryBody => return [HEADERS.join("\r\n").as_bytes(), b"\r\n\r\n", message].concat(),
            Self::Raw => return message.to_vec(),
            Self::RawByteOrderMark => return ["\u{feff}".as_bytes(), message].concat(),
            Self::RawThenNewline => return [message, b"\r\n"].concat(),
        };
        text.into_bytes()
    }
}

/// Apple's four headers, in its order.
const HEADERS: [&str; 4] = [
    "Content-Type: application/pkcs7-mime; name=\"smime.p7m\"; smime-type=enveloped-data",
    "Content-Transfer-Encoding: base64",
    "Content-Disposition: attachment; filename=\"smime.p7m\"",
    "Content-Description: S/MIME Encrypted Message",
];

pub(crate) fn wrap(text: &str, width: usize, line_end: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join(line_end)
}
