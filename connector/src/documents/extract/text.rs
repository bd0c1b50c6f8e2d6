//! Files that are text already.

use crate::documents::model::{Body, Extracted};

pub(super) fn read(bytes: &[u8], charset: Option<&str>) -> Extracted {
    let text = decode(bytes, charset).replace("\r\n", "\n");
    Extracted { title: None, body: Body::Text { text }, remarks: Vec::new() }
}

/// Bytes as text: by their mark, as UTF-8, or in the charset that the sender declared; what is left is Windows' Latin.
pub(crate) fn decode(bytes: &[u8], charset: Option<&str>) -> String {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let declared = charset.and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
    declared.unwrap_or(encoding_rs::WINDOWS_1252).decode(bytes).0.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_then_utf8_then_what_was_declared() {
        assert_eq!(decode(b"\xff\xfeh\0i\0", Some("iso-8859-1")), "hi");
        assert_eq!(decode("naïve".as_bytes(), Some("iso-8859-1")), "naïve");
        assert_eq!(decode(b"caf\xe9", None), "café");
        assert_eq!(decode(b"\x83\x65\x83\x58\x83\x67", Some("shift_jis")), "テスト");
    }
}
