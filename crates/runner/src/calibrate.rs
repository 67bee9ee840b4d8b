//! The calibration before a timed cell: a fixed amount of work that shows a disturbed machine.
//!
//! A chase of pointers through 256 KiB, larger than a first-level cache and smaller than a second-level
//! one: it slows down when a neighbour on the same host uses the shared caches or the memory, which is the
//! noise of virtual machines, and it measures no program.

use std::hint::black_box;
use std::time::Instant;

/// Lines of 64 bytes in 256 KiB.
const LINES: usize = 4096;
/// Steps of the chase: about three quarters of a millisecond.
const STEPS: usize = 150_000;
/// Stride of the cycle through the lines, in lines: no prefetcher follows it, and it has no common factor
/// with [`LINES`], so that the cycle has all lines.
const STRIDE: usize = 1597;

/// A line that holds the number of the next one.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line(u32);

/// The time of the chase, in ns.
pub fn calibrate() -> u64 {
    let lines: Vec<Line> = (0..LINES).map(|line| Line(next(line))).collect();
    let mut line = follow(&lines, LINES);
    let clock = Instant::now();
    line = follow(&lines[..], STEPS + line);
    black_box(line);
    u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn next(line: usize) -> u32 {
    ((line + STRIDE) % LINES) as u32
}

/// The line after `steps` steps from the first.
fn follow(lines: &[Line], steps: usize) -> usize {
    (0..steps).fold(0, |line, _| black_box(lines[line]).0 as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cycle_has_all_lines() {
        let lines: Vec<Line> = (0..LINES).map(|line| Line(next(line))).collect();
        assert_eq!(follow(&lines, LINES), 0);
        assert!((1..LINES).all(|steps| follow(&lines, steps) != 0));
    }
}
