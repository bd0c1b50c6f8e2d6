//! What each kind of file gives.

use connector::documents::model::{Block, Body, Cell, RemarkCode, Unit};
use connector::documents::render::{Form, NotThere, Wanted, show};
use connector::documents::{ExtractError, Extracted, Format};

use crate::files::{MAIL, docx, package, paragraph, pdf, pptx, xlsx};
use crate::read;

fn markdown(extracted: &Extracted) -> String {
    show(extracted, &Wanted { max_chars: 10_000, ..Wanted::default() }).unwrap().content
}

#[tokio::test]
async fn word_keeps_headings_lists_tables() {
    let body = [
        r#"<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Budget</w:t></w:r></w:p>"#,
        &paragraph("Two proposals:"),
        r#"<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>Spend less</w:t></w:r></w:p>"#,
        r#"<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>Earn more</w:t></w:r></w:p>"#,
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Item</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Cost | year</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>Desk</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>",
    ];
    let extracted = read(Format::Docx, docx(&body.concat())).await.unwrap();
    insta::assert_snapshot!(markdown(&extracted), @r"
    # Budget

    Two proposals:

    1. Spend less
    2. Earn more

    | Item | Cost \| year |
    | --- | --- |
    | Desk |  |


    [pages 1–1 of 1]
    ");
}

#[tokio::test]
async fn excel_keeps_cells_dates_and_hidden_sheets() {
    let rows = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>Item</t></is></c><c r="C1" t="inlineStr"><is><t>Due</t></is></c></row><row r="3"><c r="A3" t="inlineStr"><is><t>Desk</t></is></c><c r="B3"><v>12.5</v></c><c r="C3" s="1"><v>46034</v></c><c r="D3" t="b"><v>1</v></c><c r="E3" t="e"><v>#DIV/0!</v></c></row>"#;
    let extracted = read(Format::Xlsx, xlsx(rows)).await.unwrap();
    insta::assert_snapshot!(markdown(&extracted), @r"
    ## Costs A1:E3

    |  | A | B | C | D | E |
    | --- | --- | --- | --- | --- | --- |
    | 1 | Item |  | Due |  |  |
    | 2 |  |  |  |  |  |
    | 3 | Desk | 12.5 | 2026-01-12 | TRUE | #DIV/0! |

    ## Rates (hidden) A1:A1

    |  | A |
    | --- | --- |
    | 1 | 7 |
    ");
    let wanted = Wanted {
        form: Form::Json,
        sheet: Some("costs".into()),
        range: "B:D".parse().ok(),
        max_chars: 1000,
        ..Wanted::default()
    };
    insta::assert_snapshot!(show(&extracted, &wanted).unwrap().sheets.unwrap(), @r#"[{"columnCount":5,"hidden":false,"name":"Costs","range":"B1:D3","rowCount":3,"rows":[[null,"Due",null],[null,null,null],[12.5,"2026-01-12",true]]}]"#);
    let wanted = Wanted { sheet: Some("Prices".into()), max_chars: 1000, ..Wanted::default() };
    assert_eq!(show(&extracted, &wanted), Err(NotThere::Sheet { names: vec!["Costs".into(), "Rates".into()] }));
}

#[tokio::test]
async fn one_far_cell_is_one_cell() {
    let rows = r#"<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>"#;
    let extracted = read(Format::Xlsx, xlsx(rows)).await.unwrap();
    let Body::Workbook { sheets } = &extracted.body else { panic!("{extracted:?}") };
    assert_eq!(sheets[0].rows[1].cells, [(16_383, Cell::Number(2.0))]);
    let wanted = Wanted { form: Form::Text, sheet: Some("Costs".into()), max_chars: 100_000, ..Wanted::default() };
    let shown = show(&extracted, &wanted).unwrap();
    assert_eq!(shown.place.total_rows, Some(2), "the gap is left out");
    assert!(shown.content.ends_with("\t2\n\n"), "{:?}", shown.content.get(shown.content.len() - 20..));
}

#[tokio::test]
async fn parts_of_a_workbook_joined_are_all_rows() {
    let rows: String = (1..=400).map(|row| format!(r#"<row r="{row}"><c r="A{row}"><v>{row}</v></c></row>"#)).collect();
    let extracted = read(Format::Xlsx, xlsx(&rows)).await.unwrap();
    for form in [Form::Text, Form::Markdown, Form::Json] {
        let (mut from, mut seen) = (0, Vec::new());
        loop {
            let wanted = Wanted { form, sheet: Some("Costs".into()), from, max_chars: 100, ..Wanted::default() };
            let shown = show(&extracted, &wanted).unwrap();
            match form {
                Form::Json => seen
                    .extend(shown.sheets.unwrap()[0]["rows"].as_array().unwrap().iter().map(|row| row[0].to_string())),
                _ => seen.extend(shown.content.lines().filter_map(|line| {
                    let line = line.trim_end_matches(" |").rsplit(' ').next()?;
                    line.parse::<u32>().ok().map(|number| number.to_string())
                })),
            }
            match shown.next {
                Some(next) => from = next,
                None => break,
            }
        }
        assert_eq!(seen, (1..=400).map(|row| row.to_string()).collect::<Vec<_>>(), "{form:?}");
    }
}

#[tokio::test]
async fn powerpoint_gives_slides_with_titles() {
    let extracted = read(Format::Pptx, pptx("Roadmap", "Ship in May")).await.unwrap();
    insta::assert_snapshot!(markdown(&extracted), @r"
    ## Slide 1: Roadmap

    Ship in May


    [slides 1–1 of 1]
    ");
}

#[tokio::test]
async fn pdf_gives_pages() {
    let extracted = read(Format::Pdf, pdf(&["First words", "Second words"])).await.unwrap();
    let Body::Paged { unit: Unit::Page, pages } = &extracted.body else { panic!("{extracted:?}") };
    assert_eq!(pages.len(), 2);
    let wanted = Wanted { start_page: Some(2), max_chars: 1000, ..Wanted::default() };
    let shown = show(&extracted, &wanted).unwrap();
    assert_eq!(shown.content, "[page 2]\n\nSecond words\n\n\n[pages 2–2 of 2]");
    let wanted = Wanted { start_page: Some(3), max_chars: 1000, ..Wanted::default() };
    assert_eq!(show(&extracted, &wanted), Err(NotThere::Page { count: 2, unit: "pages" }));
}

#[tokio::test]
async fn a_scan_says_that_it_has_no_text() {
    let extracted = read(Format::Pdf, pdf(&[""])).await.unwrap();
    assert_eq!(extracted.remarks[0].code, RemarkCode::NoText);
}

#[tokio::test]
async fn mail_and_html_are_text() {
    let extracted = read(Format::Eml, MAIL.to_vec()).await.unwrap();
    insta::assert_snapshot!(markdown(&extracted), @r"
    From: Alice <alice@contoso.example>
    To: Bob <bob@contoso.example>
    Subject: Numbers

    Here are **the numbers**.
    ");
    let extracted = read(Format::Html, b"<h1>Plan</h1><p>Go.</p>".to_vec()).await.unwrap();
    assert!(markdown(&extracted).contains("Plan"), "{extracted:?}");
}

#[tokio::test]
async fn what_a_file_is_counts_not_what_it_is_called() {
    let extracted = read(Format::Doc, docx(&paragraph("new under an old name"))).await.unwrap();
    assert_eq!(extracted.remarks[0].code, RemarkCode::OtherKind);
    assert!(
        matches!(&extracted.body, Body::Paged { pages, .. } if pages[0].blocks[0].words() == "new under an old name")
    );
}

#[tokio::test]
async fn damaged_files_are_refused() {
    let whole = docx(&paragraph("words"));
    for (format, bytes) in [
        (Format::Docx, whole[..whole.len() / 2].to_vec()),
        (Format::Docx, b"not a package at all".to_vec()),
        (Format::Xlsx, package(&[("a", b"b")])),
        (Format::Pdf, b"%PDF-1.4\ngarbage".to_vec()),
        (Format::Xls, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec()),
        (Format::Ppt, Vec::new()),
    ] {
        let refused = read(format, bytes).await;
        assert!(matches!(refused, Err(ExtractError::Unreadable(_) | ExtractError::GaveUp)), "{format:?} {refused:?}");
    }
}

#[tokio::test]
async fn links_lead_to_the_web_alone() {
    let link = |target: &str| {
        format!(
            r#"<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> HYPERLINK "{target}" </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>here</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>"#
        )
    };
    let body = ["https://contoso.example/plan", "javascript:alert(1)", "file:///etc/passwd"].map(link).concat();
    let extracted = read(Format::Docx, docx(&body)).await.unwrap();
    let Body::Paged { pages, .. } = &extracted.body else { panic!() };
    let links: Vec<_> = pages[0]
        .blocks
        .iter()
        .map(|block| match block {
            Block::Paragraph { text } => text[0].link.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(links, [Some("https://contoso.example/plan".to_owned()), None, None]);
}
