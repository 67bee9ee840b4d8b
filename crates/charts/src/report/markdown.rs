//! `summary.md`: the report's text and tables, for a terminal or a code review.

use super::tables::{self, Table};
use super::trust;
use crate::scene::{RunView, size_word, source};
use analysis::statements::statements;
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
    for statement in statements(&view.summary) {
        let _ = writeln!(text, "> {statement}\n");
    }
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
        // An unescaped bar inside a name would end the table's field.
        let _ = writeln!(text, "| {} | {} |", collector.replace('|', "\\|"), written.join(" | "));
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
