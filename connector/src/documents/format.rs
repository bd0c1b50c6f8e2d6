//! Which kind of file is this? By its name and its declared type, and in the end by its first bytes: a name may lie.

use serde::{Deserialize, Serialize};

/// A kind of file that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Word, as a package of XML.
    Docx,
    /// Excel, as a package of XML.
    Xlsx,
    /// PowerPoint, as a package of XML.
    Pptx,
    /// Word, 97 to 2003.
    Doc,
    /// Excel, 97 to 2003.
    Xls,
    /// PowerPoint, 97 to 2003.
    Ppt,
    /// PDF.
    Pdf,
    /// HTML.
    Html,
    /// A mail as a file.
    Eml,
    /// Text that is given as it is.
    Text,
}

/// Name endings and types of each kind. Text is more than these: see [`Format::of`].
const KINDS: &[(Format, &[&str], &[&str])] = &[
    (
        Format::Docx,
        &["docx", "docm", "dotx"],
        &[
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.ms-word.document.macroenabled.12",
        ],
    ),
    (
        Format::Xlsx,
        &["xlsx", "xlsm", "xltx"],
        &[
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.ms-excel.sheet.macroenabled.12",
        ],
    ),
    (
        Format::Pptx,
        &["pptx", "pptm", "ppsx"],
        &[
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
            "application/vnd.ms-powerpoint.presentation.macroenabled.12",
        ],
    ),
    (Format::Doc, &["doc", "dot"], &["application/msword"]),
    (Format::Xls, &["xls", "xlt"], &["application/vnd.ms-excel"]),
    (Format::Ppt, &["ppt", "pps"], &["application/vnd.ms-powerpoint"]),
    (Format::Pdf, &["pdf"], &["application/pdf"]),
    (Format::Html, &["html", "htm"], &["text/html"]),
    (Format::Eml, &["eml"], &["message/rfc822"]),
    (
        Format::Text,
        &["txt", "md", "csv", "tsv", "json", "xml", "log", "vtt"],
        &[
            "text/plain",
            "text/markdown",
            "text/x-markdown",
            "text/csv",
            "text/tab-separated-values",
            "text/xml",
            "text/vtt",
            "text/x-log",
            "application/json",
            "application/xml",
        ],
    ),
];

/// Types that say nothing about the content.
const VAGUE: &[&str] = &["", "application/octet-stream", "binary/octet-stream", "application/x-download"];

impl Format {
    /// The kind that name and type promise; `None` for a kind that is not read.
    ///
    /// The name decides where the type is vague, and where it belongs to an older relative: mail programs call a .csv
    /// `application/vnd.ms-excel`. A type that is known to be something else is believed.
    pub fn of(name: Option<&str>, content_type: Option<&str>) -> Option<Self> {
        let declared = essence(content_type.unwrap_or_default());
        let by_name = name.and_then(extension).and_then(|extension| {
            KINDS.iter().find(|(_, endings, _)| endings.contains(&extension.as_str())).map(|row| row.0)
        });
        let by_type = KINDS.iter().find(|(_, _, types)| types.contains(&declared.as_str())).map(|row| row.0);
        match (by_name, by_type) {
            (Some(named), Some(_)) => Some(named),
            (Some(named), None) if VAGUE.contains(&declared.as_str()) => Some(named),
            (None, by_type) => by_type,
            (Some(_), None) => None,
        }
    }

    /// The kind that the bytes are, where they contradict what was promised: an Office package under an old name, a PDF
    /// called .docx. `self` where they do not.
    #[must_use]
    pub fn seen_in(self, bytes: &[u8]) -> Self {
        const PACKAGE: &[u8] = b"PK\x03\x04";
        const COMPOUND: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
        let is_office = |format| !matches!(format, Self::Text | Self::Html | Self::Eml);
        if is_office(self) && bytes.starts_with(b"%PDF-") {
            Self::Pdf
        } else if bytes.starts_with(PACKAGE) {
            match self {
                Self::Doc => Self::Docx,
                Self::Xls => Self::Xlsx,
                Self::Ppt => Self::Pptx,
                other => other,
            }
        } else if bytes.starts_with(COMPOUND) {
            match self {
                Self::Docx => Self::Doc,
                Self::Xlsx => Self::Xls,
                Self::Pptx => Self::Ppt,
                other => other,
            }
        } else {
            self
        }
    }

    /// The type that answers carry.
    pub fn mime_type(self) -> &'static str {
        KINDS
            .iter()
            .find(|row| row.0 == self)
            .and_then(|(_, _, types)| types.first().copied())
            .unwrap_or("application/octet-stream")
    }
}

/// A content type without its parameters, in lower case.
pub fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn extension(name: &str) -> Option<String> {
    name.rsplit_once('.').map(|(_, extension)| extension.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_type_agree_on_a_kind() {
        for (name, content_type, expected) in [
            (Some("a.docx"), Some("application/octet-stream"), Some(Format::Docx)),
            (Some("A.XLSX"), None, Some(Format::Xlsx)),
            (Some("list.csv"), Some("application/vnd.ms-excel"), Some(Format::Text)),
            (None, Some("application/pdf; name=x"), Some(Format::Pdf)),
            (Some("notes.vtt"), Some("text/vtt"), Some(Format::Text)),
            (Some("a.docx"), Some("image/png"), None),
            (Some("a.js"), Some("application/x-javascript"), None),
            (Some("a.loop"), Some("application/octet-stream"), None),
            (None, None, None),
        ] {
            assert_eq!(Format::of(name, content_type), expected, "{name:?} {content_type:?}");
        }
    }

    #[test]
    fn bytes_have_the_last_word() {
        assert_eq!(Format::Docx.seen_in(b"%PDF-1.7"), Format::Pdf);
        assert_eq!(Format::Xls.seen_in(b"PK\x03\x04"), Format::Xlsx);
        assert_eq!(Format::Pptx.seen_in(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), Format::Ppt);
        assert_eq!(Format::Text.seen_in(b"%PDF-1.7 is how a PDF begins"), Format::Text);
    }
}
