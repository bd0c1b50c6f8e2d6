//! How short can a history be and still fail? Pieces are left out, large ones first, as long as it fails without them.

use super::Event;

/// A history that fails, and what was tried to make it shorter.
#[derive(Debug)]
pub struct Shrink {
    shortest: Vec<Event>,
    piece: usize,
    at: usize,
    tries: usize,
}

impl Shrink {
    /// Begins with a history that fails; so many tries at most.
    pub fn new(events: Vec<Event>, tries: usize) -> Self {
        Self { piece: events.len().div_ceil(2), shortest: events, at: 0, tries }
    }

    /// The next to be tried, and then told about; nothing when no piece is left to leave out.
    pub fn candidate(&mut self) -> Option<Vec<Event>> {
        if self.at >= self.shortest.len() {
            self.piece /= 2;
            self.at = 0;
        }
        if self.piece == 0 || self.shortest.is_empty() {
            return None;
        }
        self.tries = self.tries.checked_sub(1)?;
        let left_out = self.at..self.at + self.piece;
        Some(
            self.shortest
                .iter()
                .enumerate()
                .filter(|(at, _)| !left_out.contains(at))
                .map(|(_, event)| event.clone())
                .collect(),
        )
    }

    /// Whether the candidate fails, too: then it is the shortest so far.
    pub fn tell(&mut self, candidate: Vec<Event>, fails: bool) {
        if fails {
            self.shortest = candidate;
        } else {
            self.at += self.piece;
        }
    }

    /// The shortest that fails.
    pub fn shortest(self) -> Vec<Event> {
        self.shortest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let events: Vec<Event> = (0..24).map(Event::Passes).collect();
        let mut shrink = Shrink::new(events, 200);
        while let Some(candidate) = shrink.candidate() {
            let fails = [Event::Passes(5), Event::Passes(17)].iter().all(|needed| candidate.contains(needed));
            shrink.tell(candidate, fails);
        }
        assert_eq!(shrink.shortest(), [Event::Passes(5), Event::Passes(17)]);
    }
}
