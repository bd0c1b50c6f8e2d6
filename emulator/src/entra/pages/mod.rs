//! Pages a person sees. They look like one thing, work without JavaScript, and every value in them is escaped.

pub(super) mod consent;
pub(super) mod device;
pub(super) mod form_post;
mod layout;
pub(super) mod message;
pub(super) mod second_factor;
pub(super) mod sign_in;
