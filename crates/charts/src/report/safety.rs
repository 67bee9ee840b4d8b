//! The safety chapter: outcomes of faulty programs, and programs that the compiler rejects.

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
                "<p>The safety matrix could not be read: {}</p>\n</div>\n</section>",
                escape(problem)
            );
            return;
        }
    };
    open(html, id);
    html.push_str(
        "<p>The programs are workloads with a few injected faults in each run: a missing \
         <code>free</code>, an early or a second one, a use of a borrow whose object was freed. The heap \
         is a sandbox, so each fault is executed and its effects are counted. The same fault means \
         different operations under different disciplines: reference counting counts a copied pointer, \
         and a tracer ignores a <code>free</code>. Faults that the compiler rejects are written with \
         <code>unsafe</code>, to show what the compiler prevents.</p>\n\
         <p>A logical leak, such as an entry left in a table, happens under every discipline: no \
         collector can decide whether a reachable object is still needed.</p>\n</div>\n<div class=\"figures\">\n",
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

/// The rejected programs with the compiler's messages, collapsed.
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
