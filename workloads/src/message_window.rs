//! A window of the latest messages: the program with which Fisher (2016), Scherer and Sewell
//! compared the pauses of garbage collectors.
//!
//! 1. For message number n: allocate 1024 bytes, set each to n mod 256.
//! 2. Put it in slot n mod W of the window; the message there, now W messages old, is evicted,
//!    checked and freed.
//! 3. At the end the window is scanned.
//!
//! *Ownership*: the window is an array of own slots, a message is a leaf without slots.
//!
//! *Separates*: lifetimes are first in, first out, so no object dies young, and the oldest dies next.
//! A tracing collector scans every slot of the window even if it can free little; a copying one also
//! moves the kilobytes. Every message is stored into an old object.

use crate::program::Program;
use heap::{Collector, Mutator, OutOfMemory, Own, Probe, Ref, Slot, Word};
use serde::Deserialize;
use std::num::NonZeroU32;

/// Payload words of a message: 1024 bytes.
const WORDS: u32 = 128;
/// A byte times this word is a word of eight such bytes.
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;

/// The program: its parameters in the suite file.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageWindow {
    /// Messages in the window, W.
    window: NonZeroU32,
    /// Total messages.
    messages: u32,
}

impl Program for MessageWindow {
    type Parameters = Self;

    fn prepare(parameters: Self, _: u64) -> Self {
        parameters
    }

    fn run<C: Collector, P: Probe>(&self, m: &mut Mutator<C, P>) -> Result<String, OutOfMemory> {
        let window = m.alloc_array(Own, self.window.get(), 0)?;
        let (mut evicted, mut intact) = (0_u64, 0_u64);
        m.phase("fill");
        for number in 0..self.messages {
            if number == self.window.get() {
                m.phase("slide");
            }
            let message = m.alloc_array(Own, 0, WORDS)?;
            let view = m.get(&message);
            for word in 0..WORDS {
                m.set_word(view, Word::element(0, word), content(number));
            }
            let place = Slot::element(number % self.window);
            if let Some(oldest) = m.take(m.get(&window), place) {
                evicted += 1;
                intact += u64::from(is_intact(m, m.get(&oldest), number - self.window.get()));
                m.free(oldest);
            }
            m.put(m.get(&window), place, message);
        }
        let window = m.get(&window);
        let kept = (0..self.window.get()).filter_map(|i| m.load(window, Slot::<Own>::element(i)));
        let sum: u64 = kept.map(|message| m.word(message, Word::element(0, 0)) & 0xff).sum();
        Ok(format!("{evicted} evicted, {intact} intact; first bytes in the window sum to {sum}"))
    }
}

/// Eight bytes of message `number`.
#[inline]
fn content(number: u32) -> u64 {
    u64::from(number % 256) * EACH_BYTE
}

/// Whether this is message `number`, by its first and last bytes.
#[inline]
fn is_intact<C: Collector, P: Probe>(m: &Mutator<C, P>, message: Ref<'_>, number: u32) -> bool {
    let holds = |word| m.word(message, Word::element(0, word)) == content(number);
    holds(0) && holds(WORDS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Census, literals};
    use std::collections::VecDeque;

    /// The model: a queue of bytes.
    fn expected(program: MessageWindow) -> (String, Census) {
        let (window, messages) = (u64::from(program.window.get()), u64::from(program.messages));
        let (mut queue, mut evicted, mut intact) = (VecDeque::new(), 0, 0);
        for number in 0..messages {
            if queue.len() as u64 == window {
                let (oldest, byte) = queue.pop_front().unwrap();
                evicted += 1;
                intact += u64::from((oldest, byte) == (number - window, oldest as u8));
            }
            queue.push_back((number, number as u8));
        }
        let sum: u64 = queue.iter().map(|&(_, byte)| u64::from(byte)).sum();
        let (array_bytes, message_bytes) = (16 + 4 * window, 16 + 1024);
        let census = Census {
            objects: messages + 1,
            allocated_bytes: array_bytes + messages * message_bytes,
            peak_live_bytes: array_bytes + (window + 1) * message_bytes,
        };
        let first_bytes = format!("first bytes in the window sum to {sum}");
        (format!("{evicted} evicted, {intact} intact; {first_bytes}"), census)
    }

    #[test]
    fn the_suite_holds_the_results_of_a_queue() {
        literals::check("message-window", |program, _| expected(program));
    }
}
