//! The scenario files that come with the harness, and files of one's own, as checks.

use std::path::Path;
use std::sync::OnceLock;

use fixtures::Plan;
use include_dir::{Dir, include_dir};

use super::Scenario;
use super::load::{self, ScenarioError};
use crate::broken::{self, Broken};
use crate::check::{Attack, Check, Run, Setup};

/// `conformance/scenarios`: one folder for each suite, one file for each scenario.
static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// Every scenario that is shipped, in the order of their files. A test keeps all of them valid: one that is not ends the program, for a check
/// that is left out in silence is none.
pub fn all() -> &'static [&'static Check] {
    static ALL: OnceLock<Vec<&'static Check>> = OnceLock::new();
    let valid = |read: Result<_, Vec<ScenarioError>>| {
        read.unwrap_or_else(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            panic!("a shipped scenario is wrong: {}", errors.join("; "))
        })
    };
    ALL.get_or_init(|| read_all().into_iter().map(valid).collect())
}

/// Every shipped file, read: what is wrong with it, if anything is.
pub fn read_all() -> Vec<Result<&'static Check, Vec<ScenarioError>>> {
    let plan = Plan::embedded().unwrap_or_else(|error| panic!("the fixtures are wrong: {error}"));
    let mut files: Vec<_> = FILES.dirs().flat_map(Dir::files).collect();
    files.sort_by_key(|file| file.path());
    let files = files.into_iter().filter(|file| file.path().extension().is_some_and(|kind| kind == "yaml"));
    let read = |file: &include_dir::File<'_>| {
        let name = format!("conformance/scenarios/{}", file.path().display());
        check(&name, file.contents_utf8().unwrap_or_default(), &plan)
    };
    files.map(read).collect()
}

/// The text of the file that declares a check, if a file does.
pub fn text(check: &Check) -> Option<Vec<u8>> {
    match (check.run, check.source.strip_prefix("conformance/scenarios/")) {
        (Run::Code(_), _) => None,
        (Run::File(_), Some(name)) => FILES.get_file(name).map(|file| file.contents().to_vec()),
        (Run::File(_), None) => std::fs::read(check.source).ok(),
    }
}

/// A file of one's own.
pub fn read(path: &Path, plan: &Plan) -> Result<&'static Check, Vec<ScenarioError>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let (what, remedy) = (error.to_string(), "is the path right?".to_owned());
        vec![ScenarioError { file: name.clone(), line: 0, step: None, what, remedy }]
    })?;
    check(&name, &text, plan)
}

/// The check that a file declares. It is kept as long as the program runs: there are as many as files.
fn check(file: &str, text: &str, plan: &Plan) -> Result<&'static Check, Vec<ScenarioError>> {
    let scenario: &'static Scenario = Box::leak(Box::new(load::parse(file, text, plan)?));
    let listed =
        |names: &'static [String]| -> &'static [&'static str] { Vec::leak(names.iter().map(String::as_str).collect()) };
    let setup = scenario.setup.as_ref().map_or(Setup::SHIPPED, |setup| Setup {
        admitted: listed(&setup.admitted),
        disabled_tools: listed(&setup.disabled_tools),
        world: setup.world,
        host: false,
    });
    let attack = scenario.attack.as_ref().map(|attack| Attack {
        by: &attack.by,
        knows: &attack.knows,
        stopped_by: &attack.stopped_by,
    });
    let broken: Vec<&'static Broken> = scenario.broken.iter().filter_map(|name| broken::find(name)).collect();
    Ok(Box::leak(Box::new(Check {
        id: &scenario.id,
        title: &scenario.title,
        requirements: listed(&scenario.requirements),
        profile: scenario.profile,
        severity: scenario.severity,
        needs: Vec::leak(super::needs::of(scenario)),
        setup,
        attack,
        broken: Vec::leak(broken),
        source: String::leak(file.to_owned()),
        run: Run::File(scenario),
    })))
}
