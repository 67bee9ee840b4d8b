//! The table of a workload as data, printed by both the page and the Markdown file.

use crate::scene::RunView;
use analysis::{Estimate, Measured, Row, format};
use record::{HeapSize, Outcome, WorkloadInfo};

/// A table.
#[derive(Debug)]
pub(crate) struct Table {
    /// Columns from left to right.
    pub(crate) columns: Vec<Column>,
    /// Rows: the collector's name, then one field per column.
    pub(crate) rows: Vec<(String, Vec<Field>)>,
}

/// How the best fields of a column are known. Of a quantity with noise the smallest median is best by
/// chance, so it is not marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ranked {
    /// No field is best.
    Not,
    /// The smallest: the quantity has no noise.
    Exact,
    /// The best group of the conclusions.
    ByGroup,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its heading.
    pub(crate) head: &'static str,
    /// Its meaning, in a sentence.
    pub(crate) meaning: &'static str,
    /// How its best fields are known.
    ranked: Ranked,
    field: fn(&Row) -> Field,
}

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    /// Its text.
    pub(crate) text: String,
    /// Small text beside it: an interval, a count.
    pub(crate) small: String,
    /// The reason for a missing number; empty if there is one.
    pub(crate) reason: String,
    /// The sort key; unknown values come last.
    pub(crate) value: Option<f64>,
    /// Whether it is the best of its column.
    pub(crate) best: bool,
}

const COLUMNS: [Column; 16] = [
    Column {
        head: "outcome",
        meaning: "The worst outcome over all repeats.",
        ranked: Ranked::Not,
        field: outcome,
    },
    Column {
        head: "wall time",
        meaning: "Median wall time of the run proper, without teardown; its interval from six repeats on.",
        ranked: Ranked::Not,
        field: |r| time(r, &r.wall_ns),
    },
    Column {
        head: "CPU time",
        meaning: "Median CPU time of the process, all threads, over the same span.",
        ranked: Ranked::ByGroup,
        field: |r| time(r, &r.cpu_ns),
    },
    Column {
        head: "teardown",
        meaning: "Median wall time of dropping the final live set.",
        ranked: Ranked::Not,
        field: |r| time(r, &r.teardown_wall_ns),
    },
    Column {
        head: "peak footprint",
        meaning: "Maximum bytes held from the operating system by the heap, metadata included; exact.",
        ranked: Ranked::Exact,
        field: |r| estimate(r, &r.peak_footprint_bytes, format::bytes),
    },
    Column {
        head: "leaked",
        meaning: "Bytes not reclaimed by the teardown and a last full collection.",
        ranked: Ranked::Not,
        field: |r| number(r, &r.leaked_bytes),
    },
    Column {
        head: "pauses",
        meaning: "Median number of pauses per run.",
        ranked: Ranked::Not,
        field: |r| match &r.pauses {
            Measured::Known(p) => known(&p.count, |n| format::count(n.round() as u64)),
            Measured::Missing(reason) => missing(r, reason),
        },
    },
    Column {
        head: "paused",
        meaning: "Median time paused per run.",
        ranked: Ranked::Not,
        field: |r| match &r.pauses {
            Measured::Known(p) => known(&p.total_per_repeat_ns, format::duration_ns),
            Measured::Missing(reason) => missing(r, reason),
        },
    },
    Column {
        head: "median pause",
        meaning: "Half of the pauses are at most this long; n/a with fewer than 20 pauses.",
        ranked: Ranked::Not,
        field: |r| percentile(r, 0.5),
    },
    Column {
        head: "99 % of pauses",
        meaning: "99 of 100 pauses are at most this long; n/a with fewer than 1000 pauses.",
        ranked: Ranked::Not,
        field: |r| percentile(r, 0.99),
    },
    Column {
        head: "longest pause",
        meaning: "Median over the repeats of each repeat's longest pause; in brackets the longest of all, with \
                  the CPU time in it where it was read.",
        ranked: Ranked::Not,
        field: |r| pause(r, |p| Some((p.longest_ns.median, p.longest_text()))),
    },
    Column {
        head: "collections",
        meaning: "Median number of collections; small: by trigger (exhausted: the limit; growth: the \
                  heap's sizing policy; requested or young: the program), and on how many threads.",
        ranked: Ranked::Not,
        field: collections,
    },
    Column {
        head: "queues",
        meaning: "Maximum bytes of the stacks of objects still to be marked, copied or dropped: the part \
                  of the footprint that no limit can refuse.",
        ranked: Ranked::Not,
        field: |r| number(r, &r.queue_peak_bytes),
    },
    Column {
        head: "allocated",
        meaning: "Bytes of all objects, headers included, before rounding to cells.",
        ranked: Ranked::Not,
        field: |r| number(r, &r.allocated_bytes),
    },
    Column {
        head: "headers needed",
        meaning: "Header bytes of all objects that this discipline alone would need; small: as built.",
        ranked: Ranked::Not,
        field: headers,
    },
    Column {
        head: "page faults",
        meaning: "Median page faults during the run proper, in prefaulted memory.",
        ranked: Ranked::Not,
        field: |r| estimate(r, &r.page_faults, |n| format::count(n.round() as u64)),
    },
];

/// The table of one workload: one row per collector and heap size.
pub(crate) fn of_workload(view: &RunView<'_>, workload: &WorkloadInfo) -> Table {
    let rows: Vec<&Row> =
        view.summary.rows.iter().filter(|r| r.workload == workload.name).collect();
    let several = rows.iter().any(|r| r.heap != rows[0].heap);
    let mut columns = COLUMNS.to_vec();
    if several {
        let heap = Column {
            head: "heap",
            meaning: "Limit on the footprint, as a multiple of the peak of live bytes or an amount.",
            ranked: Ranked::Not,
            field: heap,
        };
        columns.insert(0, heap);
    }
    let mut table = Table {
        rows: rows
            .iter()
            .map(|row| (row.collector.clone(), columns.iter().map(|c| (c.field)(row)).collect()))
            .collect(),
        columns,
    };
    let judged = view.conclusions.contests.iter().filter(|c| c.workload == workload.name);
    let groups = judged.filter_map(|contest| Some((contest.heap, contest.best.known()?)));
    for (heap, names) in groups {
        table.mark_group(&rows, heap, names);
    }
    table.mark_smallest();
    table
}

impl Table {
    /// Marks the least number of each column without noise, and all that equal it.
    fn mark_smallest(&mut self) {
        let exact = |column: &Column| column.ranked == Ranked::Exact;
        for (index, _) in self.columns.iter().enumerate().filter(|(_, c)| exact(c)) {
            let values = self.rows.iter().filter_map(|(_, fields)| fields[index].value);
            let Some(best) = values.reduce(f64::min) else { continue };
            for (_, fields) in &mut self.rows {
                fields[index].best = fields[index].value == Some(best);
            }
        }
    }

    /// Marks the best group at a heap size. A collector that no limit binds has one row for all of them.
    fn mark_group(&mut self, rows: &[&Row], heap: HeapSize, names: &[String]) {
        let by_group = |column: &Column| column.ranked == Ranked::ByGroup;
        for (index, _) in self.columns.iter().enumerate().filter(|(_, c)| by_group(c)) {
            for (row, (name, fields)) in rows.iter().zip(&mut self.rows) {
                let here = row.heap == heap || row.heap == HeapSize::Unlimited;
                fields[index].best |= here && names.contains(name);
            }
        }
    }
}

fn plain(value: f64, text: String) -> Field {
    Field { text, small: String::new(), reason: String::new(), value: Some(value), best: false }
}

fn unknown(word: &str, reason: &str) -> Field {
    Field {
        text: word.to_owned(),
        small: String::new(),
        reason: reason.to_owned(),
        value: None,
        best: false,
    }
}

/// A missing number: n/a with the reason, or the outcome word of a failure, whose reason is in the
/// outcome column.
fn missing(row: &Row, reason: &str) -> Field {
    match &row.outcome {
        Outcome::Ok => unknown("n/a", reason),
        failed => unknown(failed.word(), ""),
    }
}

fn known(estimate: &Estimate, written: fn(f64) -> String) -> Field {
    let small = match estimate.interval() {
        Some((low, high)) => format!("{} – {}", written(low), written(high)),
        None => String::new(),
    };
    Field { small, ..plain(estimate.median, written(estimate.median)) }
}

fn estimate(row: &Row, measured: &Measured<Estimate>, written: fn(f64) -> String) -> Field {
    match measured {
        Measured::Known(estimate) => known(estimate, written),
        Measured::Missing(reason) => missing(row, reason),
    }
}

fn time(row: &Row, measured: &Measured<Estimate>) -> Field {
    estimate(row, measured, format::duration_ns)
}

fn number(row: &Row, measured: &Measured<u64>) -> Field {
    match measured {
        Measured::Known(value) => plain(*value as f64, format::bytes(*value as f64)),
        Measured::Missing(reason) => missing(row, reason),
    }
}

fn pause(row: &Row, of: fn(&analysis::PauseSummary) -> Option<(f64, String)>) -> Field {
    match &row.pauses {
        Measured::Known(pauses) => match of(pauses) {
            Some((value, text)) => plain(value, text),
            None => unknown("n/a", &format!("n = {}", pauses.n)),
        },
        Measured::Missing(reason) => missing(row, reason),
    }
}

fn percentile(row: &Row, q: f64) -> Field {
    match &row.pauses {
        Measured::Known(pauses) => match pauses.percentile_ns(q) {
            Some(ns) => plain(ns as f64, format::duration_ns(ns as f64)),
            None => unknown("n/a", &format!("n = {}", pauses.n)),
        },
        Measured::Missing(reason) => missing(row, reason),
    }
}

fn collections(row: &Row) -> Field {
    match &row.collections {
        Measured::Known(collections) => {
            let threads = match collections.threads {
                None => String::new(),
                Some(1) => "1 thread".to_owned(),
                Some(n) => format!("{n} threads"),
            };
            let all = collections.all.median;
            let triggers = if all > 0.0 { collections.to_string() } else { String::new() };
            let parts = [triggers, threads];
            let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            Field { small: parts.join("; "), ..plain(all, all.to_string()) }
        }
        Measured::Missing(reason) => missing(row, reason),
    }
}

fn headers(row: &Row) -> Field {
    match &row.header_bytes {
        Measured::Known(bytes) => Field {
            small: format!("built {}", format::bytes(bytes.as_built as f64)),
            ..plain(bytes.needed as f64, format::bytes(bytes.needed as f64))
        },
        Measured::Missing(reason) => missing(row, reason),
    }
}

fn outcome(row: &Row) -> Field {
    match &row.outcome {
        Outcome::Ok => Field { small: format!("n = {}", row.n), ..plain(0.0, "ok".to_owned()) },
        failed => unknown(failed.word(), &failed.reason()),
    }
}

fn heap(row: &Row) -> Field {
    let value = match row.heap {
        HeapSize::LiveMultiple(multiple) => multiple,
        HeapSize::Bytes(bytes) => bytes as f64,
        HeapSize::Unlimited => f64::MAX,
    };
    plain(value, row.heap.to_string())
}
