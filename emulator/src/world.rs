//! All that the emulator holds: directories and content of every tenant.
//!
//! The world is an immutable value behind one pointer. A request works on one snapshot; a change makes the next one, copying only
//! the container it touches. Reset and snapshot are pointer copies.
