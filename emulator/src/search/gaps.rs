//! What an index silently does not have: whole libraries, and the content of some types of file.

/// Gaps of the index over files. The real one has them too, and says nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Beginnings of library URLs of which nothing is found.
    pub blind_libraries: Vec<String>,
    /// Extensions, without the dot, of files that are found by name alone, beside those that are never read (`md`).
    pub unindexed_types: Vec<String>,
}

impl Gaps {
    /// Whether nothing of a library is found.
    pub fn misses_library(&self, url: &str) -> bool {
        self.blind_libraries.iter().any(|blind| url.starts_with(blind.as_str()))
    }

    /// Whether a file is found by its name alone.
    pub fn misses_type(&self, name: &str) -> bool {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        self.unindexed_types.iter().any(|known| known.eq_ignore_ascii_case(extension))
    }
}
