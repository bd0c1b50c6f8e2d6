//! Are discovery documents believed that are another server's, or another issuer's?
//! (<https://www.rfc-editor.org/rfc/rfc8414#section-3.3>, <https://www.rfc-editor.org/rfc/rfc9728#section-3.3>)

use crate::bench::{Bench, Says};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "oauth-flow/metadata-issuer-mismatch",
    title: "Discovery documents that do not match the identifier used",
    requirements: &["R-TOK-4"],
    profile: Profile::Extended,
    severity: Severity::High,
    needs: &[Feature::Client],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: "whoever runs a server",
        knows: "what one of the two documents says",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::METADATA_OF_ANYBODY],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

const OTHER_SERVER: &str = "the protected resource metadata is of";
const OTHER_ISSUER: &str = "the authorization server's metadata is of";

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    super::an_honest_server(bench).await?;
    let cases: &[(&str, &str, Says)] = &[
        ("another host's metadata", OTHER_SERVER, Says { resource: "https://mcp.example/mcp", ..Says::TRUE }),
        ("another path's metadata", OTHER_SERVER, Says { resource: "{base}/other", ..Says::TRUE }),
        ("the whole origin's metadata", OTHER_SERVER, Says { resource: "{base}/", ..Says::TRUE }),
        ("another issuer's metadata", OTHER_ISSUER, Says { issuer: "https://login.example", ..Says::TRUE }),
        ("an issuer with a slash more", OTHER_ISSUER, Says { issuer: "{base}/", ..Says::TRUE }),
        ("a template for an issuer", OTHER_ISSUER, Says { issuer: "{base}/{tenantid}/v2.0", ..Says::TRUE }),
        ("nothing but a template", OTHER_ISSUER, Says { issuer: "{tenantid}", ..Says::TRUE }),
        (
            "the first of two issuers is somebody else",
            OTHER_ISSUER,
            Says { issuers: &["{base}", "https://login.example"], issuer: "https://login.example", ..Says::TRUE },
        ),
    ];
    for (what, because, says) in cases {
        let tried = bench.sign_in_at(what, says, false, false).await?;
        super::expect_turned_away(bench, what, &tried, because)?;
    }
    Ok(())
}
