//! Programs made of any bytes, as a fuzzer makes them; proptest draws and shrinks the bytes.

#![forbid(unsafe_code)]

use collectors::registry::standard;
use conformance::{Job, Kit, generate};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_bytes_make_a_program_that_every_collector_passes(
        bytes in proptest::collection::vec(any::<u8>(), 4..1200),
    ) {
        let program = generate::from_bytes(&bytes);
        for entry in standard::<Kit>().entries() {
            let job = Job { program: Some(program.clone()), ..Job::of(entry.info.name, 0..0) };
            if let Some(failure) = (entry.run)(&Job { shrinks: false, ..job }).failure {
                prop_assert!(false, "{}", failure);
            }
        }
    }
}
