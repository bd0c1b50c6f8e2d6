//! The words of a file, as an index sees them: nothing of layout, nothing of formulas.

use std::io::Read as _;

use zip::ZipArchive;

/// The most text that is taken from one file, in bytes.
const LIMIT: u64 = 2 * 1024 * 1024;

/// What the index has of a file; empty for types that it does not read. `.md` is one of those, as in the real service's index.
pub(super) fn of(name: &str, bytes: &[u8]) -> String {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
    match extension.as_str() {
        "txt" | "csv" | "htm" | "html" | "eml" | "log" | "xml" | "json" => String::from_utf8_lossy(bytes).into_owned(),
        "docx" => package(bytes, |part| part == "word/document.xml"),
        "pptx" => package(bytes, |part| part.starts_with("ppt/slides/slide")),
        "xlsx" => package(bytes, |part| part == "xl/sharedStrings.xml" || part.starts_with("xl/worksheets/sheet")),
        "pdf" => pdf(bytes),
        _ => String::new(),
    }
}

fn package(bytes: &[u8], wanted: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    let Ok(mut archive) = ZipArchive::new(std::io::Cursor::new(bytes)) else { return text };
    let names: Vec<String> =
        archive.file_names().flatten().filter(|name| wanted(name)).map(std::borrow::Cow::into_owned).collect();
    for name in names {
        let Ok(part) = archive.by_name(&name) else { continue };
        let mut xml = Vec::new();
        if part.take(LIMIT).read_to_end(&mut xml).is_ok() {
            words(&String::from_utf8_lossy(&xml), &mut text);
        }
    }
    text
}

/// Character data between tags. Runs of one paragraph belong together, paragraphs and cells do not.
fn words(xml: &str, text: &mut String) {
    for piece in xml.split('<').skip(1) {
        let Some((tag, data)) = piece.split_once('>') else { continue };
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if matches!(name, "w:p" | "a:p" | "si" | "c" | "row" | "w:tc" | "a:tc" | "w:tab" | "w:br")
            && !text.ends_with(' ')
        {
            text.push(' ');
        }
        let plain = data.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
        text.push_str(&plain.replace("&amp;", "&"));
    }
    text.push(' ');
}

/// Strings that uncompressed content streams show. Compressed ones stay unread: the file is found by its name alone.
fn pdf(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in String::from_utf8_lossy(bytes).lines() {
        let Some(shown) = line.trim_end().strip_suffix("Tj") else { continue };
        let Some((_, literal)) = shown.split_once('(') else { continue };
        let Some((literal, _)) = literal.rsplit_once(')') else { continue };
        text.push_str(&literal.replace("\\(", "(").replace("\\)", ")").replace("\\\\", "\\"));
        text.push(' ');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_run_and_of_many() {
        let mut text = String::new();
        words(
            "<w:p><w:r><w:t>Bud</w:t></w:r><w:r><w:t>get &amp; more</w:t></w:r></w:p><w:p><w:t>Next</w:t></w:p>",
            &mut text,
        );
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["Budget", "&", "more", "Next"]);
    }

    #[test]
    fn what_is_no_package_has_no_words() {
        assert_eq!(of("a.docx", b"PK nothing"), "");
        assert_eq!(of("a.md", b"words"), "");
        assert_eq!(of("a.pdf", b"BT\n(Cash \\(net\\)) Tj\nET"), "Cash (net) ");
    }
}
