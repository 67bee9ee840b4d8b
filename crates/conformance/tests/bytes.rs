//! Programs made of random bytes, as by a fuzzer; proptest draws and shrinks the bytes.

#![forbid(unsafe_code)]

use collectors::registry::standard;
use conformance::{Job, generate, verify};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_bytes_make_a_program_that_every_collector_passes(
        bytes in proptest::collection::vec(any::<u8>(), 4..1200),
    ) {
        let program = generate::from_bytes(&bytes);
        for entry in standard::<()>().entries() {
            let job = Job { program: Some(program.clone()), ..Job::of(entry.info.name, 0..0) };
            let job = Job { shrinks: false, ..job };
            if let Some(failure) = verify(entry.factory, &job, |_| ()).failure {
                prop_assert!(false, "{}", failure);
            }
        }
    }
}
