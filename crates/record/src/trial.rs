//! A trial: one faulty program, run once in its own process under one discipline and printed as one
//! JSON line, and its effect.

use serde::{Deserialize, Serialize};

/// A failure of memory management.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Unreachable objects are never reclaimed.
    Leak,
    /// Objects that the program no longer needs stay reachable.
    LogicalLeak,
    /// An object is used after its memory was freed.
    UseAfterFree,
    /// An object is used before it is initialised, and exposes the earlier contents of its memory.
    UseBeforeInit,
    /// An object is freed a second time.
    DoubleFree,
    /// A borrow is used after its owner was freed.
    DanglingBorrow,
    /// Unreachable cycles of references are never reclaimed.
    CycleLeak,
    /// Dropping a long chain overflows the stack.
    DeepDrop,
    /// A program with a small live set runs out of memory.
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

/// The end of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum TrialEnd {
    /// Begun, not yet ended. Printed at the beginning, because a trial may end its process.
    Begun,
    /// The answer equals that of the program without the fault.
    Right,
    /// Another answer.
    Wrong {
        /// The answer.
        got: String,
    },
    /// The program or the heap stopped the run.
    Stopped {
        /// Its message.
        why: String,
    },
    /// An access to memory already returned to the operating system, which ends a process.
    Faulted,
    /// The trial did not terminate.
    Hung,
    /// The heap limit was reached with nothing left to reclaim.
    OutOfMemory,
    /// The stack overflowed.
    StackOverflow {
        /// The process's message.
        why: String,
    },
    /// The pair cannot work; decided before running.
    NotApplicable {
        /// The reason.
        reason: String,
    },
}

/// The counts of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Injected faults.
    pub mistakes: u64,
    /// Reads through references to freed objects, and of uninitialised words.
    pub stale_reads: u64,
    /// Stale reads that returned another object's contents.
    pub wrong_reads: u64,
    /// Writes through references to freed objects.
    pub stale_writes: u64,
    /// Frees through references to freed objects.
    pub stale_frees: u64,
    /// Live objects written or freed through a reference to another, freed object.
    pub corrupted_objects: u64,
    /// Uses of freed objects that the discipline refused.
    pub refused: u64,
    /// Unreachable bytes not reclaimed at the end; for a logical leak, reachable bytes beyond those of
    /// the program without the fault.
    pub leaked_bytes: u64,
    /// Number of the objects of these bytes.
    pub leaked_objects: u64,
}

impl Counts {
    /// Number of all stale reads, writes and frees.
    pub fn stale(&self) -> u64 {
        self.stale_reads + self.stale_writes + self.stale_frees
    }

    /// The sum of two trials; of leaks the maximum.
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
    /// Unreachable bytes not reclaimed yet.
    pub leaked_bytes: u64,
}

/// The subject of a trial: everything but its seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The failure.
    pub failure: Failure,
    /// The program.
    pub program: String,
    /// The injected fault, in words.
    pub mistake: String,
    /// The order in which freed memory is reused.
    pub order: String,
    /// The bypass that a program in a language of this discipline needs: `unsafe`, `mem::forget`, an
    /// allocator that does not zero; empty for none.
    pub bends: String,
}

/// One run of a faulty program: one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// [`crate::SAFETY_VERSION`] of the writer.
    pub schema: u32,
    /// Its number in the plan of its collector.
    pub number: usize,
    /// The subject.
    pub subject: Subject,
    /// Seed of the random places of the faults.
    pub seed: u64,
    /// Its end.
    pub end: TrialEnd,
    /// Its counts.
    pub counts: Counts,
    /// Leaked bytes over time; empty where they were not measured.
    pub leaks: Vec<LeakPoint>,
}

/// The effect of a trial; the decisive one of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Right answer, nothing stale, nothing leaked.
    None,
    /// The use was refused, and nothing else happened.
    Detected,
    /// A freed object was used before its memory was reused: the answer is right.
    Benign,
    /// Another object's contents were read, or the answer is wrong.
    WrongValue,
    /// Another live object was written or freed.
    Corrupted,
    /// The first effect was an access to memory returned to the operating system.
    Faulted,
    /// Memory leaked or ran out, or the stack overflowed.
    Exhausted,
}

impl Effect {
    /// The words in tables and charts.
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
    /// Its effect; `None` if it was not run.
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
