//! `broken --matrix`: every broken connector against every check. A check is sharp when one fault fells it that few others notice: otherwise
//! nobody knows what it adds, or whether it can fail at all.

use crate::broken::Broken;
use crate::check::{Check, Verdict};
use crate::run::Runner;
use crate::suites;

/// The most checks that may notice a fault before it says nothing of any one of them.
pub(super) const FEW: usize = 4;

/// Checks that only broad faults fell, and why that is enough. An entry that is no longer needed is told, too.
const EXCUSED: &[(&str, &str)] = &[];

/// What every check said of every broken connector.
#[derive(Debug)]
pub(super) struct Matrix {
    checks: Vec<&'static Check>,
    rows: Vec<(&'static Broken, Vec<Verdict>)>,
}

/// What is wrong with a check, by the faults that it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blunt {
    /// No fault fells it.
    Never,
    /// The fault that the fewest notice is noticed by so many checks.
    Broad {
        /// Its row.
        row: usize,
        /// The checks that it fells.
        felled: usize,
    },
}

impl Matrix {
    /// Asks. Each row is told as soon as it is there.
    pub(super) async fn of(
        runner: &Runner,
        chosen: &[&'static Broken],
        mut told: impl FnMut(&Broken, &[Verdict]),
    ) -> Self {
        let checks: Vec<_> = suites::all().collect();
        let mut rows = Vec::new();
        for &broken in chosen {
            let pairs: Vec<_> = checks.iter().map(|&check| (check, Some(broken))).collect();
            let row: Vec<_> = runner.embedded(&pairs).await.iter().map(|outcome| outcome.verdict).collect();
            told(broken, &row);
            rows.push((broken, row));
        }
        Self { checks, rows }
    }

    /// What it shows of the checks, one line each, and whether every one is sharp or excused.
    pub(super) fn judged(&self) -> (Vec<String>, bool) {
        let rows: Vec<_> = self.rows.iter().map(|(_, row)| row.clone()).collect();
        let (mut lines, mut held) = (Vec::new(), true);
        for (check, blunt) in self.checks.iter().zip(blunt(&rows, self.checks.len())) {
            let excuse = EXCUSED.iter().find(|(id, _)| *id == check.id).map(|(_, why)| *why);
            let line = match (blunt, excuse) {
                (None, None) => continue,
                (None, Some(_)) => "is sharp: its excuse is not needed any more".to_owned(),
                (Some(Blunt::Never), _) => "NO FAULT FELLS IT".to_owned(),
                (Some(Blunt::Broad { row, felled }), excuse) => {
                    let name = self.rows.get(row).map_or("", |(broken, _)| broken.name);
                    let broad = format!("{felled} checks fall to {name}, and no fault that fells it fells fewer");
                    excuse.map_or_else(|| broad.clone(), |why| format!("{broad}; excused: {why}"))
                }
            };
            held &= matches!((blunt, excuse), (Some(Blunt::Broad { .. }), Some(_)));
            lines.push(format!("{}: {line}", check.id));
        }
        (lines, held)
    }

    /// How many checks there are, and how many of them each one fault shows that at most three others notice.
    pub(super) fn sharp(&self) -> (usize, usize) {
        let rows: Vec<_> = self.rows.iter().map(|(_, row)| row.clone()).collect();
        let sharp = blunt(&rows, self.checks.len()).into_iter().filter(Option::is_none).count();
        (self.checks.len(), sharp)
    }
}

/// What is wrong with each column; nothing where a row fells it that fells few.
fn blunt(rows: &[Vec<Verdict>], columns: usize) -> Vec<Option<Blunt>> {
    let felled = |row: &Vec<Verdict>| row.iter().filter(|verdict| **verdict == Verdict::Fail).count();
    let finest = |column: usize| {
        let fells = |row: &Vec<Verdict>| row.get(column) == Some(&Verdict::Fail);
        let felling = rows.iter().enumerate().filter(|(_, row)| fells(row));
        felling.map(|(at, row)| (felled(row), at)).min()
    };
    let judged = |column| match finest(column) {
        None => Some(Blunt::Never),
        Some((felled, row)) => (felled > FEW).then_some(Blunt::Broad { row, felled }),
    };
    (0..columns).map(judged).collect()
}

/// One letter for a verdict.
pub(super) fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => '.',
        Verdict::NotApplicable => '-',
        Verdict::Inconclusive => 'i',
        Verdict::Fail => 'F',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(letters: &[&str]) -> Vec<Vec<Verdict>> {
        let all = [Verdict::Pass, Verdict::NotApplicable, Verdict::Inconclusive, Verdict::Fail];
        let verdict = |wanted| all.into_iter().find(|verdict| letter(*verdict) == wanted).expect("a verdict");
        letters.iter().map(|row| row.chars().map(verdict).collect()).collect()
    }

    #[test]
    fn a_check_is_sharp_when_one_fault_fells_it_that_at_most_three_others_notice() {
        let broad = Blunt::Broad { row: 0, felled: 5 };
        for (letters, expected) in [
            (&["FFFFF."][..], [Some(broad), Some(broad), Some(broad), Some(broad), Some(broad), Some(Blunt::Never)]),
            (&["FFFFF.", "FFFF.."], [None, None, None, None, Some(broad), Some(Blunt::Never)]),
            // What shows nothing is no catch.
            (
                &["FFFFF.", "....ii"],
                [Some(broad), Some(broad), Some(broad), Some(broad), Some(broad), Some(Blunt::Never)],
            ),
            (&["FFFFF.", "FF....", "..FF..", "....FF"], [None; 6]),
        ] {
            assert_eq!(blunt(&rows(letters), 6), expected, "{letters:?}");
        }
    }

    #[test]
    fn an_excuse_names_a_check() {
        for (id, why) in EXCUSED {
            assert!(suites::find(id).is_some(), "{id}");
            assert!(!why.is_empty(), "{id}");
        }
    }
}
