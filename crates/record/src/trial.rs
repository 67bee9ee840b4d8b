//! A trial: one faulty program, run once in a process of its own discipline and printed as one JSON
//! line, and what it amounts to.

use serde::{Deserialize, Serialize};

/// A way in which memory management fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// What nobody can reach is never reclaimed.
    Leak,
    /// What nobody needs stays reachable.
    LogicalLeak,
    /// An object is used after its memory was freed.
    UseAfterFree,
    /// An object is used before it is initialised: it shows what its memory held before.
    UseBeforeInit,
    /// An object is freed a second time.
    DoubleFree,
    /// A borrow is used after its owner is gone.
    DanglingBorrow,
    /// Objects that refer to each other in a ring are never reclaimed.
    CycleLeak,
    /// Dropping a long chain overflows the stack.
    DeepDrop,
    /// A program that keeps little runs out of memory.
    UnboundedGarbage,
}

impl Failure {
    /// All, in the order of tables.
    pub const ALL: [Self; 9] = [
        Self::Leak,
        Self::LogicalLeak,
        Self::UseAfterFree,
        Self::UseBeforeInit,
        Self::DoubleFree,
        Self::DanglingBorrow,
        Self::CycleLeak,
        Self::DeepDrop,
        Self::UnboundedGarbage,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::LogicalLeak => "logical leak",
            Self::UseAfterFree => "use after free",
            Self::UseBeforeInit => "use before init",
            Self::DoubleFree => "double free",
            Self::DanglingBorrow => "dangling borrow",
            Self::CycleLeak => "cycle leak",
            Self::DeepDrop => "deep drop",
            Self::UnboundedGarbage => "unbounded garbage",
        }
    }
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum TrialEnd {
    /// Not yet, as far as its process has said: it is printed when it begins, too, for it may end the
    /// process.
    Begun,
    /// With the answer of the program without the mistake.
    Right,
    /// With another answer.
    Wrong {
        /// What it was.
        got: String,
    },
    /// The program, or the heap, stopped itself.
    Stopped {
        /// What it said.
        why: String,
    },
    /// It touched memory that had gone back to the system: there a process ends.
    Faulted,
    /// It did not come to an end.
    Hung,
    /// The heap limit was reached with nothing left to reclaim.
    OutOfMemory,
    /// The stack overflowed.
    StackOverflow {
        /// What the process said.
        why: String,
    },
    /// The pair cannot work; decided before running.
    NotApplicable {
        /// Why it cannot.
        reason: String,
    },
}

/// What a trial counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Mistakes made.
    pub mistakes: u64,
    /// Reads through references whose object is gone, and of words that nobody has initialised.
    pub stale_reads: u64,
    /// Those that found another object's contents.
    pub wrong_reads: u64,
    /// Writes through references whose object is gone.
    pub stale_writes: u64,
    /// Frees through references whose object is gone.
    pub stale_frees: u64,
    /// Living objects that were written or freed by those who meant another one.
    pub corrupted_objects: u64,
    /// Uses that the discipline refused, because the object was gone.
    pub refused: u64,
    /// Bytes at the end that nobody can reach and that were not reclaimed; of a logical leak, bytes
    /// reachable beyond those of the program without the mistake.
    pub leaked_bytes: u64,
    /// The objects of these bytes.
    pub leaked_objects: u64,
}

impl Counts {
    /// All uses of what is gone.
    pub fn stale(&self) -> u64 {
        self.stale_reads + self.stale_writes + self.stale_frees
    }

    /// Adds up two trials. Leaks are not added but compared: the greater is kept.
    pub fn plus(self, other: Self) -> Self {
        Self {
            mistakes: self.mistakes + other.mistakes,
            stale_reads: self.stale_reads + other.stale_reads,
            wrong_reads: self.wrong_reads + other.wrong_reads,
            stale_writes: self.stale_writes + other.stale_writes,
            stale_frees: self.stale_frees + other.stale_frees,
            corrupted_objects: self.corrupted_objects + other.corrupted_objects,
            refused: self.refused + other.refused,
            leaked_bytes: self.leaked_bytes.max(other.leaked_bytes),
            leaked_objects: self.leaked_objects.max(other.leaked_objects),
        }
    }
}

/// Leaked bytes at a point of the allocation clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeakPoint {
    /// Bytes allocated so far.
    pub allocated_bytes: u64,
    /// Bytes that nobody can reach and that are not reclaimed yet.
    pub leaked_bytes: u64,
}

/// What a trial tries, without its seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The failure.
    pub failure: Failure,
    /// The program.
    pub program: String,
    /// What its author does wrong, in words.
    pub mistake: String,
    /// In which order freed memory is used again.
    pub order: String,
    /// What must be bent to write it in a language of this discipline: `unsafe`, `mem::forget`, an
    /// allocator that does not zero; empty if nothing.
    pub bends: String,
}

/// One run of a faulty program: one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// [`crate::SAFETY_VERSION`] of the writer.
    pub schema: u32,
    /// Its number in the plan of its collector.
    pub number: usize,
    /// What was tried.
    pub subject: Subject,
    /// From which the mistakes were drawn.
    pub seed: u64,
    /// How it ended.
    pub end: TrialEnd,
    /// What was counted.
    pub counts: Counts,
    /// Leaked bytes over time; empty where they were not surveyed.
    pub leaks: Vec<LeakPoint>,
}

/// What a trial amounts to. Of several things that happened, the decisive one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Right answer, nothing stale, nothing leaked.
    None,
    /// The use was refused, and nothing else happened.
    Detected,
    /// What is gone was used, but nobody else had its memory yet: the answer is right.
    Benign,
    /// Another object's contents were read, or the answer is wrong.
    WrongValue,
    /// Somebody else's object was written or freed.
    Corrupted,
    /// The first thing to go wrong was an access to memory that is not there.
    Faulted,
    /// Memory was lost, or ran out, or the stack did.
    Exhausted,
}

impl Effect {
    /// The words drawn in tables and charts.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "no effect",
            Self::Detected => "detected",
            Self::Benign => "benign",
            Self::WrongValue => "wrong value",
            Self::Corrupted => "corrupted neighbour",
            Self::Faulted => "would have faulted",
            Self::Exhausted => "lost memory",
        }
    }
}

impl Trial {
    /// What it amounts to; nothing if it was not run.
    pub fn effect(&self) -> Option<Effect> {
        let counts = &self.counts;
        let exhausted = counts.leaked_bytes > 0
            || matches!(self.end, TrialEnd::OutOfMemory | TrialEnd::StackOverflow { .. });
        Some(match &self.end {
            TrialEnd::Begun | TrialEnd::NotApplicable { .. } => return None,
            _ if counts.corrupted_objects > 0 => Effect::Corrupted,
            _ if counts.wrong_reads > 0 => Effect::WrongValue,
            TrialEnd::Faulted => Effect::Faulted,
            _ if exhausted => Effect::Exhausted,
            TrialEnd::Stopped { .. } if counts.stale() == 0 => Effect::Detected,
            TrialEnd::Wrong { .. } | TrialEnd::Stopped { .. } | TrialEnd::Hung => {
                Effect::WrongValue
            }
            _ if counts.stale() > 0 => Effect::Benign,
            _ if counts.refused > 0 => Effect::Detected,
            _ => Effect::None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SAFETY_VERSION;

    fn trial(end: TrialEnd, counts: Counts) -> Trial {
        let subject = Subject {
            failure: Failure::UseAfterFree,
            program: "a program".to_owned(),
            mistake: "a mistake".to_owned(),
            order: "lowest first".to_owned(),
            bends: String::new(),
        };
        Trial {
            schema: SAFETY_VERSION,
            number: 0,
            subject,
            seed: 0,
            end,
            counts,
            leaks: Vec::new(),
        }
    }

    #[test]
    fn the_decisive_effect_of_a_trial_is_the_worst_before_a_fault() {
        let none = Counts::default();
        let stale = Counts { stale_reads: 3, ..none };
        let wrong = Counts { wrong_reads: 1, ..stale };
        let corrupted = Counts { corrupted_objects: 1, ..wrong };
        let got = || "42".to_owned();
        for (end, counts, effect) in [
            (TrialEnd::Right, none, Effect::None),
            (TrialEnd::Right, Counts { refused: 2, ..none }, Effect::Detected),
            (TrialEnd::Stopped { why: got() }, none, Effect::Detected),
            (TrialEnd::Right, stale, Effect::Benign),
            (TrialEnd::Faulted, stale, Effect::Faulted),
            (TrialEnd::Faulted, wrong, Effect::WrongValue),
            (TrialEnd::Wrong { got: got() }, stale, Effect::WrongValue),
            (TrialEnd::Wrong { got: got() }, none, Effect::WrongValue),
            (TrialEnd::Hung, stale, Effect::WrongValue),
            (TrialEnd::Right, corrupted, Effect::Corrupted),
            (TrialEnd::Faulted, corrupted, Effect::Corrupted),
            (TrialEnd::Right, Counts { leaked_bytes: 1, ..none }, Effect::Exhausted),
            (TrialEnd::OutOfMemory, none, Effect::Exhausted),
        ] {
            assert_eq!(trial(end.clone(), counts).effect(), Some(effect), "{end:?} {counts:?}");
        }
        let reason = "no region".to_owned();
        assert_eq!(trial(TrialEnd::NotApplicable { reason }, none).effect(), None);
        assert_eq!(trial(TrialEnd::Begun, none).effect(), None);
    }

    #[test]
    fn a_line_comes_back_as_it_was_written() {
        let trial = trial(TrialEnd::Stopped { why: "a key".to_owned() }, Counts::default());
        let line = serde_json::to_string(&trial).unwrap();
        assert_eq!(serde_json::from_str::<Trial>(&line).unwrap(), trial);
    }
}
