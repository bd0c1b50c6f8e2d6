//! Cells by their names: `B2`, `B2:D10`, `A:C`, `2:5`.

use std::fmt;
use std::str::FromStr;

/// Excel's grid ends at XFD1048576.
const LAST_COLUMN: u32 = 16_383;
const LAST_ROW: u32 = 1_048_575;

/// A rectangle of cells, counted from 0, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first row.
    pub top: u32,
    /// The last row.
    pub bottom: u32,
    /// The first column.
    pub left: u32,
    /// The last column.
    pub right: u32,
}

/// Not the name of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cells are named like B2, B2:D10, A:C or 2:5")]
pub struct RangeError;

impl Range {
    /// Everything there can be.
    pub const ALL: Self = Self { top: 0, bottom: LAST_ROW, left: 0, right: LAST_COLUMN };
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let text = text.trim().replace('$', "");
        let (from, to) = text.split_once(':').unwrap_or((&text, &text));
        let ((left, top), (right, bottom)) = (corner(from)?, corner(to)?);
        if (left.is_none(), top.is_none()) != (right.is_none(), bottom.is_none()) {
            return Err(RangeError);
        }
        let (left, right) = (left.unwrap_or(0), right.unwrap_or(LAST_COLUMN));
        let (top, bottom) = (top.unwrap_or(0), bottom.unwrap_or(LAST_ROW));
        Ok(Self { top: top.min(bottom), bottom: top.max(bottom), left: left.min(right), right: left.max(right) })
    }
}

/// `B2` as column and row; either may be missing.
fn corner(text: &str) -> Result<(Option<u32>, Option<u32>), RangeError> {
    let text = text.trim();
    let digits = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let (letters, digits) = text.split_at(digits);
    if letters.len() > 3 || (letters.is_empty() && digits.is_empty()) {
        return Err(RangeError);
    }
    let column = letters.bytes().try_fold(0_u32, |column, letter| {
        letter.is_ascii_alphabetic().then(|| column * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1)
    });
    let column = match column.ok_or(RangeError)? {
        0 => None,
        column if column - 1 <= LAST_COLUMN => Some(column - 1),
        _ => return Err(RangeError),
    };
    let row = match digits {
        "" => None,
        digits => match digits.parse::<u32>() {
            Ok(row @ 1..) if row - 1 <= LAST_ROW => Some(row - 1),
            _ => return Err(RangeError),
        },
    };
    Ok((column, row))
}

/// `A`, `Z`, `AA`, from 0.
pub(super) fn column_name(column: u32) -> String {
    let mut name = Vec::new();
    let mut left = column + 1;
    while left > 0 {
        left -= 1;
        name.push(char::from(b'A' + u8::try_from(left % 26).unwrap_or(0)));
        left /= 26;
    }
    name.iter().rev().collect()
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}:{}{}", column_name(self.left), self.top + 1, column_name(self.right), self.bottom + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_cells() {
        for (text, expected) in
            [("b2", "B2:B2"), ("$B$2:d10", "B2:D10"), ("D10:B2", "B2:D10"), ("XFD1048576", "XFD1048576:XFD1048576")]
        {
            assert_eq!(text.parse::<Range>().unwrap().to_string(), expected);
        }
        assert_eq!("A:C".parse::<Range>(), Ok(Range { left: 0, right: 2, ..Range::ALL }));
        assert_eq!("2:5".parse::<Range>(), Ok(Range { top: 1, bottom: 4, ..Range::ALL }));
        for wrong in ["", ":", "B2:", "A:5", "XFE1", "A0", "A1048577", "A1:B2:C3", "Ä1", "1A", "A-1"] {
            assert_eq!(wrong.parse::<Range>(), Err(RangeError), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn printed_ranges_are_read_again(top in 0..=LAST_ROW, bottom in 0..=LAST_ROW, left in 0..=LAST_COLUMN, right in 0..=LAST_COLUMN) {
            let range = Range { top: top.min(bottom), bottom: top.max(bottom), left: left.min(right), right: left.max(right) };
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,12}") {
            let _ = text.parse::<Range>();
        }
    }
}
