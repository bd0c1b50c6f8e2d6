//! Decisions of the emulator that can be got wrong, as one table, so that a careless emulator is one rule wrong.

/// Every decision that keeps principals apart or tokens honest. Facts in, verdict out, no I/O.
///
/// Fields are added as workloads arrive; a careless emulator is `Rules { field: wrong, ..Rules::STRICT }`.
#[derive(Debug, Clone, Copy)]
pub struct Rules {}

impl Rules {
    /// The rules as the real service has them.
    pub const STRICT: Self = Self {};
}
