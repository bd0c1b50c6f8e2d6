//! Dates inside a message, and moving them.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use mail_parser::DateTime;

/// The instant of a header's date, if it is one.
pub(super) fn instant(date: &DateTime) -> Option<Timestamp> {
    date.is_valid().then(|| Timestamp::from_second(date.to_timestamp()).ok()).flatten()
}

/// The message with its `Date` header moved by `shift`, the offset kept; as it is when there is nothing to move.
///
/// `value` is where the header's value stands, line end excluded.
pub(super) fn moved(
    mime: Cow<'static, [u8]>,
    value: std::ops::Range<usize>,
    date: &DateTime,
    shift: SignedDuration,
) -> Cow<'static, [u8]> {
    let Some(written) = rfc5322(date, shift) else { return mime };
    let (Some(before), Some(after)) = (mime.get(..value.start), mime.get(value.end..)) else { return mime };
    let mut out = Vec::with_capacity(mime.len() + written.len());
    out.extend_from_slice(before);
    out.push(b' ');
    out.extend_from_slice(written.as_bytes());
    out.extend_from_slice(after);
    Cow::Owned(out)
}

fn rfc5322(date: &DateTime, shift: SignedDuration) -> Option<String> {
    let sign = if date.tz_before_gmt { -1 } else { 1 };
    let seconds = sign * (i32::from(date.tz_hour) * 3600 + i32::from(date.tz_minute) * 60);
    let zone = jiff::tz::Offset::from_seconds(seconds).ok()?.to_time_zone();
    let moved = instant(date)?.checked_add(shift).ok()?.to_zoned(zone);
    Some(moved.strftime("%a, %d %b %Y %H:%M:%S %z").to_string())
}
