//! The records as comma-separated values, for analysis by other tools.
//!
//! Column names carry units. An empty field means "not known", never zero. Quoting follows RFC 4180.

use record::{Mode, Record, Run, Size};

/// One row per record.
pub(crate) fn cells(runs: &[Run]) -> String {
    let mut text = String::from(
        "run_id,workload,collector,size,heap,mode,block,order,seed,outcome,reason,process_wall_ns,\
         wall_ns,cpu_ns,teardown_wall_ns,teardown_cpu_ns,heap_limit_bytes,allocated_bytes,\
         allocated_objects,header_as_built_bytes,header_needed_bytes,page_faults,peak_footprint_bytes,\
         peak_rss_bytes,rss_difference_bytes,accounting_errors,pauses,pause_total_ns,live_bytes,\
         unreclaimed_bytes,leaked_bytes,leaked_objects,collections_exhausted,collections_growth,\
         collections_requested,collections_young,threads,queue_peak_bytes,answer_got,answer_expected\n",
    );
    for (run, record) in all(runs) {
        let cell = &record.cell;
        let mut fields = vec![
            run.manifest.run_id.clone(),
            cell.workload.clone(),
            cell.collector.clone(),
            size(cell.size).to_owned(),
            cell.heap.to_string(),
            mode(cell.mode).to_owned(),
            record.block.to_string(),
            record.order.to_string(),
            record.seed.to_string(),
            record.outcome.word().to_owned(),
            record.outcome.reason(),
            record.process_wall_ns.to_string(),
        ];
        fields.extend(measured(record));
        push_line(&mut text, &fields);
    }
    text
}

/// The columns of a sample; empty without one.
fn measured(record: &Record) -> Vec<String> {
    const COLUMNS: usize = 28;
    let Some(sample) = &record.sample else { return vec![String::new(); COLUMNS] };
    let counted: u64 = sample.pause_histogram.iter().map(|(_, count)| count).sum();
    // A record with counts has 0 of a trigger that is not listed.
    let collections = |trigger: &str| {
        sample.collections.as_ref().map(|counts| counts.get(trigger).copied().unwrap_or(0))
    };
    let fields = [
        Some(sample.wall_ns),
        Some(sample.cpu_ns),
        Some(sample.teardown_wall_ns),
        Some(sample.teardown_cpu_ns),
        sample.heap_limit_bytes,
        sample.allocated_bytes,
        sample.allocated_objects,
        sample.header_bytes.map(|h| h.as_built),
        sample.header_bytes.map(|h| h.needed),
        Some(sample.page_faults),
        sample.peak_footprint_bytes,
        Some(sample.peak_rss_bytes),
        sample.rss_difference_bytes,
        Some(sample.accounting_errors),
        Some(counted.max(sample.pauses.len() as u64)),
        Some(sample.pause_total_ns),
        sample.end.map(|e| e.live_bytes),
        sample.end.map(|e| e.unreclaimed_bytes),
        sample.end.map(|e| e.leaked_bytes),
        sample.end.map(|e| e.leaked_objects),
        collections("exhausted"),
        collections("growth"),
        collections("requested"),
        collections("young"),
        sample.threads.map(u64::from),
        sample.queue_peak_bytes,
    ];
    let mut fields: Vec<String> = fields.iter().map(|f| optional(*f)).collect();
    fields.extend([sample.answer.got.clone(), sample.answer.expected.clone()]);
    fields
}

/// The pause histogram of every record: the number of pauses up to a bound and above the bound before.
/// A record without a histogram has one row per pause.
///
/// Start, kind and CPU time of each pause are in the run's own records, which may be a hundred times
/// as long.
pub(crate) fn pauses(runs: &[Run]) -> String {
    let mut text = String::from("run_id,workload,collector,heap,mode,block,up_to_wall_ns,count\n");
    for (run, record) in all(runs) {
        let cell = &record.cell;
        let Some(sample) = &record.sample else { continue };
        let mut buckets = sample.pause_histogram.clone();
        if buckets.is_empty() {
            buckets = sample.pauses.iter().map(|pause| (pause.wall_ns, 1)).collect();
            buckets.sort_unstable();
        }
        for (up_to_ns, count) in buckets {
            let fields = [
                run.manifest.run_id.clone(),
                cell.workload.clone(),
                cell.collector.clone(),
                cell.heap.to_string(),
                mode(cell.mode).to_owned(),
                record.block.to_string(),
                up_to_ns.to_string(),
                count.to_string(),
            ];
            push_line(&mut text, &fields);
        }
    }
    text
}

fn all(runs: &[Run]) -> impl Iterator<Item = (&Run, &Record)> {
    runs.iter().flat_map(|run| run.records.iter().map(move |record| (run, record)))
}

fn optional(value: Option<u64>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

fn push_line(text: &mut String, fields: &[String]) {
    let quoted: Vec<String> = fields.iter().map(|f| quote(f)).collect();
    text.push_str(&quoted.join(","));
    text.push('\n');
}

fn quote(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn size(size: Size) -> &'static str {
    match size {
        Size::Small => "small",
        Size::Default => "default",
        Size::Large => "large",
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Time => "time",
        Mode::Memory => "memory",
        Mode::Pauses => "pauses",
        Mode::Census => "census",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(quote("plain"), "plain");
        assert_eq!(quote("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(optional(None), "");
        assert_eq!(optional(Some(0)), "0");
    }
}
