//! The safety chapter, over a made-up matrix: every verdict, under several collectors.

use super::{read, small};
use charts::write_report;
use record::{
    Bent, CompileFail, Counts, Effect, Failure, SAFETY_FILE, SAFETY_VERSION, Safety, SafetyCell,
    Series, Subject, TrialEnd, Verdict,
};
use std::fs;
use tempfile::TempDir;

/// A matrix of the collectors of the synthetic run, with every verdict in turn.
fn matrix() -> Safety {
    let collectors = super::synthetic::run(1, &super::ONE_HEAP).manifest.collectors;
    let counts = Counts { stale_reads: 12, refused: 3, ..Counts::default() };
    let verdicts = [
        Verdict::Rejected { cases: vec!["a_case".to_owned()] },
        Verdict::Impossible,
        Verdict::Detected,
        Verdict::Happens,
        Verdict::NotApplicable { reason: "it has no owner".to_owned() },
    ];
    let mut turns = verdicts.iter().cycle();
    let mut cells = Vec::new();
    let mut series = Vec::new();
    for collector in &collectors {
        for failure in Failure::ALL {
            let verdict = turns.next().expect("they go round").clone();
            let bent = Bent {
                by: "unsafe".to_owned(),
                verdict: Verdict::Happens,
                runs: 2,
                counts: Counts::default(),
            };
            cells.push(SafetyCell {
                failure,
                collector: collector.name.clone(),
                bent: matches!(verdict, Verdict::Rejected { .. }).then_some(bent),
                verdict,
                runs: 4,
                counts,
                end: TrialEnd::Right,
            });
        }
        let subject = Subject {
            failure: Failure::UseAfterFree,
            program: "splay".to_owned(),
            mistake: "a mistake".to_owned(),
            order: "quarantine".to_owned(),
            bends: String::new(),
        };
        series.push(Series {
            collector: collector.name.clone(),
            subject,
            effects: vec![(Effect::Benign, 3), (Effect::Corrupted, 1)],
            end: TrialEnd::Right,
            counts,
            leaks: Vec::new(),
        });
    }
    let case = CompileFail {
        name: "a_case".to_owned(),
        program: "fn main() -> Vec<u8> {}".to_owned(),
        error: "error[E0308]: mismatched types".to_owned(),
    };
    Safety {
        schema: SAFETY_VERSION,
        seeds: 2,
        build: "a test".to_owned(),
        collectors,
        cells,
        series,
        cases: vec![case],
    }
}

#[test]
fn a_matrix_beside_the_run_becomes_a_chapter() {
    let directory = TempDir::new().unwrap();
    let safety = matrix();
    let mut run = small(1);
    run.directory = directory.path().to_path_buf();
    fs::write(directory.path().join(SAFETY_FILE), serde_json::to_string(&safety).unwrap()).unwrap();
    let paths = write_report(&[run], directory.path()).unwrap();

    let svg = |stem: &str| {
        let chart = paths.charts.iter().find(|chart| chart.svg.ends_with(format!("{stem}.svg")));
        read(&chart.unwrap_or_else(|| panic!("no {stem}")).svg)
    };
    let (matrix, shares) = (svg("safety-matrix"), svg("safety-shares"));
    // The picture's own rules replace each light colour on a dark page.
    for picture in [&matrix, &shares] {
        let (_, dark) = picture.split_once("prefers-color-scheme:dark").expect("dark rules");
        for collector in &safety.collectors {
            let colour = collector.colour.dark.to_lowercase();
            assert!(dark.contains(&colour), "{} has no dark colour", collector.name);
            assert!(picture.contains(&format!("data-collector=\"{}\"", collector.name)));
        }
    }
    for word in ["rejected*", "cannot", "detected", "happens", "n/a"] {
        assert!(matrix.contains(&format!(">{word}</text>")), "no field is {word}");
    }
    let fields = safety.collectors.len() * (Failure::ALL.len() + 1);
    assert_eq!(matrix.matches("<title>").count(), fields, "fields and heads");
    assert!(matrix.contains("n/a: it has no owner"));
    assert!(shares.contains(">75 % benign</text>") && shares.contains(">n = 4</text>"));

    let page = read(&paths.page);
    for words in ["<h2>Safety</h2>", "<summary>a case</summary>", "Vec&lt;u8&gt;", "E0308"] {
        assert!(page.contains(words), "'{words}' is missing");
    }
}

#[test]
fn an_unreadable_matrix_is_reported() {
    let directory = TempDir::new().unwrap();
    let mut run = small(1);
    run.directory = directory.path().to_path_buf();
    fs::write(directory.path().join(SAFETY_FILE), "{\"schema\": 0}").unwrap();
    let paths = write_report(&[run], directory.path()).unwrap();
    let page = read(&paths.page);
    assert!(page.contains("could not be read") && page.contains("gcw safety --out DIR"));
    assert!(paths.charts.iter().all(|chart| !chart.svg.to_string_lossy().contains("safety")));
}
