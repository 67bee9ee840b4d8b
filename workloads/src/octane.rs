//! The keys of Octane's splay benchmark, drawn as in Octane.

use std::collections::BTreeSet;

/// A drawn key, and the text that its payload repeats.
#[derive(Debug)]
pub(crate) struct Draw {
    /// The random number in [0, 1) that is the key, times 2^28.
    pub(crate) key: u32,
    /// `String for key 0.123... in leaf node`, eight bytes to a word.
    pub(crate) text: Vec<u64>,
}

impl Draw {
    /// The draw of this key.
    pub(crate) fn of(key: u32) -> Self {
        let number = f64::from(key) / f64::from(1 << 28);
        let text = format!("String for key {number} in leaf node");
        let word = |bytes: &[u8]| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        };
        Self { key, text: text.as_bytes().chunks(8).map(word).collect() }
    }
}

/// The generator that replaces `Math.random` in Octane: Robert Jenkins' 32-bit integer hash, fed
/// back. Keys have 28 bits.
struct OctaneRandom(u32);

impl OctaneRandom {
    const SEED: u32 = 49_734_321;

    fn next_key(&mut self) -> u32 {
        let mut s = self.0;
        s = s.wrapping_add(0x7ed5_5d16).wrapping_add(s << 12);
        s = s ^ 0xc761_c23c ^ (s >> 19);
        s = s.wrapping_add(0x1656_67b1).wrapping_add(s << 5);
        s = s.wrapping_add(0xd3a2_646c) ^ (s << 9);
        s = s.wrapping_add(0xfd70_46c5).wrapping_add(s << 3);
        s = s ^ 0xb55a_4f09 ^ (s >> 16);
        self.0 = s;
        s & 0x0fff_ffff
    }
}

/// The keys in the order in which the program draws them, and those left in the tree at the end. If
/// the tree already has a key, the next one is drawn; a set models the tree.
pub(crate) fn draw_keys(tree_size: u32, replacements: u32) -> (Vec<u32>, BTreeSet<u32>) {
    let mut random = OctaneRandom(OctaneRandom::SEED);
    let mut drawn = Vec::new();
    let mut live = BTreeSet::new();
    let mut insert = |live: &mut BTreeSet<u32>| loop {
        let key = random.next_key();
        drawn.push(key);
        if live.insert(key) {
            return key;
        }
    };
    for _ in 0..tree_size {
        insert(&mut live);
    }
    for _ in 0..replacements {
        let key = insert(&mut live);
        let predecessor = live.range(..key).next_back().copied();
        live.remove(&predecessor.unwrap_or(key));
    }
    (drawn, live)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Results of Octane's own program: draws, keys in the tree, their sum and exclusive or.
    fn check(tree_size: u32, replacements: u32, draws: usize, sum: u64, xor: u32) {
        let (drawn, live) = draw_keys(tree_size, replacements);
        assert_eq!((drawn.len(), live.len()), (draws, tree_size as usize));
        assert_eq!(live.iter().map(|&key| u64::from(key)).sum::<u64>(), sum);
        assert_eq!(live.iter().fold(0, |xor, key| xor ^ key), xor);
    }

    #[test]
    fn the_keys_are_those_of_the_published_run() {
        check(1000, 2000, 3000, 134_230_431_304, 121_807_340);
        check(1000, 8000, 9000, 135_823_118_422, 160_630_746);
        check(8000, 0, 8000, 1_070_375_954_236, 99_513_550);
        check(8000, 16_000, 24_001, 1_070_911_047_016, 114_733_312);
        check(8000, 112_000, 120_004, 1_074_091_822_555, 26_485_895);
        check(40_000, 176_000, 216_035, 5_349_959_351_876, 44_533_540);
    }

    #[test]
    fn a_text_is_the_key_as_a_decimal_fraction() {
        let text: Vec<u8> = Draw::of(1 << 26).text.iter().flat_map(|w| w.to_le_bytes()).collect();
        let expected = "String for key 0.25 in leaf node";
        assert_eq!(&text[..expected.len()], expected.as_bytes());
        assert!(text[expected.len()..].iter().all(|&byte| byte == 0));
    }
}
