use collectors::registry::standard;
use conformance::{Job, verify};
fn main() {
    let mut args = std::env::args().skip(1);
    let (name, from, to) = (args.next().unwrap(), args.next().unwrap(), args.next().unwrap());
    let mutant = args.next();
    let registry = standard::<()>();
    let (entry, config) = registry.choose(&name).unwrap();
    let job = Job {
        mutant,
        config,
        shrinks: false,
        counts: true,
        ..Job::of(&name, from.parse().unwrap()..to.parse().unwrap())
    };
    let report = verify(entry.factory, &job, |seed| eprintln!("SEED {seed}"));
    println!(
        "{name}: {} of {} fail; {}",
        report.failed,
        report.programs,
        report.failure.map(|f| format!("{f}")).unwrap_or_default()
    );
}
