//! How the login host behaves where the real one's behaviour varies or is not public: docs/fidelity.md has each with its reason.

use clap::{Args, ValueEnum};
use emulator::Options;
use jiff::SignedDuration;

/// Settings of the issuer.
#[derive(Debug, Args, Default)]
pub struct IssuerArgs {
    /// Whether a `login_hint` signs that user in at once, or always shows the page.
    #[arg(long, value_enum, default_value_t = SignIn::Hint, help_heading = "Issuer")]
    pub sign_in: SignIn,
    /// What `scp` of a token holds: what was asked for, or everything granted at the resource.
    #[arg(long, value_enum, default_value_t = GrantedScopes::Requested, help_heading = "Issuer")]
    pub granted_scopes: GrantedScopes,
    /// What becomes of a refresh token that was used.
    #[arg(long, value_enum, default_value_t = RefreshReuse::Kept, help_heading = "Issuer")]
    pub refresh_reuse: RefreshReuse,
    /// Announce `code_challenge_methods_supported` in the OpenID configuration, which the real service does not.
    #[arg(long, help_heading = "Issuer")]
    pub announce_pkce: bool,
    /// Leave a member out of the v2 OpenID configuration. May be repeated.
    #[arg(long, value_name = "MEMBER", help_heading = "Issuer")]
    pub omit_metadata: Vec<String>,
    /// How long a critical event takes to reach Graph, for example PT5M (at once).
    #[arg(long, value_name = "DURATION", help_heading = "Issuer")]
    pub propagation: Option<SignedDuration>,
}

/// How a `login_hint` is treated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum SignIn {
    /// Who is named is signed in at once.
    #[default]
    Hint,
    /// The page is shown.
    Page,
}

/// What `scp` holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum GrantedScopes {
    /// What was asked for.
    #[default]
    Requested,
    /// Everything granted at the resource.
    All,
}

/// What becomes of a refresh token that was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum RefreshReuse {
    /// It stays valid, as at the real service.
    #[default]
    Kept,
    /// It is worthless.
    Once,
    /// It is worthless, and brought again it ends everything that came from its sign-in.
    Family,
}

impl IssuerArgs {
    /// The options, with these settings.
    pub(super) fn over(&self, options: Options) -> Options {
        Options {
            sign_in: match self.sign_in {
                SignIn::Hint => emulator::SignIn::Hint,
                SignIn::Page => emulator::SignIn::Page,
            },
            granted_scopes: match self.granted_scopes {
                GrantedScopes::Requested => emulator::options::GrantedScopes::Requested,
                GrantedScopes::All => emulator::options::GrantedScopes::All,
            },
            refresh_reuse: match self.refresh_reuse {
                RefreshReuse::Kept => emulator::options::RefreshReuse::Kept,
                RefreshReuse::Once => emulator::options::RefreshReuse::Once,
                RefreshReuse::Family => emulator::options::RefreshReuse::Family,
            },
            announce_pkce: self.announce_pkce,
            omit_metadata: self.omit_metadata.clone(),
            propagation: self.propagation.unwrap_or(options.propagation),
            ..options
        }
    }
}
