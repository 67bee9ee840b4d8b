//! The page: one self-contained file that works offline, on a phone, in dark mode, on paper and
//! without script.
//!
//! Order: setup and validity; summary; each workload with its description, memory, pauses, time and
//! table; definitions; environment and the command to reproduce.

use super::figures::{RunFigures, WorkloadFigures};
use super::safety;
use super::tables::{self, Field, Table};
use super::trust;
use crate::canvas::palette::{Ink, hex};
use crate::canvas::svg::{escape, slug};
use crate::rendered_chart::RenderedChart;
use crate::scene::{RunView, size_word, source};
use analysis::format;
use record::{CollectorInfo, HeapSize, LineStyle, Mode, Statistics, WorkloadInfo};
use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const DEFINITIONS: &str = include_str!("definitions.html");

/// The whole page. `dark_rules` are the style rules of dark figures.
pub(crate) fn render(views: &[RunView<'_>], figures: &[RunFigures], dark_rules: &str) -> String {
    let title = match views {
        [only] => format!("Memory management side by side: {}", only.run.manifest.run_id),
        _ => "Memory management side by side".to_owned(),
    };
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{STYLE}\n\
         @media screen and (prefers-color-scheme:dark){{{dark_rules}}}\n</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the report</a>\n",
        escape(&title)
    );
    header(&mut html, views);
    switchboard(&mut html, views);
    html.push_str("<main id=\"main\">\n");
    for (index, (view, figures)) in views.iter().zip(figures).enumerate() {
        run(&mut html, &format!("r{index}"), view, figures, views.len() > 1);
    }
    html.push_str(DEFINITIONS);
    for (index, view) in views.iter().enumerate() {
        environment(&mut html, &format!("r{index}"), view);
    }
    html.push_str("</main>\n<script>\n");
    html.push_str(SCRIPT);
    html.push_str("</script>\n</body>\n</html>\n");
    html
}

// Writing to a `String` cannot fail, so the results of `write!` are dropped throughout this file.

fn header(html: &mut String, views: &[RunView<'_>]) {
    html.push_str("<header class=\"prose\">\n<p class=\"brand\">gcw</p>\n<h1>Memory management side by side</h1>\n");
    html.push_str(
        "<p class=\"lead\">The same programs on the same heap under different disciplines: \
         memory, pauses and time of each.</p>\n<nav aria-label=\"Contents\"><ul class=\"index\">\n",
    );
    for (index, view) in views.iter().enumerate() {
        let name =
            if views.len() > 1 { format!("{}: ", view.run.manifest.run_id) } else { String::new() };
        let _ =
            writeln!(html, "<li><a href=\"#r{index}-summary\">{}summary</a></li>", escape(&name));
        for workload in &view.run.manifest.workloads {
            let _ = writeln!(
                html,
                "<li><a href=\"#r{index}-{}\">{}</a></li>",
                slug(&workload.name),
                escape(&workload.name)
            );
        }
        if !matches!(view.safety, Ok(None)) {
            let _ =
                writeln!(html, "<li><a href=\"#r{index}-safety\">{}safety</a></li>", escape(&name));
        }
    }
    html.push_str(
        "<li><a href=\"#definitions\">definitions</a></li>\n<li><a href=\"#r0-environment\">environment</a></li>\n</ul></nav>\n</header>\n",
    );
}

/// The collectors as chips, which are both the legend and the switches of their series.
fn switchboard(html: &mut String, views: &[RunView<'_>]) {
    let mut collectors: Vec<&CollectorInfo> = Vec::new();
    for collector in views.iter().flat_map(|s| &s.run.manifest.collectors) {
        if !collectors.iter().any(|known| known.name == collector.name) {
            collectors.push(collector);
        }
    }
    html.push_str("<div class=\"switchboard\" role=\"toolbar\" aria-label=\"Collectors: show or hide in all figures\">\n");
    for collector in collectors {
        let dash = match collector.line {
            LineStyle::Solid => "",
            LineStyle::Dashed => " stroke-dasharray=\"6 3.5\"",
            LineStyle::Dotted => " stroke-dasharray=\"1.75 3\"",
        };
        let _ = writeln!(
            html,
            "<button type=\"button\" class=\"chip\" aria-pressed=\"true\" data-collector=\"{name}\" style=\"{style}\" \
             title=\"{summary}\"><svg width=\"22\" height=\"8\" aria-hidden=\"true\"><path d=\"M0 4H22\" \
             stroke=\"currentColor\" stroke-width=\"2.5\"{dash}/></svg>{name}</button>",
            name = escape(&collector.name),
            style = ink_style(Ink::of(collector)),
            summary = escape(&collector.summary),
        );
    }
    html.push_str(
        "<button type=\"button\" class=\"all\" hidden>show all</button>\n\
         <span class=\"hint\" hidden>click hides, double-click or Shift+Enter isolates</span>\n</div>\n",
    );
}

/// An ink as the two variables from which the style sheet chooses.
fn ink_style(ink: Ink) -> String {
    format!("--l:{};--d:{}", hex(ink.light), hex(ink.dark))
}

fn run(html: &mut String, id: &str, view: &RunView<'_>, figures: &RunFigures, several: bool) {
    let manifest = &view.run.manifest;
    if several {
        let _ = writeln!(html, "<h2 class=\"run prose\">Run {}</h2>", escape(&manifest.run_id));
    }
    if let Some(stamp) = manifest.stamp() {
        let _ = writeln!(html, "<p class=\"stamp prose\" role=\"alert\">{}</p>", escape(&stamp));
    }
    validity(html, id, view);
    summary(html, id, view, figures);
    scaling(html, id, figures);
    for workload in &manifest.workloads {
        let figures = figures.workloads.iter().find(|f| f.workload == workload.name);
        section(html, id, view, workload, figures);
    }
    safety::chapter(html, id, view, figures);
}

fn validity(html: &mut String, id: &str, view: &RunView<'_>) {
    let _ = writeln!(
        html,
        "<section id=\"{id}-trust\" class=\"prose\">\n<h2>Setup and validity</h2>\n<p>{}</p>\n\
         <p class=\"source\">{}</p>\n<ul class=\"findings\">",
        escape(&trust::scope(view)),
        escape(&source(view.run))
    );
    for finding in trust::findings(view) {
        let word = finding.weight.word();
        let _ = writeln!(html, "<li class=\"{word}\"><b>{word}</b> {}</li>", escape(&finding.text));
    }
    html.push_str("</ul>\n</section>\n");
}

fn summary(html: &mut String, id: &str, view: &RunView<'_>, figures: &RunFigures) {
    let _ = writeln!(html, "<section id=\"{id}-summary\">\n<div class=\"prose\"><h2>Summary</h2>");
    let sentences = &view.conclusions.sentences;
    if !sentences.is_empty() {
        html.push_str("<ul class=\"statements\">\n");
        for sentence in sentences {
            let _ = writeln!(html, "<li>{}</li>", escape(sentence));
        }
        html.push_str("</ul>");
    }
    html.push_str("</div>\n<div class=\"figures\">\n");
    for chart in &figures.overviews {
        figure(html, chart);
    }
    html.push_str("</div>\n</section>\n");
}

/// The section on programs at several sizes; nothing without any.
fn scaling(html: &mut String, id: &str, figures: &RunFigures) {
    if figures.scaling.is_empty() {
        return;
    }
    let _ = writeln!(
        html,
        "<section id=\"{id}-scaling\">\n<div class=\"prose\"><h2>Scaling with live objects</h2>\n\
         <p>The same program with increasing numbers of live objects. It requests full collections, \
         whose cost is measured.</p></div>\n<div class=\"figures\">"
    );
    for chart in &figures.scaling {
        figure(html, chart);
    }
    html.push_str("</div>\n</section>\n");
}

fn section(
    html: &mut String,
    id: &str,
    view: &RunView<'_>,
    workload: &WorkloadInfo,
    figures: Option<&WorkloadFigures>,
) {
    let _ = writeln!(
        html,
        "<section id=\"{id}-{}\" class=\"workload\">\n<div class=\"prose\">\n<h2>{} <small>{}</small></h2>\n<p>{}</p>",
        slug(&workload.name),
        escape(&workload.name),
        size_word(workload),
        escape(&workload.summary)
    );
    for paragraph in workload.analysis.split("\n\n").filter(|p| !p.trim().is_empty()) {
        let _ = writeln!(html, "<p class=\"analysis\">{}</p>", escape(paragraph.trim()));
    }
    facts(html, view, workload);
    let Some(figures) = figures else {
        html.push_str("<p>No cell of this workload was run.</p>\n</div>\n</section>\n");
        return;
    };
    html.push_str("</div>\n");
    for (index, (heap, charts)) in figures.heaps.iter().enumerate() {
        // With several heap sizes only the middle one is open at first.
        let several = figures.heaps.len() > 1;
        if several {
            let open = if index == figures.heaps.len() / 2 { " open" } else { "" };
            let _ =
                writeln!(html, "<details{open}><summary>{}</summary>", escape(&heap_words(*heap)));
        }
        html.push_str("<div class=\"figures\">\n");
        for chart in charts {
            figure(html, chart);
        }
        if let Some(scatter) = figures.scatter.as_ref().filter(|_| !several) {
            figure(html, scatter);
        }
        html.push_str("</div>\n");
        if several {
            html.push_str("</details>\n");
        }
    }
    if let Some(scatter) = figures.scatter.as_ref().filter(|_| figures.heaps.len() > 1) {
        html.push_str("<div class=\"figures\">\n");
        figure(html, scatter);
        html.push_str("</div>\n");
    }
    table(html, view, &tables::of_workload(view, workload), &workload.name);
    html.push_str("</section>\n");
}

fn heap_words(heap: HeapSize) -> String {
    match heap {
        HeapSize::LiveMultiple(x) => format!("Heap limit {x}× peak live"),
        HeapSize::Unlimited => "No heap limit".to_owned(),
        bytes @ HeapSize::Bytes(_) => format!("Heap limit {bytes}"),
    }
}

/// Parameters, source and the statistics row of a workload.
fn facts(html: &mut String, view: &RunView<'_>, workload: &WorkloadInfo) {
    html.push_str("<dl class=\"facts\">\n");
    let mut fact = |name: &str, value: String| {
        let _ = writeln!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(&value));
    };
    let parameters: Vec<String> = workload
        .parameters
        .iter()
        .map(|(name, value)| format!("{name} {}", format::count(*value)))
        .collect();
    if !parameters.is_empty() {
        fact("parameters", parameters.join(", "));
    }
    match census(view, workload) {
        Some(s) => {
            fact(
                "objects",
                format!("{}, {}", format::count(s.objects), format::bytes(s.bytes as f64)),
            );
            fact(
                "object size",
                format!(
                    "mean {} B, median {} B, 90 % up to {} B",
                    format::significant(s.mean_bytes),
                    s.median_bytes,
                    s.p90_bytes
                ),
            );
            fact(
                "references",
                format!("{} % of object bytes", format::significant(s.pointer_density * 100.0)),
            );
            fact(
                "live peak",
                format!(
                    "{}, sampled every {}",
                    format::bytes(s.live_peak_bytes as f64),
                    format::bytes(s.live_granularity_bytes as f64)
                ),
            );
            fact(
                "turnover",
                format!("{} allocated per byte of live peak", format::ratio(s.turnover)),
            );
        }
        None => fact(
            "live peak",
            format!("{} (recorded)", format::bytes(workload.peak_live_bytes as f64)),
        ),
    }
    fact("source", workload.source.clone());
    html.push_str("</dl>\n");
}

fn census(view: &RunView<'_>, workload: &WorkloadInfo) -> Option<Statistics> {
    view.run
        .records
        .iter()
        .filter(|r| r.cell.mode == Mode::Census && r.cell.workload == workload.name)
        .find_map(|r| r.sample.as_ref()?.statistics)
}

/// A figure in both layouts; the style sheet shows one of them.
pub(super) fn figure(html: &mut String, chart: &RenderedChart) {
    let id = slug(&chart.stem);
    let _ = writeln!(
        html,
        "<figure id=\"f-{id}\">\n{}\n{}\n</figure>",
        chart.wide.inline(&format!("{id}-w"), "wide"),
        chart.narrow.inline(&format!("{id}-n"), "narrow")
    );
}

fn table(html: &mut String, view: &RunView<'_>, table: &Table, workload: &str) {
    let _ = writeln!(
        html,
        "<p class=\"prose source\">All numbers of {0}. Best in bold; small: interval of the median. Click a column heading to \
         sort.</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Numbers of {0}\">\n<table class=\"numbers\">\n\
         <thead><tr><th scope=\"col\" aria-sort=\"none\"><button type=\"button\">collector</button></th>",
        escape(workload)
    );
    for column in &table.columns {
        let _ = writeln!(
            html,
            "<th scope=\"col\" aria-sort=\"none\" title=\"{}\"><button type=\"button\">{}</button></th>",
            escape(column.meaning),
            escape(column.head)
        );
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for (collector, fields) in &table.rows {
        let known = view.run.manifest.collectors.iter().find(|c| c.name == *collector);
        let style = known.map(|c| ink_style(Ink::of(c).for_text())).unwrap_or_default();
        let _ = write!(
            html,
            "<tr data-collector=\"{0}\"><th scope=\"row\" style=\"{style}\">{0}</th>",
            escape(collector)
        );
        for field in fields {
            push_field(html, field);
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table>\n</div>\n");
}

fn push_field(html: &mut String, field: &Field) {
    let value = field.value.map(|v| format!(" data-value=\"{v}\"")).unwrap_or_default();
    let class = match (field.best, field.value) {
        (true, _) => " class=\"best\"",
        (_, None) => " class=\"missing\"",
        _ => "",
    };
    let _ = write!(html, "<td{class}{value}>{}", escape(&field.text));
    for small in [&field.small, &field.reason].into_iter().filter(|s| !s.is_empty()) {
        let _ = write!(html, "<small>{}</small>", escape(small));
    }
    html.push_str("</td>");
}

fn environment(html: &mut String, id: &str, view: &RunView<'_>) {
    let manifest = &view.run.manifest;
    let environment = &manifest.environment;
    let _ = writeln!(
        html,
        "<section id=\"{id}-environment\" class=\"prose\">\n<h2>Environment of run {}</h2>\n<dl class=\"facts\">",
        escape(&manifest.run_id)
    );
    let rows = [
        ("processor", format!("{}, {} usable", environment.cpu, environment.cpus)),
        ("memory", format::bytes(environment.memory_bytes as f64)),
        ("system", environment.os.clone()),
        ("compiler", environment.rustc.clone()),
        ("build", format!("{}, commit {}", environment.build, environment.commit)),
        ("started", manifest.started.clone()),
        ("seed", manifest.seed.to_string()),
        ("time limit per cell", format::duration_ns(manifest.timeout_ms as f64 * 1e6)),
        ("load before", format!("{:.2}", environment.load_before)),
    ];
    let settings = environment.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in rows.into_iter().chain(settings) {
        let _ = writeln!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(&value));
    }
    let _ = writeln!(
        html,
        "</dl>\n<h3>Reproduce</h3>\n<pre><code>{}</code></pre>\n<p>The raw records are in <code>samples.jsonl</code> of the \
         run directory; next to this page are <code>cells.csv</code>, <code>pauses.csv</code>, <code>summary.md</code> and \
         every figure as SVG and PNG in <code>charts/</code>.</p>\n</section>",
        escape(&manifest.command)
    );
}
