//! A cache of rendered pages that evicts the least recently used one.
//!
//! A request allocates its parsed key and a buffer for the response. On a hit the response is copied
//! from the cached body, and both objects die with the request. On a miss key and response move into
//! a new entry, and the entry that was not used for longest is evicted if the cache is full.
//!
//! *Ownership* is that of Rust's `lru` crate: the map owns the entries (a bucket array and chains of
//! own slots), and the list from newest to oldest is made of borrows. An entry is unlinked before it
//! is freed. Where borrows count ("Rc everywhere"), neighbours in the list hold each other: evicting
//! breaks that, dropping the cache as a whole does not.
//!
//! *Input*: pages by Zipf-like popularity ([`crate::zipf`]), as independent requests. The bytes of a
//! response are drawn once per page from the object sizes of the benchmark `spring` in DaCapo Chopin
//! (Blackburn et al. 2025): mostly 24 to 64 bytes, one in thirty up to a kilobyte.
//!
//! *Separates*: objects that die at once beside entries that die oldest first after a long life, and
//! a borrow list that is relinked by every hit.

use crate::bounded::Bounded;
use crate::program::Program;
use crate::random::{below, stream};
use crate::zipf::Zipf;
use heap::{Collector, Mutator, OutOfMemory, Own, Probe, Ref, Root, Slot, Word};
use rand::Rng;
use serde::Deserialize;

heap::shape! {
    /// The cache: its map, and the ends of its list.
    struct Cache { own BUCKETS; borrow NEWEST, OLDEST; }
}
heap::shape! {
    /// An entry of the map, linked into a chain and into the list.
    struct Entry { own KEY, BODY, CHAIN; borrow NEWER, OLDER; }
}
heap::shape! {
    /// A parsed key.
    struct Key { word PAGE; }
}

/// Objects by size in `spring`: from and to, in bytes with the header, and their share in 1/1000.
const RESPONSE_BYTES: [(u32, u32, u32); 8] = [
    (16, 16, 10),
    (24, 24, 364),
    (32, 32, 234),
    (40, 48, 47),
    (56, 64, 142),
    (72, 128, 45),
    (136, 256, 125),
    (264, 1024, 33),
];

/// What the suite file gives.
#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(deny_unknown_fields)]
pub struct LruCacheParameters {
    /// Pages that may be asked for.
    pub pages: Bounded<1, { 1 << 24 }>,
    /// Entries that the cache holds at most.
    pub capacity: Bounded<1, { 1 << 24 }>,
    /// Requests.
    pub requests: u32,
}

/// The program, prepared.
#[derive(Debug)]
pub struct LruCache {
    capacity: u32,
    /// The page that each request asks for.
    trace: Vec<u32>,
    /// Payload words of each page's response.
    response_words: Vec<u8>,
}

impl Program for LruCache {
    type Parameters = LruCacheParameters;

    fn prepare(parameters: LruCacheParameters, seed: u64) -> Self {
        let LruCacheParameters { pages, capacity, requests } = parameters;
        let zipf = Zipf::new(pages.get());
        let (mut popularity, mut sizes) = (stream(seed, 0), stream(seed, 1));
        Self {
            capacity: capacity.get(),
            trace: (0..requests).map(|_| zipf.draw(&mut popularity)).collect(),
            response_words: (0..pages.get()).map(|_| draw_response_words(&mut sizes)).collect(),
        }
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        m.phase("fill");
        let cache = LruMap::new(m, self.capacity)?;
        let (mut hits, mut entries, mut evictions, mut sent) = (0_u64, 0, 0_u64, 0);
        for &page in &self.trace {
            let key = m.alloc::<Key>()?;
            m.set_word(m.get(&key), Key::PAGE, page.into());
            let words = u32::from(self.response_words[page as usize]);
            let response = m.alloc_array(Own, 0, words)?;
            if let Some(entry) = cache.find(m, page) {
                hits += 1;
                cache.refresh(m, entry);
                let body = m.load(entry, Entry::BODY).expect("an entry has a body");
                copy_words(m, body, m.get(&response), words);
                sent = send(m, m.get(&response), words, sent);
                m.free(response);
                m.free(key);
                continue;
            }
            if entries == self.capacity {
                if evictions == 0 {
                    m.phase("steady");
                }
                evictions += 1;
                let oldest = cache.remove_oldest(m);
                m.free(oldest);
            } else {
                entries += 1;
            }
            render(m, m.get(&response), page, words);
            sent = send(m, m.get(&response), words, sent);
            let entry = m.build::<Entry, 2>([key, response])?;
            cache.insert(m, entry, page);
        }
        Ok(answer(hits, evictions, sent))
    }
}

fn answer(hits: u64, evictions: u64, sent: u64) -> String {
    format!("{hits} hits, {evictions} evictions, {sent:016x} sent")
}

fn draw_response_words(random: &mut impl Rng) -> u8 {
    let mut point = below(random, 1000);
    let mut bins = RESPONSE_BYTES.iter();
    loop {
        let &(from, to, share) = bins.next().expect("the shares make up 1000");
        if point < share {
            let bytes = from + 8 * below(random, (to - from) / 8 + 1);
            return ((bytes - heap::EXTENDED_HEADER_BYTES) / 8) as u8;
        }
        point -= share;
    }
}

/// Word number `index` of what the page's origin answers.
fn origin(page: u32, index: u32) -> u64 {
    u64::from(page + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(index)
}

#[inline]
fn render<C: Collector, P: Probe>(m: &Mutator<C, P>, response: Ref<'_>, page: u32, words: u32) {
    for index in 0..words {
        m.set_word(response, Word::element(0, index), origin(page, index));
    }
}

#[inline]
fn copy_words<C: Collector, P: Probe>(m: &Mutator<C, P>, from: Ref<'_>, to: Ref<'_>, words: u32) {
    for index in 0..words {
        m.set_word(to, Word::element(0, index), m.word(from, Word::element(0, index)));
    }
}

/// Reads the response as a socket would; `sent` sums up all words ever sent.
#[inline]
fn send<C: Collector, P: Probe>(
    m: &Mutator<C, P>,
    response: Ref<'_>,
    words: u32,
    sent: u64,
) -> u64 {
    let word = |index| m.word(response, Word::element(0, index));
    (0..words).map(word).fold(sent, u64::wrapping_add)
}

/// The cache: a hash map with chains whose entries also form a list by age.
struct LruMap {
    cache: Root,
    hash_bits: u32,
}

/// An own slot of some object: where an entry is owned.
type Place<'m> = (Ref<'m>, Slot<Own>);

impl LruMap {
    fn new<C: Collector, P: Probe>(
        m: &mut Mutator<C, P>,
        capacity: u32,
    ) -> Result<Self, OutOfMemory> {
        let hash_bits = capacity.next_power_of_two().ilog2();
        let buckets = m.alloc_array(Own, 1 << hash_bits, 0)?;
        Ok(Self { cache: m.build::<Cache, 1>([buckets])?, hash_bits })
    }

    #[inline]
    fn bucket<'m, C: Collector, P: Probe>(&self, m: &'m Mutator<C, P>, page: u32) -> Place<'m> {
        let hash = u64::from(page).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let index = hash.checked_shr(64 - self.hash_bits).unwrap_or(0) as u32;
        let buckets = m.load(m.get(&self.cache), Cache::BUCKETS).expect("a cache has buckets");
        (buckets, Slot::element(index))
    }

    #[inline]
    fn find<'m, C: Collector, P: Probe>(
        &self,
        m: &'m Mutator<C, P>,
        page: u32,
    ) -> Option<Ref<'m>> {
        let (buckets, bucket) = self.bucket(m, page);
        let mut entry = m.load(buckets, bucket)?;
        while page_of(m, entry) != page {
            entry = m.load(entry, Entry::CHAIN)?;
        }
        Some(entry)
    }

    fn insert<C: Collector, P: Probe>(&self, m: &Mutator<C, P>, entry: Root, page: u32) {
        let new = m.get(&entry);
        let (buckets, bucket) = self.bucket(m, page);
        m.swap(buckets, bucket, new, Entry::CHAIN);
        m.put(buckets, bucket, entry);
        self.link_newest(m, new);
    }

    /// Takes the entry that was not used for longest out of the list and the map.
    fn remove_oldest<C: Collector, P: Probe>(&self, m: &Mutator<C, P>) -> Root {
        let oldest = m.upgrade(m.get(&self.cache), Cache::OLDEST).expect("the cache is full");
        self.unlink(m, oldest);
        let (mut owner, mut slot) = self.bucket(m, page_of(m, oldest));
        loop {
            let entry = m.load(owner, slot).expect("a listed entry is in its bucket");
            if entry == oldest {
                break;
            }
            (owner, slot) = (entry, Entry::CHAIN);
        }
        let removed = m.take(owner, slot).expect("it was found there");
        m.swap(owner, slot, oldest, Entry::CHAIN);
        removed
    }

    /// Makes an entry the newest.
    #[inline]
    fn refresh<C: Collector, P: Probe>(&self, m: &Mutator<C, P>, entry: Ref<'_>) {
        if m.upgrade(m.get(&self.cache), Cache::NEWEST) != Some(entry) {
            self.unlink(m, entry);
            self.link_newest(m, entry);
        }
    }

    #[inline]
    fn unlink<C: Collector, P: Probe>(&self, m: &Mutator<C, P>, entry: Ref<'_>) {
        let cache = m.get(&self.cache);
        let (newer, older) = (m.upgrade(entry, Entry::NEWER), m.upgrade(entry, Entry::OLDER));
        match newer {
            Some(newer) => m.store(newer, Entry::OLDER, older),
            None => m.store(cache, Cache::NEWEST, older),
        }
        match older {
            Some(older) => m.store(older, Entry::NEWER, newer),
            None => m.store(cache, Cache::OLDEST, newer),
        }
    }

    #[inline]
    fn link_newest<C: Collector, P: Probe>(&self, m: &Mutator<C, P>, entry: Ref<'_>) {
        let cache = m.get(&self.cache);
        let newest = m.upgrade(cache, Cache::NEWEST);
        m.store(entry, Entry::NEWER, None);
        m.store(entry, Entry::OLDER, newest);
        match newest {
            Some(newest) => m.store(newest, Entry::NEWER, entry),
            None => m.store(cache, Cache::OLDEST, entry),
        }
        m.store(cache, Cache::NEWEST, entry);
    }
}

#[inline(always)]
fn page_of<C: Collector, P: Probe>(m: &Mutator<C, P>, entry: Ref<'_>) -> u32 {
    let key = m.load(entry, Entry::KEY).expect("an entry has a key");
    m.word(key, Key::PAGE) as u32
}

