//! `quickXorHash`, as Microsoft describes it: <https://learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Every byte is xored into a ring of 160 bits, eleven bits further than the one before; at last the length is.
pub fn quick_xor(bytes: &[u8]) -> String {
    let mut ring = [0_u8; 20];
    let mut xor = |at: usize, byte: u8| {
        if let Some(cell) = ring.get_mut(at % 20) {
            *cell ^= byte;
        }
    };
    let mut bit = 0_usize;
    for byte in bytes {
        let wide = u16::from(*byte) << (bit % 8);
        let [low, high] = wide.to_le_bytes();
        xor(bit / 8, low);
        xor(bit / 8 + 1, high);
        bit = (bit + 11) % 160;
    }
    for (at, byte) in (bytes.len() as u64).to_le_bytes().into_iter().enumerate() {
        xor(12 + at, byte);
    }
    STANDARD.encode(ring)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The empty file and one byte, by hand: the byte stands first, its length in the last eight.
    #[test]
    fn short_ones() {
        assert_eq!(quick_xor(b""), STANDARD.encode([0; 20]));
        let mut one = [0_u8; 20];
        one[0] = b'a';
        one[12] = 1;
        assert_eq!(quick_xor(b"a"), STANDARD.encode(one));
    }

    /// The second byte is eleven bits further; the fifteenth wraps over the end of the ring.
    #[test]
    fn bits_move_on_and_around() {
        let mut two = [0_u8; 20];
        two[1] = 0xff << 3;
        two[2] = 0xff >> 5;
        two[12] = 2;
        assert_eq!(quick_xor(&[0, 0xff]), STANDARD.encode(two));
        let mut wraps = [0_u8; 20];
        wraps[19] = 0xff << 2;
        wraps[0] = 0xff >> 6;
        wraps[12] = 15;
        let mut bytes = [0_u8; 15];
        bytes[14] = 0xff;
        assert_eq!(quick_xor(&bytes), STANDARD.encode(wraps));
    }
}
