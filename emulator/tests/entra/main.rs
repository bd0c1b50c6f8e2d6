//! The login host over the wire: the flows, and each refusal with its number.

mod aadsts;
mod access;
mod application;
mod assertion;
mod authorize;
mod careless;
mod consent;
mod discovery;
mod faults;
mod flows;
mod golden;
mod grants;
mod hostile;
mod mutations;
mod naive;
mod reasons;
mod scene;
