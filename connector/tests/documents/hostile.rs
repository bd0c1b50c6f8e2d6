//! Files made to hurt. Each ends in an answer or a refusal, in time, within its memory, and the next file is read as if nothing had been.

use std::path::PathBuf;
use std::time::Duration;

use connector::documents::{ExtractError, Extractor as _, Format, Job, Limits, Program, Workers};
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::files::{MAIL, docx, docx_of, package, paragraph, pdf, pdf_of, pptx, xlsx};
use crate::workers;

async fn survives(workers: &Workers, what: &str, format: Format, bytes: Vec<u8>) {
    let reading = workers.extract(Job { format, charset: None, bytes });
    // What ships stops a worker after five seconds; the rest is a busy machine.
    let result = tokio::time::timeout(Duration::from_secs(15), reading).await;
    let result = result.unwrap_or_else(|_| panic!("{what} takes too long"));
    assert!(!matches!(result, Err(ExtractError::NoWorker)), "{what}: {result:?}");
    if let Ok(extracted) = &result {
        assert!(serde_json::to_vec(extracted).unwrap().len() <= Limits::default().answer_bytes, "{what}");
    }
}

#[tokio::test]
async fn known_shapes_cost_one_answer_at_most() {
    let workers = workers();
    let depth = 10_000;
    let nested =
        |open: &str, close: &str| format!("{}{}{}", open.repeat(depth), paragraph("deep"), close.repeat(depth));
    let zeros = vec![b' '; 200 * 1024 * 1024];
    let bomb = docx_of(&zeros);
    assert!(bomb.len() < 1024 * 1024, "it is small on the wire");
    let entities = br#"<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>&d;&d;&d;</w:t></w:r></w:p></w:body></w:document>"#;
    let far: String = (1..=5_000).map(|row| format!(r#"<row r="{row}"><c r="XFD{row}"><v>1</v></c></row>"#)).collect();
    let loop_of_pages = pdf_of(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000000 /Parent 2 0 R >>".to_owned(),
    ]);
    let loop_of_forms = pdf_of(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1 1] /Resources << /XObject << /X 4 0 R >> >> /Contents 5 0 R >>".to_owned(),
        "<< /Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources << /XObject << /X 4 0 R >> >> /Length 5 >>\nstream\n/X Do\nendstream".to_owned(),
        "<< /Length 5 >>\nstream\n/X Do\nendstream".to_owned(),
    ]);
    for (what, format, bytes) in [
        ("zip bomb", Format::Docx, bomb),
        ("nested tables", Format::Docx, docx(&nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"))),
        ("nested elements", Format::Docx, docx(&nested("<w:sdt><w:sdtContent>", "</w:sdtContent></w:sdt>"))),
        ("entities", Format::Docx, docx_of(entities)),
        ("sparse sheet", Format::Xlsx, xlsx(&far)),
        (
            "shared strings that are not there",
            Format::Xlsx,
            xlsx(r#"<row r="1"><c r="A1" t="s"><v>4000000000</v></c></row>"#),
        ),
        ("pages that hold themselves", Format::Pdf, loop_of_pages),
        ("forms that draw themselves", Format::Pdf, loop_of_forms),
        ("html without end", Format::Html, "<div>".repeat(200_000).into_bytes()),
        ("a package of 20 000 parts", Format::Docx, {
            let names: Vec<String> = (0..20_000).map(|index| format!("word/{index}.xml")).collect();
            package(&names.iter().map(|name| (name.as_str(), b"<x/>".as_slice())).collect::<Vec<_>>())
        }),
    ] {
        survives(&workers, what, format, bytes).await;
    }
    let after = workers.extract(Job { format: Format::Docx, charset: None, bytes: docx(&paragraph("fine")) }).await;
    assert!(after.is_ok(), "{after:?}");
}

#[tokio::test]
async fn memory_and_time_have_an_end() {
    let program = || Program::at(PathBuf::from(env!("CARGO_BIN_EXE_offline365-connector")));
    let words = docx(&paragraph("word").repeat(100_000));
    let small = Workers::new(
        program(),
        Limits { memory_bytes: 64 * 1024 * 1024, time: Duration::from_mins(1), ..Limits::default() },
    );
    let refused = small.extract(Job { format: Format::Docx, charset: None, bytes: words.clone() }).await;
    assert_eq!(refused, Err(ExtractError::GaveUp), "too little memory for this file");
    let hurried = Workers::new(program(), Limits { time: Duration::from_millis(1), ..Limits::default() });
    let refused = hurried.extract(Job { format: Format::Docx, charset: None, bytes: words.clone() }).await;
    assert_eq!(refused, Err(ExtractError::GaveUp), "too little time");
    let narrow = Workers::new(program(), Limits { file_bytes: 1000, ..Limits::default() });
    let refused = narrow.extract(Job { format: Format::Docx, charset: None, bytes: words.clone() }).await;
    assert_eq!(refused, Err(ExtractError::TooLarge { limit: 1000 }));
    // Unoptimised code on a busy machine is slower than what ships: time is not what is asked here.
    let enough = Workers::new(program(), Limits { time: Duration::from_mins(1), ..Limits::default() });
    let read = enough.extract(Job { format: Format::Docx, charset: None, bytes: words }).await;
    assert!(read.is_ok(), "with the memory that ships it is read: {read:?}");
}

#[tokio::test]
async fn without_a_worker_there_is_no_text() {
    let missing = Workers::new(Program::at(PathBuf::from("/nowhere/offline365-connector")), Limits::default());
    let refused = missing.extract(Job { format: Format::Pdf, charset: None, bytes: pdf(&["words"]) }).await;
    assert_eq!(refused, Err(ExtractError::NoWorker));
}

/// Files with bytes changed, cut out, doubled. `DOCUMENT_MUTANTS` says how many of each kind.
#[tokio::test]
async fn mutants_cost_one_answer_at_most() {
    let each: usize = std::env::var("DOCUMENT_MUTANTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let workers = workers();
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let rows = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>Item</t></is></c><c r="B1" s="1"><v>46034</v></c></row>"#;
    for (format, seed) in [
        (Format::Docx, docx(&paragraph("some words").repeat(20))),
        (Format::Xlsx, xlsx(rows)),
        (Format::Pptx, pptx("Title", "Line")),
        (Format::Pdf, pdf(&["one", "two", "three"])),
        (Format::Eml, MAIL.to_vec()),
        (Format::Html, b"<table><tr><td>a<td>b</table><p>c".to_vec()),
    ] {
        for number in 0..each {
            let mutant = mutated(&seed, &mut rng);
            survives(&workers, &format!("{format:?} mutant {number}"), format, mutant).await;
        }
    }
}

fn mutated(seed: &[u8], rng: &mut TestRng) -> Vec<u8> {
    use proptest::prelude::Rng as _;
    let mut bytes = seed.to_vec();
    for _ in 0..=rng.next_u32() % 8 {
        let length = bytes.len().max(1);
        let at = rng.next_u32() as usize % length;
        let until = (at + rng.next_u32() as usize % 64).min(bytes.len());
        match rng.next_u32() % 4 {
            0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (rng.next_u32() % 8)),
            1 => drop(bytes.drain(at.min(until)..until)),
            2 => {
                let copy = bytes.get(at.min(until)..until).unwrap_or_default().to_vec();
                bytes.splice(at.min(until)..until, [copy.clone(), copy].concat());
            }
            _ => bytes.get_mut(at.min(until)..until).into_iter().flatten().for_each(|byte| *byte = 0xFF),
        }
    }
    bytes
}
