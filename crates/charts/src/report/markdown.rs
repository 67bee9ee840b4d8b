//! `summary.md`: the report's text and tables, for a terminal or a code review.

use super::tables::{self, Table};
use super::trust;
use crate::scene::{RunView, size_word, source};
use analysis::conclusions::{Conclusions, JudgedCompetitor};
use analysis::sentences::{with_interval, word};
use analysis::{Measured, format};
use std::fmt::Write as _;

/// The whole file.
pub(crate) fn render(views: &[RunView<'_>]) -> String {
    let mut text = String::from("# Memory management side by side\n");
    for view in views {
        run(&mut text, view);
    }
    text
}

/// Writing to a `String` cannot fail, so the results of `writeln!` are dropped throughout.
fn run(text: &mut String, view: &RunView<'_>) {
    let manifest = &view.run.manifest;
    let _ = writeln!(
        text,
        "\n## Run {}\n\n{}\n\n{}\n",
        manifest.run_id,
        source(view.run),
        trust::scope(view)
    );
    if let Some(stamp) = manifest.stamp() {
        let _ = writeln!(text, "**{stamp}**\n");
    }
    for finding in trust::findings(view) {
        let _ = writeln!(text, "- {}: {}", finding.weight.word(), finding.text);
    }
    let _ = writeln!(text);
    for sentence in &view.conclusions.sentences {
        let _ = writeln!(text, "> {sentence}\n");
    }
    push_league(text, &view.conclusions);
    push_verdicts(text, &view.conclusions);
    for workload in &manifest.workloads {
        let table = tables::of_workload(view, workload);
        if table.rows.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "### {} ({})\n\n{}\n",
            workload.name,
            size_word(workload),
            workload.summary
        );
        push_table(text, &table);
    }
    let _ = writeln!(text, "Reproduce with:\n\n```sh\n{}\n```", manifest.command);
}

/// The league: collectors as rows, the smallest mean first.
fn push_league(text: &mut String, conclusions: &Conclusions) {
    let reference = conclusions.reference.as_deref().unwrap_or("the reference");
    let heap = conclusions.heap.map_or("n/a".to_owned(), |heap| heap.to_string());
    let _ = writeln!(
        text,
        "### League: CPU time to that of {} at {heap}\n\n| collector | CPU time | interval | without one \
         workload | least heap / live | peak / live | paused | BMU(10 ms) | longest pause | finished |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        escaped(reference)
    );
    let range = |range: Option<(f64, f64)>| {
        range.map_or("n/a".to_owned(), |(low, high)| {
            format!("{} to {}", format::significant(low), format::significant(high))
        })
    };
    let written = |value: &Measured<f64>, words: fn(f64) -> String| {
        value.known().map_or("n/a".to_owned(), |&value| words(value))
    };
    let share = |share: f64| format!("{:.1} %", 100.0 * share);
    for row in &conclusions.league {
        let mean = row.cpu.known();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {}/{} |",
            escaped(&row.name),
            mean.map_or("n/a".to_owned(), |mean| format::ratio(mean.ratio)),
            range(mean.and_then(|mean| mean.interval)),
            range(mean.and_then(|mean| mean.without_one)),
            written(&row.minimum_heap, format::ratio),
            written(&row.peak, format::ratio),
            written(&row.paused_share, share),
            written(&row.utilisation, share),
            written(&row.longest_pause_ns, format::duration_ns),
            row.finished.0,
            row.finished.1
        );
    }
    let _ = writeln!(text);
}

/// Every comparison with its verdict.
fn push_verdicts(text: &mut String, conclusions: &Conclusions) {
    let _ = writeln!(
        text,
        "### Verdicts\n\n| workload | heap | collector | CPU time | verdict | blocks |\n\
         | --- | --- | --- | ---: | --- | ---: |"
    );
    for contest in &conclusions.contests {
        for competitor in contest.competitors.iter().filter(|c| !c.is_reference) {
            let (ratio, verdict, blocks) = judged(competitor);
            let (workload, name) = (escaped(&contest.workload), escaped(&competitor.name));
            let _ = writeln!(
                text,
                "| {workload} | {} | {name} | {ratio} | {verdict} | {blocks} |",
                contest.heap
            );
        }
    }
    let _ = writeln!(text);
}

fn judged(competitor: &JudgedCompetitor) -> (String, String, String) {
    match &competitor.cpu {
        Measured::Known(c) => (with_interval(c), word(c.verdict), c.ratio.n.to_string()),
        Measured::Missing(reason) => ("n/a".to_owned(), escaped(reason), String::new()),
    }
}

/// An unescaped bar would end the table's field.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn push_table(text: &mut String, table: &Table) {
    let heads: Vec<&str> = table.columns.iter().map(|c| c.head).collect();
    let _ = writeln!(text, "| collector | {} |", heads.join(" | "));
    let _ = writeln!(text, "| --- |{}", " ---: |".repeat(table.columns.len()));
    for (collector, fields) in &table.rows {
        let written: Vec<String> = fields
            .iter()
            .map(|field| {
                let strong =
                    if field.best { format!("**{}**", field.text) } else { field.text.clone() };
                if field.small.is_empty() { strong } else { format!("{strong} ({})", field.small) }
            })
            .collect();
        let _ = writeln!(text, "| {} | {} |", escaped(collector), written.join(" | "));
    }
    // The outcome holds the reason of a failed or not applicable cell.
    let reasons: Vec<String> = table
        .rows
        .iter()
        .filter_map(|(collector, fields)| {
            let (_, outcome) =
                table.columns.iter().zip(fields).find(|(c, _)| c.head == "outcome")?;
            (!outcome.reason.is_empty())
                .then(|| format!("{collector}: {}: {}", outcome.text, outcome.reason))
        })
        .collect();
    if !reasons.is_empty() {
        let _ = writeln!(text, "\n{}.", reasons.join("; "));
    }
    let _ = writeln!(text);
}
