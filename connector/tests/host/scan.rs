//! Is a secret, or a piece of one, in a folder: as it is or in any of the spellings in which it might have been written?

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// So much of a spelling counts as the secret.
const PIECE: usize = 16;

/// Files in which a piece of a secret stands.
pub(crate) fn found_in(dir: &Path, secrets: &BTreeSet<String>) -> Vec<String> {
    let mut needles = BTreeSet::new();
    for secret in secrets {
        for form in forms(secret.as_bytes()) {
            // From the start, from the middle, from the end: a part is as bad as the whole.
            for at in [0, (form.len() - PIECE) / 2, form.len() - PIECE] {
                needles.insert(<[u8; PIECE]>::try_from(&form[at..at + PIECE]).unwrap());
            }
        }
    }
    files(dir)
        .into_iter()
        .filter_map(|path| {
            let bytes = fs::read(&path).unwrap();
            let hit = bytes.windows(PIECE).find(|window| needles.contains(*window))?;
            Some(format!("{}: {}", path.display(), String::from_utf8_lossy(hit)))
        })
        .collect()
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Plain, reversed, base64 and base64url (each at its three alignments), hexadecimal in either case, UTF-16 in either order,
/// percent-encoded, JSON escapes, base32.
pub(crate) fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![secret.to_vec(), secret.iter().rev().copied().collect()];
    for skipped in 0..3 {
        let whole = &secret[skipped..];
        let whole = &whole[..whole.len() / 3 * 3];
        forms.push(STANDARD_NO_PAD.encode(whole).into_bytes());
        forms.push(URL_SAFE_NO_PAD.encode(whole).into_bytes());
    }
    let spelt = |spell: &dyn Fn(&u8) -> String| secret.iter().map(spell).collect::<String>().into_bytes();
    forms.push(spelt(&|byte| format!("{byte:02x}")));
    forms.push(spelt(&|byte| format!("{byte:02X}")));
    forms.push(spelt(&|byte| format!("%{byte:02X}")));
    forms.push(spelt(&|byte| format!("\\u{byte:04x}")));
    forms.push(secret.iter().flat_map(|byte| [*byte, 0]).collect());
    forms.push(secret.iter().flat_map(|byte| [0, *byte]).collect());
    forms.push(base32(secret));
    forms
}

/// RFC 4648, without padding.
fn base32(bytes: &[u8]) -> Vec<u8> {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let letters = bits.chunks_exact(5).map(|five| five.iter().fold(0, |value, bit| value << 1 | bit));
    letters.map(|value| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(value)]).collect()
}
