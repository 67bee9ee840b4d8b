//! A cache of rendered pages that evicts the least recently used one.
//!
//! A request allocates its parsed key and a buffer for the response. On a hit the response is copied
//! from the cached body, and both objects die with the request. On a miss key and response move into
//! a new entry, and the least recently used entry is evicted if the cache is full.
//!
//! *Ownership* is that of Rust's `lru` crate: the map owns the entries (a bucket array and chains of
//! own slots), and the list from newest to oldest is made of borrows. An entry is unlinked before it
//! is freed. Where borrows count ("Rc everywhere"), neighbours in the list hold each other: eviction
//! breaks these cycles, a drop of the whole cache does not.
//!
//! *Input*: independent requests of Zipf-like popularity ([`crate::zipf`]). The bytes of a response
//! are drawn once per page from the object sizes of the benchmark `spring` in DaCapo Chopin
//! (Blackburn et al. 2025): mostly 24 to 64 bytes, one in thirty up to a kilobyte.
//!
//! *Separates*: objects that die at once from entries that die oldest first after a long life; every
//! hit relinks a list of borrows.

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

/// Parameters in the suite file.
#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(deny_unknown_fields)]
pub struct LruCacheParameters {
    /// Pages that may be requested.
    pub pages: Bounded<1, { 1 << 24 }>,
    /// Maximum entries in the cache.
    pub capacity: Bounded<1, { 1 << 24 }>,
    /// Requests.
    pub requests: u32,
}

/// The prepared program.
#[derive(Debug)]
pub struct LruCache {
    capacity: u32,
    /// The page of each request.
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

/// Word number `index` of the response of the page's origin.
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

/// Reads the response as a socket would; `sent` is the sum of all words sent so far.
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

/// The own slot that owns an entry.
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
    fn find<'m, C: Collector, P: Probe>(&self, m: &'m Mutator<C, P>, page: u32) -> Option<Ref<'m>> {
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

    /// Takes the least recently used entry out of the list and the map.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, literals};

    /// Results of a cache without a heap on the trace.
    struct Model {
        hits: u64,
        /// Hits in the second half of the trace, when the cache is full.
        late_hits: u64,
        evictions: u64,
        sent: u64,
        census: Census,
    }

    /// A page is cached while its latest request is not older than `oldest`. The evicted page is the
    /// first in the trace, from the last eviction on, that was not requested again: no list is kept.
    fn model(program: &LruCache) -> Model {
        const NEVER: usize = usize::MAX;
        let mut latest = vec![NEVER; program.response_words.len()];
        let (mut cached, mut oldest) = (0, 0);
        let bytes_of = |page: u32| {
            let words = program.response_words[page as usize];
            (16_u64, 16 + 8 * u64::from(words), 32_u64)
        };
        let sum = |(page, &words): (u32, &u8)| {
            (0..words.into()).map(|i| origin(page, i)).fold(0, u64::wrapping_add)
        };
        let sums: Vec<u64> = (0..).zip(&program.response_words).map(sum).collect();
        let buckets = program.capacity.next_power_of_two().next_multiple_of(2);
        let mut live_bytes = 24 + 16 + 4 * u64::from(buckets);
        let census =
            Census { objects: 2, allocated_bytes: live_bytes, peak_live_bytes: live_bytes };
        let mut model = Model { hits: 0, late_hits: 0, evictions: 0, sent: 0, census };
        let census = &mut model.census;
        for (now, &page) in program.trace.iter().enumerate() {
            let (key, response, entry) = bytes_of(page);
            census.objects += 2;
            census.allocated_bytes += key + response;
            census.peak_live_bytes = census.peak_live_bytes.max(live_bytes + key + response);
            model.sent = model.sent.wrapping_add(sums[page as usize]);
            if latest[page as usize] != NEVER {
                model.hits += 1;
                model.late_hits += u64::from(now >= program.trace.len() / 2);
            } else {
                if cached == program.capacity {
                    while latest[program.trace[oldest] as usize] != oldest {
                        oldest += 1;
                    }
                    let (key, response, entry) = bytes_of(program.trace[oldest]);
                    live_bytes -= key + response + entry;
                    latest[program.trace[oldest] as usize] = NEVER;
                    model.evictions += 1;
                } else {
                    cached += 1;
                }
                live_bytes += key + response + entry;
                census.objects += 1;
                census.allocated_bytes += entry;
                census.peak_live_bytes = census.peak_live_bytes.max(live_bytes);
            }
            latest[page as usize] = now;
        }
        model
    }

    #[test]
    fn the_suite_holds_the_results_of_the_model() {
        literals::check("lru-cache", |parameters, seed| {
            let model = model(&LruCache::prepare(parameters, seed));
            (answer(model.hits, model.evictions, model.sent), model.census)
        });
    }

    /// Che, Tung and Wang (2002): a page stays for a characteristic time T that is nearly the same
    /// for all pages, so that `sum of 1 - exp(-p T)` is the capacity. A request for a page then
    /// hits with probability `1 - exp(-p T)`.
    fn che_hit_ratio(probabilities: &[f64], capacity: f64) -> f64 {
        let cached =
            |time: f64| -> f64 { probabilities.iter().map(|p| -(-p * time).exp_m1()).sum() };
        let (mut low, mut high) = (0.0, 1e12);
        for _ in 0..100 {
            let middle = (low + high) / 2.0;
            *(if cached(middle) < capacity { &mut low } else { &mut high }) = middle;
        }
        probabilities.iter().map(|p| p * -(-p * low).exp_m1()).sum()
    }

    #[test]
    fn the_hit_ratio_is_that_of_ches_approximation() {
        for (pages, capacity, requests) in [(1000, 100, 200_000), (20_000, 4000, 400_000)] {
            let bounded = |number: u64| Bounded::try_from(number).unwrap();
            let parameters =
                LruCacheParameters { pages: bounded(pages), capacity: bounded(capacity), requests };
            let late_hits = model(&LruCache::prepare(parameters, 1)).late_hits;
            let simulated = late_hits as f64 / (f64::from(requests) / 2.0);
            let che = che_hit_ratio(&Zipf::new(pages as u32).probabilities(), capacity as f64);
            assert!((simulated / che - 1.0).abs() < 0.01, "{simulated:.4}, after Che {che:.4}");
        }
    }

    #[test]
    fn response_sizes_follow_the_objects_of_spring() {
        let mut random = stream(3, 0);
        let draws = 100_000;
        let bytes = |_| 16 + 8 * u32::from(draw_response_words(&mut random));
        let drawn: Vec<u32> = (0..draws).map(bytes).collect();
        for (from, to, permille) in RESPONSE_BYTES {
            let count = drawn.iter().filter(|bytes| (from..=to).contains(bytes)).count();
            let expected = f64::from(draws * permille) / 1000.0;
            assert!((count as f64 - expected).abs() < 5.0 * expected.sqrt(), "{from} to {to}");
        }
        // Published: mean 70, median 32 and 90th percentile 200 bytes.
        let mean = f64::from(drawn.iter().sum::<u32>()) / f64::from(draws);
        assert!((70.0..80.0).contains(&mean), "{mean}");
    }
}
