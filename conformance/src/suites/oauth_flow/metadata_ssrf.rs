//! Do addresses in somebody's metadata lead the client to what is inside?
//! (<https://www.rfc-editor.org/rfc/rfc9728#section-7.7>)

use crate::bench::{Bench, Says};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "oauth-flow/metadata-ssrf",
    title: "Metadata addresses that point inside",
    requirements: &["R-TOK-4"],
    profile: Profile::Extended,
    severity: Severity::High,
    needs: &[Feature::Client],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: "whoever runs a server",
        knows: "where something listens that only this machine reaches",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::METADATA_LEADS_INSIDE, &broken::OPENS_ANYTHING],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

const ADDRESS: &str = "is an address that nobody is sent to";

/// Addresses of the canary on this machine, and of other things inside, as they may be written.
const INSIDE: &[&str] = &[
    "{canary}",
    "http://0x7f000001:{canary-port}",
    "http://2130706433:{canary-port}",
    "http://127.1:{canary-port}",
    "http://[::ffff:127.0.0.1]:{canary-port}",
    "http://localhost:{canary-port}",
    "http://\u{2460}\u{2461}\u{2466}.0.0.1:{canary-port}",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1",
    "https://[fd00::1]",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{canary-port}/",
    "gopher://127.0.0.1:{canary-port}/",
];

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    super::an_honest_server(bench).await?;
    for inside in INSIDE {
        let named = [
            ("the challenge", Says { metadata: inside, ..Says::TRUE }),
            ("the server's metadata", Says { issuers: std::slice::from_ref(inside), ..Says::TRUE }),
            ("the issuer's metadata", Says { token_endpoint: inside, ..Says::TRUE }),
        ];
        // A header that is no text is no challenge.
        for (by, says) in named.into_iter().skip(usize::from(!inside.is_ascii())) {
            let what = format!("{by} names {inside}");
            let tried = bench.sign_in_at(&what, &says, true, false).await?;
            super::expect_turned_away(bench, &what, &tried, ADDRESS)?;
        }
    }
    // What it asks itself answers with a redirect.
    for moved in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"] {
        let says = Says { moved: Some((moved, "{canary}/secret")), ..Says::TRUE };
        let tried = bench.sign_in_at(&format!("{moved} leads inside"), &says, true, false).await?;
        super::expect_turned_away(bench, &format!("{moved} leads inside"), &tried, "there is no")?;
    }
    Ok(())
}
