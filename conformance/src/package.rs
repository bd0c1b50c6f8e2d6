//! How does one make a file that is wrong in one thing? Word and Excel files are packages: ZIP archives of XML parts
//! (<https://ecma-international.org/publications-and-standards/standards/ecma-376/>). Written here by hand, because libraries write no package that
//! lies about itself.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// What stands in front of the name of a part, and in the list at the end of an archive.
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
/// How much is compressed at a time.
const PIECE: usize = 64 * 1024;

/// One part of a package.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Its name, for example `word/document.xml`. Whatever it is, it is written so.
    pub name: String,
    /// Where its text begins.
    pub before: String,
    /// What stands there again and again.
    pub fill: String,
    /// How often.
    pub times: usize,
    /// Where it ends.
    pub after: String,
    /// The size that the archive declares for it; its own if nothing is said.
    pub declares: Option<u32>,
}

impl Part {
    /// A part that holds a text.
    pub fn text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), before: text.to_owned(), ..Self::default() }
    }

    /// Its bytes compressed, its checksum and its size.
    fn deflated(&self) -> std::io::Result<(Vec<u8>, u32, u32)> {
        let (mut out, mut sum) = (DeflateEncoder::new(Vec::new(), Compression::best()), Crc::new());
        let mut put = |text: &str| {
            sum.update(text.as_bytes());
            out.write_all(text.as_bytes())
        };
        put(&self.before)?;
        // Never the whole of it: it may be large.
        let at_once = (PIECE / self.fill.len().max(1)).max(1);
        let (piece, mut left) = (self.fill.repeat(at_once.min(self.times)), self.times);
        while left > 0 {
            let now = at_once.min(left);
            put(piece.get(..self.fill.len() * now).unwrap_or(&piece))?;
            left -= now;
        }
        put(&self.after)?;
        let (checksum, size) = (sum.sum(), sum.amount());
        Ok((out.finish()?, checksum, size))
    }
}

/// A Word file of these parts; what a Word file has besides is added.
pub fn word(parts: Vec<Part>) -> std::io::Result<Vec<u8>> {
    let types = concat!(
        r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">"#,
        r#"<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>"#,
        r#"<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#
    );
    office(types, "word/document.xml", parts)
}

/// An Excel file of these parts, with one sheet, `xl/worksheets/sheet1.xml`.
pub fn excel(mut parts: Vec<Part>) -> std::io::Result<Vec<u8>> {
    let types = concat!(
        r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">"#,
        r#"<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>"#,
        r#"<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>"#,
        r#"<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#
    );
    let book = r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
    let related = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    parts.insert(0, Part::text("xl/_rels/workbook.xml.rels", related));
    parts.insert(0, Part::text("xl/workbook.xml", book));
    office(types, "xl/workbook.xml", parts)
}

fn office(types: &str, main: &str, parts: Vec<Part>) -> std::io::Result<Vec<u8>> {
    let related = format!(
        r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="{main}"/></Relationships>"#
    );
    let own = [Part::text("[Content_Types].xml", types), Part::text("_rels/.rels", &related)];
    let is_given = |own: &Part| parts.iter().any(|part| part.name == own.name);
    let own: Vec<_> = own.into_iter().filter(|own| !is_given(own)).collect();
    zip(own.iter().chain(&parts))
}

/// An archive of these parts. Names are not looked at: `../../a` is written as it is.
pub fn zip<'a>(parts: impl Iterator<Item = &'a Part>) -> std::io::Result<Vec<u8>> {
    let too_large = |_| std::io::Error::other("an archive of more than four gigabytes");
    let (mut out, mut list, mut count) = (Vec::new(), Vec::new(), 0_u32);
    for part in parts {
        let at = u32::try_from(out.len()).map_err(too_large)?;
        let (bytes, checksum, size) = part.deflated()?;
        let mut facts = Vec::new();
        // Version 2.0, names in UTF-8, deflated, no time.
        for number in [20_u16, 0x0800, 8, 0, 0x21] {
            facts.extend_from_slice(&number.to_le_bytes());
        }
        let length = u32::try_from(bytes.len()).map_err(too_large)?;
        for number in [checksum, length, part.declares.unwrap_or(size)] {
            facts.extend_from_slice(&number.to_le_bytes());
        }
        facts.extend_from_slice(&u16::try_from(part.name.len()).unwrap_or(u16::MAX).to_le_bytes());
        facts.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&LOCAL);
        out.extend_from_slice(&facts);
        out.extend_from_slice(part.name.as_bytes());
        out.extend_from_slice(&bytes);
        list.extend_from_slice(&CENTRAL);
        list.extend_from_slice(&20_u16.to_le_bytes());
        list.extend_from_slice(&facts);
        // No comment, the first disk, no attributes.
        list.extend_from_slice(&[0; 10]);
        list.extend_from_slice(&at.to_le_bytes());
        list.extend_from_slice(part.name.as_bytes());
        count += 1;
    }
    let (at, length) = (u32::try_from(out.len()).map_err(too_large)?, u32::try_from(list.len()).map_err(too_large)?);
    out.append(&mut list);
    out.extend_from_slice(&END);
    out.extend_from_slice(&[0; 4]);
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    for number in [count, count] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for number in [length, at] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&[0, 0]);
    Ok(out)
}

/// A part as an archive declares it: what a reader sees who believes the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared<'a> {
    /// Its name.
    pub name: &'a str,
    /// The size that is declared.
    pub size: u32,
    /// Its bytes, compressed.
    pub bytes: &'a [u8],
}

/// The parts of an archive of [`zip`], in order. Ends where something else begins.
pub fn parts(archive: &[u8]) -> impl Iterator<Item = Declared<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let number = |from: usize| Some(u32::from_le_bytes(archive.get(at + from..at + from + 4)?.try_into().ok()?));
        let short = |from: usize| Some(u16::from_le_bytes(archive.get(at + from..at + from + 2)?.try_into().ok()?));
        (archive.get(at..at + 4)? == LOCAL).then_some(())?;
        let (length, size) = (number(18)? as usize, number(22)?);
        let start = at + 30;
        let end = start + usize::from(short(26)?);
        let bytes = end + usize::from(short(28)?);
        let name = std::str::from_utf8(archive.get(start..end)?).ok()?;
        let declared = Declared { name, size, bytes: archive.get(bytes..bytes + length)? };
        at = bytes + length;
        Some(declared)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let long = Part { fill: "ab".to_owned(), times: 200_000, after: "!".to_owned(), ..Part::text("../a", "<") };
        let lies = Part { declares: Some(7), ..Part::text("b", "longer than that") };
        let archive = zip([&long, &lies].into_iter()).unwrap();
        let found: Vec<_> = parts(&archive).collect();
        assert_eq!(found.iter().map(|part| (part.name, part.size)).collect::<Vec<_>>(), [("../a", 400_002), ("b", 7)]);
        let mut text = String::new();
        flate2::read::DeflateDecoder::new(found[0].bytes).read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("<{}!", "ab".repeat(200_000)));
    }
}
