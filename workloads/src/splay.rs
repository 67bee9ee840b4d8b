//! Splay (V8 benchmark suite 2009, Octane 2.0): a splay tree whose nodes are replaced one by one.
//!
//! Each key carries a payload tree of 2^depth leaves; a leaf has an array of ten small integers and a
//! string of its own. A step inserts a new key and removes its predecessor. Both splay, top down
//! (Sleator and Tarjan, "Self-adjusting binary search trees", 1985), so even a search rewrites the
//! search path.
//!
//! *Ownership*: every object has one owner. The tree is `Option<Box<Node>>`: a rotation exchanges the
//! contents of own slots and changes no count. The arrays' slots are of the shared kind because
//! they hold tagged integers, as in the original; no object is ever shared.
//!
//! *Keys* come from the suite's own generator with its own seed, so that the tree is the published
//! one ([`crate::octane`]); the seed of the suite file is not used. All splays share one dummy node;
//! the original allocates four or five of them beside each payload of 127 objects.
//!
//! *Separates*: a large old tree whose pointers are always rewritten, and payloads that die old in
//! batches of 127 objects: the generational hypothesis fails, and a dead key costs a cascade.

use crate::bounded::Bounded;
use crate::octane::{Draw, draw_keys};
use crate::parameters::Depth;
use crate::program::Program;
use heap::{Collector, Loaded, Mutator, OutOfMemory, Own, Probe, Ref, Root, Shared, Slot, Word};
use serde::Deserialize;
use std::cmp::Ordering;

heap::shape! {
    /// The owner of the tree.
    struct Tree { own ROOT; }
}
heap::shape! {
    /// A key and its payload.
    struct Node { own PAYLOAD, LEFT, RIGHT; word KEY; }
}
heap::shape! {
    /// Inner node of a payload.
    struct Pair { own LEFT, RIGHT; }
}
heap::shape! {
    /// Leaf of a payload.
    struct Leaf { own NUMBERS, TEXT; }
}

/// Integers in the array of a leaf.
const NUMBERS: u32 = 10;

/// Parameters in the suite file.
#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(deny_unknown_fields)]
pub struct SplayParameters {
    /// Keys in the tree. At most an eighth of all possible keys, so that few draws repeat one.
    pub tree_size: Bounded<1, { 1 << 25 }>,
    /// Keys replaced after the tree has been built.
    pub replacements: u32,
    /// Depth of a payload tree.
    pub payload_depth: Depth,
}

/// The prepared program.
#[derive(Debug)]
pub struct Splay {
    parameters: SplayParameters,
    /// The keys in drawing order, including those that the tree already has.
    draws: Vec<Draw>,
}

impl Program for Splay {
    type Parameters = SplayParameters;

    fn prepare(parameters: SplayParameters, _: u64) -> Self {
        let (keys, _) = draw_keys(parameters.tree_size.get(), parameters.replacements);
        Self { parameters, draws: keys.into_iter().map(Draw::of).collect() }
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        let SplayParameters { tree_size, replacements, payload_depth } = self.parameters;
        let mut draws = self.draws.iter();
        m.phase("build");
        let tree = SplayTree { tree: m.alloc::<Tree>()?, dummy: m.alloc::<Node>()? };
        for _ in 0..tree_size.get() {
            tree.insert_next(m, &mut draws, payload_depth.get())?;
        }
        m.phase("replace");
        for _ in 0..replacements {
            let key = tree.insert_next(m, &mut draws, payload_depth.get())?;
            let victim = tree.predecessor(m, key).unwrap_or(key);
            tree.remove(m, victim);
        }
        m.phase("check");
        Ok(answer(m, m.load(m.get(&tree.tree), Tree::ROOT), payload_depth.get()))
    }
}

/// The tree, and the dummy node on whose arms a splay assembles the parts.
struct SplayTree {
    tree: Root,
    dummy: Root,
}

impl SplayTree {
    /// Inserts the next drawn key that is not in the tree, with a payload of its own.
    fn insert_next<'d, C: Collector, P: Probe>(
        &self,
        m: &mut Mutator<C, P>,
        draws: &mut impl Iterator<Item = &'d Draw>,
        payload_depth: u32,
    ) -> Result<u32, OutOfMemory> {
        let draw = draws
            .find(|draw| !self.has(m, draw.key))
            .expect("all inserted keys were drawn beforehand");
        let payload = payload_tree(m, payload_depth, &draw.text)?;
        let node = m.build::<Node, 1>([payload])?;
        self.insert(m, node, draw.key);
        Ok(draw.key)
    }

    fn has<C: Collector, P: Probe>(&self, m: &Mutator<C, P>, key: u32) -> bool {
        self.splay(m, key).is_some_and(|root| key_of(m, root) == key)
    }

    fn insert<C: Collector, P: Probe>(&self, m: &Mutator<C, P>, node: Root, key: u32) {
        let (tree, new) = (m.get(&self.tree), m.get(&node));
        m.set_word(new, Node::KEY, key.into());
        if let Some(root) = self.splay(m, key) {
            let (near, far) = if key > key_of(m, root) {
                (Node::LEFT, Node::RIGHT)
            } else {
                (Node::RIGHT, Node::LEFT)
            };
            m.swap(root, far, new, far);
            m.swap(tree, Tree::ROOT, new, near);
        }
        m.put(tree, Tree::ROOT, node);
    }

    /// The greatest key less than `key`, which is in the tree.
    fn predecessor<C: Collector, P: Probe>(&self, m: &Mutator<C, P>, key: u32) -> Option<u32> {
        let root = self.splay(m, key)?;
        let mut greatest = m.load(root, Node::LEFT)?;
        while let Some(right) = m.load(greatest, Node::RIGHT) {
            greatest = right;
        }
        Some(key_of(m, greatest))
    }

    /// Removes a key that is in the tree, and frees its payload.
    fn remove<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>, key: u32) {
        self.splay(m, key);
        let tree = m.get(&self.tree);
        let removed = m.take(tree, Tree::ROOT).expect("the key to remove is in the tree");
        let old = m.get(&removed);
        m.swap(tree, Tree::ROOT, old, Node::LEFT);
        match self.splay(m, key) {
            // All keys on the left are less, so the new root's right arm is free.
            Some(root) => m.swap(root, Node::RIGHT, old, Node::RIGHT),
            None => m.swap(tree, Tree::ROOT, old, Node::RIGHT),
        }
        m.free(removed);
    }

    /// Moves the node with this key, or the last one on the search path, to the root and returns it.
    ///
    /// The tree's root slot holds the subtree still to be searched. The right and left arm of the dummy
    /// hold the nodes known to be less and greater; `less` and `greater` are the nodes there whose free
    /// arm takes the next part.
    fn splay<'m, C: Collector, P: Probe>(&self, m: &'m Mutator<C, P>, key: u32) -> Option<Ref<'m>> {
        let (tree, dummy) = (m.get(&self.tree), m.get(&self.dummy));
        let (mut less, mut greater) = (dummy, dummy);
        let mut current = m.load(tree, Tree::ROOT)?;
        loop {
            let here = key_of(m, current);
            let (near, far, part) = match key.cmp(&here) {
                Ordering::Less => (Node::LEFT, Node::RIGHT, &mut greater),
                Ordering::Greater => (Node::RIGHT, Node::LEFT, &mut less),
                Ordering::Equal => break,
            };
            let Some(mut next) = m.load(current, near) else { break };
            if key.cmp(&key_of(m, next)) == key.cmp(&here) {
                // Twice in the same direction: rotate.
                m.swap(current, near, next, far);
                m.swap(next, far, tree, Tree::ROOT);
                current = next;
                match m.load(current, near) {
                    Some(further) => next = further,
                    None => break,
                }
            }
            m.swap(tree, Tree::ROOT, *part, near);
            m.swap(tree, Tree::ROOT, current, near);
            *part = current;
            current = next;
        }
        m.swap(less, Node::RIGHT, current, Node::LEFT);
        m.swap(greater, Node::LEFT, current, Node::RIGHT);
        m.swap(current, Node::LEFT, dummy, Node::RIGHT);
        m.swap(current, Node::RIGHT, dummy, Node::LEFT);
        Some(current)
    }
}

#[inline(always)]
fn key_of<C: Collector, P: Probe>(m: &Mutator<C, P>, node: Ref<'_>) -> u32 {
    m.word(node, Node::KEY) as u32
}

/// A full binary tree of `depth` levels of pairs above its leaves.
fn payload_tree<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    depth: u32,
    text: &[u64],
) -> Result<Root, OutOfMemory> {
    if depth == 0 {
        let numbers = numbers(m)?;
        let text = string(m, text)?;
        return m.build::<Leaf, 2>([numbers, text]);
    }
    let left = payload_tree(m, depth - 1, text)?;
    let right = payload_tree(m, depth - 1, text)?;
    m.build::<Pair, 2>([left, right])
}

#[inline]
fn numbers<C: Collector, P: Probe>(m: &mut Mutator<C, P>) -> Result<Root, OutOfMemory> {
    let root = m.alloc_array(Shared, NUMBERS, 0)?;
    let array = m.get(&root);
    for index in 0..NUMBERS {
        m.store_int(array, Slot::<Shared>::element(index), index as i32);
    }
    Ok(root)
}

#[inline]
fn string<C: Collector, P: Probe>(
    m: &mut Mutator<C, P>,
    text: &[u64],
) -> Result<Root, OutOfMemory> {
    let root = m.alloc_array(Own, 0, text.len() as u32)?;
    let string = m.get(&root);
    for (index, &word) in (0..).zip(text) {
        m.set_word(string, Word::element(0, index), word);
    }
    Ok(root)
}

/// Number of keys, depth of the tree, sum and exclusive or of the keys, as the published run ends; or
/// the first defect of the tree.
fn answer<C: Collector, P: Probe>(
    m: &Mutator<C, P>,
    root: Option<Ref<'_>>,
    payload_depth: u32,
) -> String {
    let (mut count, mut deepest, mut sum, mut xor) = (0_u64, 0, 0_u64, 0);
    let mut last = None;
    let mut pending = Vec::new();
    let mut next = root.map(|root| (root, 1));
    loop {
        while let Some((node, depth)) = next {
            pending.push((node, depth));
            next = m.load(node, Node::LEFT).map(|left| (left, depth + 1));
        }
        let Some((node, depth)) = pending.pop() else { break };
        let key = key_of(m, node);
        if last.replace(key).is_some_and(|last| last >= key) {
            return format!("key {key} is out of order");
        }
        if !has_payload(m, node, payload_depth) {
            return format!("the payload of key {key} has changed");
        }
        (count, deepest, sum, xor) =
            (count + 1, deepest.max(depth), sum + u64::from(key), xor ^ key);
        next = m.load(node, Node::RIGHT).map(|right| (right, depth + 1));
    }
    format!("{count}/{deepest}/{sum}/{xor}")
}

/// Whether the leftmost leaf of a node's payload has its numbers and its text.
fn has_payload<C: Collector, P: Probe>(
    m: &Mutator<C, P>,
    node: Ref<'_>,
    payload_depth: u32,
) -> bool {
    let pair = m.load(node, Node::PAYLOAD);
    let leaf = (0..payload_depth).fold(pair, |pair, _| m.load(pair?, Pair::LEFT));
    let Some(leaf) = leaf else { return false };
    let (Some(numbers), Some(text)) = (m.load(leaf, Leaf::NUMBERS), m.load(leaf, Leaf::TEXT))
    else {
        return false;
    };
    let number = |i| m.load_value(numbers, Slot::<Shared>::element(i)) == Loaded::Int(i as i32);
    let expected = Draw::of(key_of(m, node)).text;
    let word = |(i, &expected): (usize, &u64)| m.word(text, Word::element(0, i as u32)) == expected;
    (0..NUMBERS).all(number) && expected.iter().enumerate().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, literals};
    use std::collections::BTreeMap;

    /// Final depth of the tree in Octane's own program, by tree size and replacements. The rest of the
    /// answer follows from the keys.
    const PUBLISHED_DEPTHS: [(u32, u32, u32); 3] =
        [(1000, 2000, 31), (8000, 112_000, 59), (40_000, 176_000, 80)];

    fn key_bytes(draw: &Draw, payload_depth: u32) -> u64 {
        let (node, pair, leaf, numbers) = (8 + 16 + 8, 8 + 8, 8 + 8, 16 + 40);
        let text = 16 + 8 * draw.text.len() as u64;
        let leaves = 1 << payload_depth;
        node + (leaves - 1) * pair + leaves * (leaf + numbers + text)
    }

    fn expected(parameters: SplayParameters) -> (String, Census) {
        let SplayParameters { tree_size, replacements, payload_depth } = parameters;
        let (drawn, left) = draw_keys(tree_size.get(), replacements);
        let is_it = |row: &&(u32, u32, u32)| (row.0, row.1) == (tree_size.get(), replacements);
        let depth = PUBLISHED_DEPTHS.iter().find(is_it).expect("a published size").2;
        let sum: u64 = left.iter().map(|&key| u64::from(key)).sum();
        let xor = left.iter().fold(0, |xor, key| xor ^ key);
        let answer = format!("{}/{depth}/{sum}/{xor}", left.len());

        let tree_bytes = 16 + 32;
        let mut live = BTreeMap::new();
        let (mut allocated_bytes, mut live_bytes, mut peak_live_bytes) =
            (tree_bytes, tree_bytes, 0);
        for key in drawn {
            let bytes = key_bytes(&Draw::of(key), payload_depth.get());
            if live.insert(key, bytes).is_some() {
                continue;
            }
            allocated_bytes += bytes;
            live_bytes += bytes;
            peak_live_bytes = peak_live_bytes.max(live_bytes);
            if live.len() > tree_size.as_usize() {
                let predecessor = live.range(..key).next_back().map_or(key, |(&key, _)| key);
                live_bytes -= live.remove(&predecessor).unwrap();
            }
        }
        let leaves = 1_u64 << payload_depth.get();
        let objects = 2 + u64::from(tree_size.get() + replacements) * (1 + leaves - 1 + 3 * leaves);
        (answer, Census { objects, allocated_bytes, peak_live_bytes })
    }

    #[test]
    fn the_suite_holds_the_results_of_octane() {
        literals::check("splay", |parameters, _| expected(parameters));
    }
}
