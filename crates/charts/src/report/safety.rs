//! The chapter on safety: what becomes of faulty programs, and what the compiler says to some.

use super::figures::RunFigures;
use super::page::figure;
use crate::canvas::svg::escape;
use crate::scene::RunView;
use record::Safety;
use std::fmt::Write as _;

// Writing to a `String` cannot fail, so the results of `write!` are dropped.

/// Writes the chapter, if the run has a safety matrix.
pub(super) fn chapter(html: &mut String, id: &str, view: &RunView<'_>, figures: &RunFigures) {
    let safety = match &view.safety {
        Ok(None) => return,
        Ok(Some(safety)) => safety,
        Err(problem) => {
            open(html, id);
            let _ = writeln!(
                html,
                "<p>It could not be read: {}</p>\n</div>\n</section>",
                escape(problem)
            );
            return;
        }
    };
    open(html, id);
    html.push_str(
        "<p>The programs are workloads whose author errs a few times in each run: leaves out a \
         <code>free</code>, frees too early or twice, uses a borrow of what was freed. The heap is a \
         sandbox, so each mistake is executed and its effects are counted. Every discipline reads the \
         author's act in its own way: a copy of a pointer is counted where pointers are counted, and a \
         <code>free</code> means nothing to a tracer. What the compiler rejects is bent by \
         <code>unsafe</code>, to show what it prevents.</p>\n\
         <p>A logical leak, an entry forgotten in a table, happens under every discipline: what is \
         reachable may be needed, as far as anybody can know.</p>\n</div>\n<div class=\"figures\">\n",
    );
    for chart in &figures.safety {
        figure(html, chart);
    }
    html.push_str("</div>\n");
    cases(html, safety);
    html.push_str("</section>\n");
}

fn open(html: &mut String, id: &str) {
    let _ = writeln!(
        html,
        "<section id=\"{id}-safety\" class=\"workload\">\n<div class=\"prose\">\n<h2>Safety</h2>"
    );
}

/// The programs that are rejected, each with the compiler's words, to be opened.
fn cases(html: &mut String, safety: &Safety) {
    if safety.cases.is_empty() {
        return;
    }
    html.push_str("<div class=\"prose\">\n<h3>Programs that the compiler rejects</h3>\n");
    for case in &safety.cases {
        let _ = writeln!(
            html,
            "<details><summary>{}</summary>\n<pre><code>{}</code></pre>\n<pre><code>{}</code></pre>\n</details>",
            escape(&case.name.replace('_', " ")),
            escape(&case.program),
            escape(&case.error)
        );
    }
    html.push_str("</div>\n");
}
