//! OData query options: text from the wire → typed options, filters and search expressions.

pub(super) mod filter;
pub(super) mod kql;
pub(super) mod options;
pub(super) mod record;
