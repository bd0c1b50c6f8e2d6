//! What does a refusal of the issuer or of Graph mean to the person who asked?
//! (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>,
//! <https://learn.microsoft.com/graph/errors>)

use crate::refusal::{Code, GraphAnswer, Refusal, RestoredBy};

/// The token endpoint's refusal of an exchange.
#[derive(Debug, Clone, Default)]
pub struct ExchangeFailure {
    /// HTTP status.
    pub status: u16,
    /// OAuth's `error`.
    pub error: String,
    /// The `AADSTS` numbers.
    pub codes: Vec<u32>,
    /// The claims that another token must bring, as JSON.
    pub claims: Option<String>,
}

/// Graph's refusal of a read.
#[derive(Debug, Clone, Default)]
pub struct GraphFailure {
    /// HTTP status.
    pub status: u16,
    /// Graph's `error.code`.
    pub code: String,
    /// Graph's `request-id`.
    pub request_id: Option<String>,
    /// Seconds to wait, as the answer says.
    pub retry_after: Option<u64>,
    /// The claims that another token must bring, as JSON.
    pub claims: Option<String>,
}

/// What a read was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Something of the caller's own.
    Own,
    /// Something in a mailbox that somebody else owns.
    SharedMailbox,
    /// A message of a chat or channel, by id.
    Conversation,
    /// A file, folder or page, by id or path.
    File,
}

/// What follows on a refused token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterChallenge {
    /// Exchange once more, with the claims that were asked for, past the cache.
    ExchangeAgain,
    /// Tell the caller.
    GiveUp,
}

pub(super) fn after_challenge(times: u32) -> AfterChallenge {
    if times == 1 { AfterChallenge::ExchangeAgain } else { AfterChallenge::GiveUp }
}

pub(super) fn of_exchange(failure: &ExchangeFailure, scopes: &[&str]) -> Refusal {
    let permission = scopes.join(" ");
    if let Some(claims) = &failure.claims {
        return Refusal::new(
            Code::SignInRequired,
            "The sign-in does not satisfy your organization's policy. Sign in again.",
        )
        .claims(claims.clone());
    }
    let any = |codes: &[u32]| failure.codes.iter().any(|code| codes.contains(code));
    if any(&[65001, 65004]) {
        Refusal::new(
            Code::ConsentRequired,
            format!("The Microsoft Graph permission {permission} is not granted to this connector in your tenant: it was revoked, or never consented to."),
        )
        .permission(&permission)
        .restored_by(RestoredBy::TenantAdmin, how_to_restore(&permission))
    } else if any(&[700_016, 500_011, 7_000_112, 650_051, 650_052]) {
        Refusal::new(Code::ConsentRequired, "This connector's application is not present or not enabled in your tenant.")
            .permission(&permission)
            .restored_by(
                RestoredBy::TenantAdmin,
                "An administrator consents to the connector's applications for the organization, or enables them under Enterprise applications.".to_owned(),
            )
    } else if any(&[50105]) {
        Refusal::new(
            Code::NotAssigned,
            "Your administrator has limited this connector to assigned users, and you are not one of them.",
        )
        .restored_by(
            RestoredBy::TenantAdmin,
            "An administrator assigns you, or a group of yours, to both of the connector's enterprise applications."
                .to_owned(),
        )
    } else if any(&[53000, 53001, 53002, 53003, 53004, 530_031, 530_032, 50005, 50131, 500_121]) {
        Refusal::new(Code::PolicyBlocked, "A conditional access policy of your organization blocks this connector. A rule about devices or places can apply to the connector's own address, too.")
            .restored_by(RestoredBy::TenantAdmin, "An administrator finds the policy in the sign-in log and adjusts it.".to_owned())
    } else if any(&[50057]) {
        Refusal::new(Code::Forbidden, "Your account is disabled.")
            .restored_by(RestoredBy::TenantAdmin, "An administrator enables the account.".to_owned())
    } else if any(&[500_131, 7_000_215, 7_000_222, 7_000_218, 700_027, 700_024, 900_144, 70011])
        || failure.error == "invalid_client"
    {
        Refusal::new(
            Code::UpstreamError,
            "The connector's registration or credential is not accepted by the issuer; its operator has to repair it.",
        )
    } else if !matches!(failure.status, 400 | 401) || ["", "temporarily_unavailable"].contains(&failure.error.as_str())
    {
        // Nothing of OAuth's: the issuer is in trouble, or it was not the issuer.
        Refusal::new(Code::UpstreamError, "The issuer could not be asked. Try again.")
    } else {
        Refusal::new(Code::SignInRequired, "The sign-in is no longer accepted. Sign in again.")
            .restored_by(RestoredBy::You, "Sign in to the connector again.".to_owned())
    }
}

pub(super) fn of_graph(failure: &GraphFailure, subject: Subject) -> Refusal {
    let answer =
        || GraphAnswer { status: failure.status, code: failure.code.clone(), request_id: failure.request_id.clone() };
    match (failure.status, failure.code.as_str()) {
        (401, _) => {
            let refusal = Refusal::new(Code::SignInRequired, "Your session was ended or has changed. Sign in again.")
                .restored_by(RestoredBy::You, "Sign in to the connector again.".to_owned());
            match &failure.claims {
                Some(claims) => refusal.claims(claims.clone()),
                None => refusal,
            }
        }
        (_, "ErrorGroupIsUsedInNonGroupURI") => Refusal::new(
            Code::GroupMailboxUnsupported,
            "This is the mailbox of a group; Microsoft Graph does not give it to this connector.",
        )
        .suggestion(
            "Follow the group in your inbox, or search your own mail with `recipient` set to the group's address.",
        ),
        // A mailbox that is not shared and one that does not exist are told alike, byte for byte.
        (403 | 404, _) if subject == Subject::SharedMailbox && !is_item_not_found(&failure.code) => {
            Refusal::new(Code::Forbidden, "This mailbox is not shared with you, or does not exist.")
        }
        // Graph tells a chat or file of others (403) from one that is not there (404) and from one that cannot be (400); this server
        // does not.
        (400 | 403 | 404, _) if matches!(subject, Subject::Conversation | Subject::File) => Refusal::not_found(),
        (403, _) => Refusal::new(Code::Forbidden, "Microsoft 365 does not let you read this.").graph(answer()),
        // The request id differs on every call, so it stays out of what must not tell a foreign id from an unknown one.
        (404 | 410, _) | (400, "ErrorInvalidIdMalformed") => Refusal::not_found(),
        (429, _) => Refusal::new(Code::Throttled, "Microsoft 365 asks to slow down.")
            .retry_after(failure.retry_after)
            .graph(answer()),
        (504, _) => Refusal::new(Code::Timeout, "Microsoft 365 did not answer in time.").graph(answer()),
        (400, _) => Refusal::new(
            Code::InvalidArgument,
            format!("Microsoft 365 does not understand the request ({}).", failure.code),
        )
        .graph(answer()),
        _ => Refusal::new(Code::UpstreamError, "Microsoft 365 could not answer.")
            .retry_after(failure.retry_after)
            .graph(answer()),
    }
}

/// How the administrator brings `permission` back.
pub(crate) fn how_to_restore(permission: &str) -> String {
    format!(
        "An administrator of the tenant grants {permission} again: Microsoft Entra admin center, Enterprise applications, the connector's server application, Permissions, Grant admin consent."
    )
}

fn is_item_not_found(code: &str) -> bool {
    ["ErrorItemNotFound", "ErrorInvalidIdMalformed", "ErrorFolderNotFound"].contains(&code)
}
