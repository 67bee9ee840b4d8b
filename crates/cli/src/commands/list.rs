//! `gcw list`: collectors, workloads and suites.

use crate::failure::{Exit, Failure};
use crate::parse::size;
use crate::registry::Registry;
use crate::table::Align::{Left, Right};
use crate::table::{Line, Text, render};
use crate::{json, palette, select};
use analysis::format;
use heap::{PAGES, Parameter};
use record::{CollectorInfo, Size, WorkloadInfo};
use std::io::Write;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to list.
    what: What,
    /// Suite whose workloads are listed: a name or a file [default: the first one].
    #[arg(long)]
    suite: Option<String>,
    /// Input size for which the workloads' live sizes are given.
    #[arg(long, value_parser = size(), default_value = "small")]
    size: Size,
    /// List the parameters that a collector's name can set, such as mark-sweep|growth-1.5.
    #[arg(long)]
    params: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Collectors with family and capabilities.
    Collectors,
    /// Workloads of a suite with their live sizes.
    Workloads,
    /// Suites with their workloads.
    Suites,
}

pub(crate) fn list(args: Args, registry: &Registry, out: &mut dyn Write) -> Result<Exit, Failure> {
    if args.params && args.what != What::Collectors {
        let message = "only collectors have parameters: `gcw list collectors --params`";
        return Err(Failure::Usage(message.to_owned()));
    }
    match args.what {
        What::Collectors if args.params && args.json => {
            json::print(&parameters_as_json(registry), out)?
        }
        What::Collectors if args.params => out.write_all(parameters(registry).as_bytes())?,
        What::Collectors if args.json => json::print(registry.collectors(), out)?,
        What::Collectors => out.write_all(collectors(registry.collectors()).as_bytes())?,
        What::Suites if args.json => json::print(registry.suites(), out)?,
        What::Suites => out.write_all(suites(registry).as_bytes())?,
        What::Workloads => {
            let suite = select::suite(registry, args.suite.as_deref())?;
            let list = registry.workloads(&suite, args.size).map_err(Failure::usage)?;
            if args.json {
                json::print(&list, out)?;
            } else {
                out.write_all(workloads(&list).as_bytes())?;
            }
        }
    }
    Ok(Exit::Fine)
}

fn collectors(list: &[CollectorInfo]) -> String {
    let headings =
        [("collector", Left), ("family", Left), ("capabilities", Left), ("summary", Left)];
    let line = |c: &CollectorInfo| -> Line {
        vec![
            Text::styled(&c.name, palette::collector(&c.colour)),
            word(&c.family).into(),
            c.capabilities.join(" ").into(),
            (&c.summary).into(),
        ]
    };
    render(&headings, &list.iter().map(line).collect::<Vec<_>>())
}

/// The table of the collectors' parameters.
fn parameters(registry: &Registry) -> String {
    let headings =
        [("collector", Left), ("parameter", Left), ("default", Right), ("values and effect", Left)];
    let line = |name: Text, p: &Parameter| -> Line {
        let effect = format!("{}: {}", p.values_in_words(), p.summary);
        vec![name, Text::styled(p.key, palette::strong()), p.text(p.default).into(), effect.into()]
    };
    let own = |(collector, first, p): (&CollectorInfo, bool, &Parameter)| {
        let name = if first { collector.name.as_str() } else { "" };
        line(Text::styled(name, palette::collector(&collector.colour)), p)
    };
    let every = line("every collector".into(), &PAGES);
    let lines: Vec<Line> = parameters_of(registry).map(own).chain([every]).collect();
    let mut text = render(&headings, &lines);
    text.push_str(
        "\nSettings follow a name after bars: 'mark-sweep|growth-1.5|prefetch-0'. KEY-* stands for all \
         words\nof a parameter, a star in the name for all collectors that have it: 'mark-sweep|sizer-*',\
         \n'*|prefetch-0'.\n",
    );
    text
}

/// Parameters with their collector; true for a collector's first.
fn parameters_of(
    registry: &Registry,
) -> impl Iterator<Item = (&CollectorInfo, bool, &'static Parameter)> {
    registry.collectors().iter().flat_map(|collector| {
        let parameters = registry.parameters(&collector.name).iter().enumerate();
        parameters.map(move |(place, parameter)| (collector, place == 0, parameter))
    })
}

fn parameters_as_json(registry: &Registry) -> Vec<serde_json::Value> {
    let value = |collector: &str, p: &Parameter| {
        serde_json::json!({
            "collector": collector,
            "key": p.key,
            "default": p.text(p.default),
            "values": p.values_in_words(),
            "summary": p.summary,
        })
    };
    let own = parameters_of(registry).map(|(collector, _, p)| value(&collector.name, p));
    own.chain([value("*", &PAGES)]).collect()
}

fn workloads(list: &[WorkloadInfo]) -> String {
    let headings = [("workload", Left), ("peak live", Right), ("summary", Left)];
    let live = |bytes: u64| match bytes {
        0 => "not recorded".to_owned(),
        bytes => format::bytes(bytes as f64),
    };
    let line = |w: &WorkloadInfo| -> Line {
        vec![
            Text::styled(&w.name, palette::strong()),
            live(w.peak_live_bytes).into(),
            (&w.summary).into(),
        ]
    };
    render(&headings, &list.iter().map(line).collect::<Vec<_>>())
}

fn suites(registry: &Registry) -> String {
    let headings = [("suite", Left), ("purpose", Left)];
    let lines: Vec<Line> = registry
        .suites()
        .iter()
        .flat_map(|s| {
            let name = Text::styled(&s.name, palette::strong());
            let contents = Text::styled(s.workloads.join(" "), palette::faint());
            [vec![name, (&s.summary).into()], vec!["".into(), contents]]
        })
        .collect();
    render(&headings, &lines)
}

/// The word by which the schema names a value.
fn word<T: serde::Serialize>(value: &T) -> String {
    let word = serde_json::to_value(value).ok();
    word.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
