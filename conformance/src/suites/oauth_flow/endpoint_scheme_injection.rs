//! Does anything but a web address reach what opens the browser? (CVE-2025-6514)

use crate::bench::{Bench, Says};
use crate::broken;
use crate::check::{Attack, Check, Feature, Finding, Layer, Profile, Run, Setup, Severity};

pub(super) const CHECK: Check = Check {
    id: "oauth-flow/endpoint-scheme-injection",
    title: "An address to sign in at that is none",
    requirements: &["R-TOK-4"],
    profile: Profile::Extended,
    severity: Severity::Critical,
    needs: &[Feature::Client],
    setup: Setup::SHIPPED,
    attack: Some(Attack {
        by: "whoever runs a server",
        knows: "how the person's browser is opened",
        stopped_by: &[Layer::Connector],
    }),
    broken: &[&broken::OPENS_ANYTHING, &broken::METADATA_LEADS_INSIDE],
    source: file!(),
    run: Run::Code(|bench| Box::pin(run(bench))),
};

const ADDRESS: &str = "is an address that nobody is sent to";

/// What is no address of the web, or would be something else to a shell.
const BAD: &[&str] = &[
    "javascript:alert(1)",
    "file:///etc/passwd",
    "data:text/html,<script>alert(1)</script>",
    "ms-settings:",
    "custom-scheme://run/this",
    "-https://login.example/",
    "--help",
    "http://login.example/authorize",
    "https://login.example/`id`",
    "https://login.example/\"&id&\"",
    "https://login.example/\nauthorize",
    "https://login.example/ id",
    "https://login.example/|id",
    "https://user:word@login.example/",
];

async fn run(bench: &mut Bench) -> Result<(), Finding> {
    super::an_honest_server(bench).await?;
    for bad in BAD {
        let says = Says { authorization_endpoint: bad, ..Says::TRUE };
        let what = format!("people are to sign in at {}", bad.escape_debug());
        let tried = bench.sign_in_at(&what, &says, false, false).await?;
        super::expect_turned_away(bench, &what, &tried, ADDRESS)?;
    }
    // What a shell would run and a web address may hold: one address, written anew.
    let says = Says { authorization_endpoint: "https://login.example/authorize?a=$(id)&b='c'", ..Says::TRUE };
    let tried = bench.sign_in_at("a web address with signs of a shell", &says, false, false).await?;
    let opened = super::opened(&tried);
    let is_one = opened == "https://login.example/authorize?a=$(id)&b=%27c%27&";
    bench.expect("what is opened", "one HTTPS address, quotes encoded", &opened, is_one)
}
