//! One tenant's identity side: users, groups, service principals, grants, policies, sessions.
//!
//! *May this user get a token for this app and resource now?* is answered in one place, [`Directory::decide`]; every grant type asks
//! it. Revocation is then nothing special: the next question gets another answer.
