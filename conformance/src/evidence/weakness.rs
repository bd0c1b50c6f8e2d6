//! The names of weaknesses that others use: for each requirement the entry of CWE (<https://cwe.mitre.org/>) and the sections of OWASP ASVS 5.0
//! (<https://github.com/OWASP/ASVS/tree/v5.0.0>) that a finding about it belongs to, what it means, and what mends it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::check::Check;

/// A class of weakness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Weakness {
    /// Number in CWE.
    pub cwe: u32,
    /// Its name there.
    pub name: &'static str,
    /// Sections of ASVS 5.0.
    pub asvs: &'static [&'static str],
    /// What it means when a scenario about it fails.
    pub impact: &'static str,
    /// What mends it.
    pub fix: &'static str,
}

impl Weakness {
    /// The weakness that a failure of this check is: by its first requirement that says so, else by its suite.
    pub fn of(check: &Check) -> Self {
        // A rule about tokens says more than the promise that it serves.
        let (rules, promises): (Vec<_>, Vec<_>) = check.requirements.iter().partition(|id| id.starts_with("T-"));
        let by_requirement = rules.into_iter().chain(promises).find_map(by_requirement);
        by_requirement.unwrap_or_else(|| by_suite(check.suite()))
    }
}

const ANOTHER: Weakness = Weakness {
    cwe: 639,
    name: "Authorization Bypass Through User-Controlled Key",
    asvs: &["V8.2.2", "V8.4.1"],
    impact: "Content of another person or another organization reaches somebody who was never given it.",
    fix: "Let every read carry the caller's own delegated token for the caller's own tenant, and key every cache, cursor and address by tenant and user.",
};

const SIGNATURE: Weakness = Weakness {
    cwe: 347,
    name: "Improper Verification of Cryptographic Signature",
    asvs: &["V9.1.1", "V9.1.2", "V9.1.3"],
    impact: "Whoever writes a token by hand is taken for any user of any organization.",
    fix: "Verify with RS256 alone and with the keys that the authority publishes for the token's issuer; believe nothing that the token's own header says about keys or algorithms.",
};

const CLAIMS: Weakness = Weakness {
    cwe: 287,
    name: "Improper Authentication",
    asvs: &["V9.2.1", "V9.2.2", "V9.2.3", "V10.3.1"],
    impact: "A token that was made for another service, another time, another client or another kind of account opens this one.",
    fix: "Compare issuer, audience, tenant, version, times, client and scope with exact expected values, each claim of the expected JSON type, before anything else is looked at.",
};

const TENANT: Weakness = Weakness {
    cwe: 863,
    name: "Incorrect Authorization",
    asvs: &["V8.2.1", "V8.4.1"],
    impact: "Members of an organization that never let the connector in are served.",
    fix: "Look the validated tenant up in the list of admitted organizations on every request, and refuse by default.",
};

const PERMISSION: Weakness = Weakness {
    cwe: 862,
    name: "Missing Authorization",
    asvs: &["V8.2.1", "V8.3.3"],
    impact: "A tool works without the permission that an administrator granted for it, or with more than the user has.",
    fix: "Ask for exactly the scopes of the tool, check which were granted, and never fall back to the application's own access.",
};

const REVOKED: Weakness = Weakness {
    cwe: 613,
    name: "Insufficient Session Expiration",
    asvs: &["V7.4.1", "V8.3.2"],
    impact: "Access goes on after it was taken away.",
    fix: "Bound the age of exchanged tokens and cached answers by the declared time, and ask the issuer again after it.",
};

const WRITES: Weakness = Weakness {
    cwe: 250,
    name: "Execution with Unnecessary Privileges",
    asvs: &["V8.2.1", "V13.2.2"],
    impact: "Somebody's mailbox, calendar or files are changed by a connector that promises to read.",
    fix: "Build requests from a closed list of reads, and refuse tokens that carry more than the scopes that were asked for.",
};

const TOKENS: Weakness = Weakness {
    cwe: 522,
    name: "Insufficiently Protected Credentials",
    asvs: &["V10.3.1", "V14.2.1", "V16.2.5"],
    impact: "A token or credential is at a place where others can take it and act as the user.",
    fix: "Exchange tokens On-Behalf-Of, keep them encrypted and per user, and never pass them on, log them or show them.",
};

const DEPUTY: Weakness = Weakness {
    cwe: 441,
    name: "Unintended Proxy or Intermediary ('Confused Deputy')",
    asvs: &["V8.3.3", "V10.2.1"],
    impact: "The connector acts with one person's rights for another.",
    fix: "Bind every sign-in, session and address to the person who began it, and compare on every use.",
};

const CONTENT: Weakness = Weakness {
    cwe: 74,
    name: "Improper Neutralization of Special Elements in Output Used by a Downstream Component ('Injection')",
    asvs: &["V1.2.1", "V2.2.1"],
    impact: "What somebody wrote into a mail, a name or a question is taken for an instruction or a part of an address.",
    fix: "Encode every value for the place it is put in, and hand content over marked as content.",
};

const LOG: Weakness = Weakness {
    cwe: 532,
    name: "Insertion of Sensitive Information into Log File",
    asvs: &["V16.2.5", "V16.3.1"],
    impact: "What happened cannot be told afterwards, or the log itself gives secrets and content away.",
    fix: "Log who asked which tool with which result, and neither tokens nor content.",
};

fn by_requirement(id: &str) -> Option<Weakness> {
    Some(match id {
        "R-USER-1" | "R-USER-2" | "R-USER-3" => ANOTHER,
        "T-UNIQUE-CLAIMS" | "T-ALGORITHM" | "T-CRITICAL-HEADER" | "T-SIGNATURE" | "T-KEY-ISSUER" => SIGNATURE,
        "R-ID-4" | "R-GATE-2" | "R-GATE-4" | "R-GATE-5" | "R-LIM-1" => PERMISSION,
        "R-GATE-1" | "R-GATE-3" | "R-ID-5" => TENANT,
        "R-RO-1" => WRITES,
        "R-TOK-1" | "R-TOK-2" | "R-TOK-3" | "R-TOK-4" | "R-TOK-5" => TOKENS,
        "R-DATA-2" => DEPUTY,
        "R-AUD-1" | "R-AUD-2" => LOG,
        id if id.starts_with("T-") || id.starts_with("R-ID-") => CLAIMS,
        id if id.starts_with("R-REV-") => REVOKED,
        _ => return None,
    })
}

fn by_suite(suite: &str) -> Weakness {
    match suite {
        "tenant-isolation" => ANOTHER,
        "token-validation" => CLAIMS,
        "delegated-permissions" | "conditional-access" => PERMISSION,
        "revocation" => REVOKED,
        "read-only" => WRITES,
        "oauth-flow" => TOKENS,
        "session-and-transport" | "host" => DEPUTY,
        "audit" => LOG,
        _ => CONTENT,
    }
}
