//! Workbooks, cell by cell: `calamine`'s streaming reader for packages (a sheet with one far cell costs one cell), its ranges for the
//! older files.

use std::fmt::Write as _;
use std::io::Cursor;

use calamine::{Data, DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xls, Xlsx, XlsxError};

use super::Unreadable;
use crate::documents::format::Format;
use crate::documents::model::{Body, Cell, Extracted, Remark, RemarkCode, Sheet, SheetRow};

/// Cells given of one workbook.
const MAX_CELLS: usize = 500_000;

pub(super) fn read(format: Format, bytes: &[u8]) -> Result<Extracted, Unreadable> {
    let mut cells = Budget { left: MAX_CELLS };
    let sheets = if format == Format::Xls { old(bytes, &mut cells) } else { package(bytes, &mut cells) }?;
    let remarks = (cells.left == 0).then(|| Remark {
        code: RemarkCode::Incomplete,
        message: format!("Only the first {MAX_CELLS} cells are given."),
    });
    Ok(Extracted { title: None, body: Body::Workbook { sheets }, remarks: remarks.into_iter().collect() })
}

struct Budget {
    left: usize,
}

impl Budget {
    fn take(&mut self) -> bool {
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

fn package(bytes: &[u8], budget: &mut Budget) -> Result<Vec<Sheet>, Unreadable> {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|error| match error {
        XlsxError::Password => Unreadable::Protected,
        _ => Unreadable::Damaged,
    })?;
    let mut sheets = Vec::new();
    for facts in book.sheets_metadata().to_owned() {
        if facts.typ != SheetType::WorkSheet {
            continue;
        }
        let mut reader = book.worksheet_cells_reader(&facts.name).map_err(|_| Unreadable::Damaged)?;
        let mut cells = Vec::new();
        while let Some(cell) = reader.next_cell().map_err(|_| Unreadable::Damaged)? {
            let position = cell.get_position();
            let Some(value) = of_reference(cell.get_value()) else { continue };
            if !budget.take() {
                break;
            }
            cells.push((position, value));
        }
        sheets.push(sheet(facts.name, facts.visible, cells));
    }
    Ok(sheets)
}

fn old(bytes: &[u8], budget: &mut Budget) -> Result<Vec<Sheet>, Unreadable> {
    let mut book = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
        calamine::XlsError::Password => Unreadable::Protected,
        _ => Unreadable::Damaged,
    })?;
    let mut sheets = Vec::new();
    for facts in book.sheets_metadata().to_owned() {
        if facts.typ != SheetType::WorkSheet {
            continue;
        }
        let range = book.worksheet_range(&facts.name).map_err(|_| Unreadable::Damaged)?;
        let (top, left) = range.start().unwrap_or_default();
        let mut cells = Vec::new();
        for (row, column, value) in range.used_cells() {
            let Some(value) = of_value(value) else { continue };
            if !budget.take() {
                break;
            }
            let place = |from: u32, offset: usize| from.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
            cells.push(((place(top, row), place(left, column)), value));
        }
        sheets.push(sheet(facts.name, facts.visible, cells));
    }
    Ok(sheets)
}

/// Cells by place. Files may list them in any order, and one place twice: the later one is what Excel shows.
fn sheet(name: String, visible: SheetVisible, mut cells: Vec<((u32, u32), Cell)>) -> Sheet {
    cells.sort_by_key(|(place, _)| *place);
    let mut rows: Vec<SheetRow> = Vec::new();
    for ((row, column), cell) in cells {
        match rows.last_mut() {
            Some(last) if last.row == row => match last.cells.last_mut() {
                Some(before) if before.0 == column => before.1 = cell,
                _ => last.cells.push((column, cell)),
            },
            _ => rows.push(SheetRow { row, cells: vec![(column, cell)] }),
        }
    }
    Sheet { name, hidden: visible != SheetVisible::Visible, rows }
}

fn of_reference(value: &DataRef<'_>) -> Option<Cell> {
    match value {
        DataRef::Empty => None,
        DataRef::SharedString(text) => words(text),
        DataRef::String(text) => words(text),
        #[expect(clippy::cast_precision_loss, reason = "Excel itself keeps 15 digits")]
        DataRef::Int(number) => Some(Cell::Number(*number as f64)),
        DataRef::Float(number) => Some(Cell::Number(*number)),
        DataRef::Bool(value) => Some(Cell::Bool(*value)),
        DataRef::DateTime(moment) => Some(date(*moment)),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Some(Cell::Date(text.clone())),
        DataRef::Error(error) => Some(Cell::Error(error.to_string())),
    }
}

fn of_value(value: &Data) -> Option<Cell> {
    match value {
        Data::Empty => None,
        Data::String(text) => words(text),
        #[expect(clippy::cast_precision_loss, reason = "Excel itself keeps 15 digits")]
        Data::Int(number) => Some(Cell::Number(*number as f64)),
        Data::Float(number) => Some(Cell::Number(*number)),
        Data::Bool(value) => Some(Cell::Bool(*value)),
        Data::DateTime(moment) => Some(date(*moment)),
        Data::DateTimeIso(text) | Data::DurationIso(text) => Some(Cell::Date(text.clone())),
        Data::Error(error) => Some(Cell::Error(error.to_string())),
    }
}

fn words(text: &str) -> Option<Cell> {
    (!text.is_empty()).then(|| Cell::Text(text.to_owned()))
}

/// A serial number as what Excel shows for it: a date, a time of day, both, or a duration.
fn date(moment: ExcelDateTime) -> Cell {
    let serial = moment.as_f64();
    if moment.is_duration() {
        return Cell::Date(duration(serial));
    }
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    let time = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    let is_midnight = (hour, minute, second, milli) == (0, 0, 0, 0);
    Cell::Date(if (0.0..1.0).contains(&serial) {
        time
    } else if is_midnight {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{time}")
    })
}

/// Days as `PT26H30M`.
fn duration(days: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "saturates; Excel's own range is far smaller")]
    let seconds = (days * 86_400.0).round() as i64;
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = format!("{sign}PT");
    for (amount, unit) in [(hours, 'H'), (minutes, 'M'), (seconds, 'S')] {
        if amount > 0 {
            let _ = write!(text, "{amount}{unit}");
        }
    }
    if text.ends_with('T') {
        text.push_str("0S");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_iso() {
        assert_eq!(duration(26.5 / 24.0), "PT26H30M");
        assert_eq!(duration(0.0), "PT0S");
        assert_eq!(duration(-1.0 / 86_400.0), "-PT1S");
    }
}
