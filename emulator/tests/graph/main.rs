//! What the Graph host answers, over sockets.

mod access;
mod audit;
mod batch;
mod calendar;
mod calendar_writes;
mod files;
mod immutable_ids;
mod isolation;
mod mail;
mod metadata;
mod options;
mod own_mail;
mod people;
mod permissions;
mod protocol;
mod scene;
mod search;
mod shapes;
mod table;
mod teams;
mod throttle;
mod tokens;
mod write_walk;
mod writes;
