//! Sheets: tables with the names of their rows and columns, so that a cell can be pointed at, or rows of typed cells.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::range::{Range, column_name};
use super::text::clean;
use super::{Form, NotThere, Place, Shown, Wanted, paged};
use crate::documents::model::{Cell, Sheet, SheetRow};

/// More empty rows than this between two others are left out.
const GAP: u32 = 20;

/// Rows that follow each other, of one sheet.
struct Window<'s> {
    sheet: &'s Sheet,
    /// The cells that are shown.
    range: Range,
}

pub(super) fn show(sheets: &[Sheet], wanted: &Wanted) -> Result<Shown, NotThere> {
    let chosen = chosen(sheets, wanted)?;
    let range = wanted.range.unwrap_or(Range::ALL);
    let windows: Vec<Window<'_>> = chosen.iter().flat_map(|sheet| windows(sheet, range)).collect();
    let total: usize = windows.iter().map(Window::height).sum();
    let mut content = String::new();
    let mut rows_of: Vec<(usize, Range, Vec<Value>)> = Vec::new();
    let (mut ordinal, mut room, mut next) = (0_usize, wanted.max_chars, None);
    'windows: for (index, window) in windows.iter().enumerate() {
        let mut begun: Option<Range> = None;
        for row in window.range.top..=window.range.bottom {
            let at = ordinal;
            ordinal += 1;
            if at < wanted.from {
                continue;
            }
            let cells = window.cells(row);
            let (line, values) = match wanted.form {
                Form::Json => {
                    let values =
                        Value::from(cells.iter().map(|cell| cell.map_or(Value::Null, value)).collect::<Vec<_>>());
                    (values.to_string(), values)
                }
                form => (line(row, &cells, form), Value::Null),
            };
            let head = if begun.is_none() { window.head(row, wanted.form) } else { String::new() };
            let size = head.chars().count() + line.chars().count();
            if size > room && at > wanted.from {
                next = Some(at);
                break 'windows;
            }
            room = room.saturating_sub(size);
            let shown = begun.get_or_insert(Range { top: row, bottom: row, ..window.range });
            shown.bottom = row;
            if wanted.form == Form::Json {
                match rows_of.last_mut() {
                    Some((last, range, rows)) if *last == index => {
                        range.bottom = row;
                        rows.push(values);
                    }
                    _ => rows_of.push((index, *shown, vec![values])),
                }
            } else {
                content.push_str(&head);
                // One row alone may be longer than there is room: it is cut, and the next part begins after it.
                content.push_str(super::text::part(&line, 0, wanted.max_chars).text);
            }
        }
        if begun.is_some() && wanted.form != Form::Json {
            content.push('\n');
        }
    }
    let end = next.unwrap_or(total);
    let facts: Vec<Value> = if wanted.form == Form::Json {
        rows_of
            .into_iter()
            .filter_map(|(index, range, rows)| Some(windows.get(index)?.sheet.facts(Some(range), Some(rows))))
            .collect()
    } else {
        chosen.iter().map(|sheet| sheet.facts(sheet.used(), None)).collect()
    };
    Ok(Shown {
        content,
        sheets: Some(facts.into()),
        place: Place {
            start_row: (end > wanted.from).then_some(wanted.from + 1),
            end_row: (end > wanted.from).then_some(end),
            total_rows: Some(total),
            ..Place::default()
        },
        next,
        ..Shown::default()
    })
}

fn chosen<'s>(sheets: &'s [Sheet], wanted: &Wanted) -> Result<Vec<&'s Sheet>, NotThere> {
    match &wanted.sheet {
        Some(name) => {
            let found = sheets.iter().find(|sheet| sheet.name.to_lowercase() == name.trim().to_lowercase());
            let names = || sheets.iter().map(|sheet| clean(&sheet.name)).collect();
            Ok(vec![found.ok_or_else(|| NotThere::Sheet { names: names() })?])
        }
        // A range alone means the sheet that one sees first.
        None if wanted.range.is_some() => {
            Ok(sheets.iter().find(|sheet| !sheet.hidden).or(sheets.first()).into_iter().collect())
        }
        None => Ok(sheets.iter().collect()),
    }
}

/// The rows of `range` that hold something, in runs without long gaps. All runs of a sheet have the same columns.
fn windows<'s>(sheet: &'s Sheet, range: Range) -> Vec<Window<'s>> {
    let inside = |row: &&SheetRow| {
        (range.top..=range.bottom).contains(&row.row)
            && row.cells.iter().any(|(column, _)| (range.left..=range.right).contains(column))
    };
    let columns = || {
        sheet
            .rows
            .iter()
            .filter(inside)
            .flat_map(|row| &row.cells)
            .map(|(column, _)| *column)
            .filter(|column| (range.left..=range.right).contains(column))
    };
    let (Some(left), Some(right)) = (columns().min(), columns().max()) else { return Vec::new() };
    let mut windows: Vec<Window<'s>> = Vec::new();
    for row in sheet.rows.iter().filter(inside) {
        match windows.last_mut() {
            Some(last) if row.row - last.range.bottom <= GAP => last.range.bottom = row.row,
            _ => windows.push(Window { sheet, range: Range { top: row.row, bottom: row.row, left, right } }),
        }
    }
    windows
}

impl Window<'_> {
    fn height(&self) -> usize {
        (self.range.bottom - self.range.top) as usize + 1
    }

    /// The cells of a row, empty ones too.
    fn cells(&self, row: u32) -> Vec<Option<&Cell>> {
        let found = self.sheet.rows.binary_search_by_key(&row, |candidate| candidate.row).ok();
        let held = found.and_then(|index| self.sheet.rows.get(index)).map_or(&[][..], |row| row.cells.as_slice());
        let at = |column: u32| {
            held.binary_search_by_key(&column, |(place, _)| *place)
                .ok()
                .and_then(|index| held.get(index))
                .map(|(_, cell)| cell)
        };
        (self.range.left..=self.range.right).map(at).collect()
    }

    /// What stands above the first row that is shown.
    fn head(&self, row: u32, form: Form) -> String {
        let range = Range { top: row, ..self.range };
        let hidden = if self.sheet.hidden { " (hidden)" } else { "" };
        let name = clean(&self.sheet.name).replace('\n', " ");
        match form {
            Form::Markdown => {
                let letters = (self.range.left..=self.range.right).map(column_name);
                let letters: Vec<String> = std::iter::once(String::new()).chain(letters).collect();
                format!("## {name}{hidden} {range}\n\n{}", paged::table(&[letters]))
            }
            Form::Text => format!("{name}{hidden} {range}\n"),
            Form::Json => String::new(),
        }
    }
}

fn line(row: u32, cells: &[Option<&Cell>], form: Form) -> String {
    let mut line = String::new();
    if form == Form::Markdown {
        let _ = write!(line, "| {} ", row + 1);
    }
    for (index, cell) in cells.iter().enumerate() {
        let words = clean(&cell.map(written).unwrap_or_default());
        if form == Form::Markdown {
            let words = words.trim().replace('\\', "\\\\").replace('|', "\\|").replace('\n', "<br>");
            let _ = write!(line, "| {words} ");
        } else {
            let tab = if index == 0 { "" } else { "\t" };
            let _ = write!(line, "{tab}{}", words.replace(['\n', '\t'], " "));
        }
    }
    line.push_str(if form == Form::Markdown { "|\n" } else { "\n" });
    line
}

fn written(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Date(text) | Cell::Error(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) | Cell::Date(text) | Cell::Error(text) => clean(text).into(),
        #[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number that fits")]
        Cell::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => (*number as i64).into(),
        Cell::Number(number) => (*number).into(),
        Cell::Bool(value) => (*value).into(),
    }
}

impl Sheet {
    /// The rectangle around all cells that hold something.
    fn used(&self) -> Option<Range> {
        windows(self, Range::ALL).into_iter().map(|window| window.range).reduce(|a, b| Range {
            top: a.top,
            bottom: b.bottom,
            ..a
        })
    }

    fn facts(&self, range: Option<Range>, rows: Option<Vec<Value>>) -> Value {
        let used = self.used();
        let mut facts = json!({
            "name": clean(&self.name),
            "hidden": self.hidden,
            "range": range.map(|range| range.to_string()),
            "rowCount": used.map_or(0, |used| used.bottom + 1),
            "columnCount": used.map_or(0, |used| used.right + 1),
        });
        if let (Some(rows), Some(facts)) = (rows, facts.as_object_mut()) {
            facts.insert("rows".to_owned(), rows.into());
        }
        facts
    }
}
