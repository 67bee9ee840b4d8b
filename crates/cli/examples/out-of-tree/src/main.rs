//! The whole command line of the workbench, with one more collector: `cargo run --release -- run -c
//! every-mib,mark-sweep`.

#![forbid(unsafe_code)]

mod every_mib;

fn main() -> std::process::ExitCode {
    let collectors = collectors::registry::standard();
    let collectors = collectors.with::<every_mib::EveryMib>(every_mib::INFO);
    gcw::main(gcw::Registry::of(collectors))
}
