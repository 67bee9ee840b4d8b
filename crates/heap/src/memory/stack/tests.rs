use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Op {
    Push(u32),
    Pop,
    Truncate(u32),
    Shrink,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => any::<u32>().prop_map(Op::Push),
        3 => Just(Op::Pop),
        1 => (0u32..3000).prop_map(Op::Truncate),
        1 => Just(Op::Shrink),
    ]
}

proptest! {
    #[test]
    fn behaves_as_a_vector_and_charges_whole_pages(ops in proptest::collection::vec(op(), 0..200), start in 0usize..5000) {
        let budget = Arc::new(Budget::new(u64::MAX));
        let stack = Stack::new(Arc::clone(&budget), true).unwrap();
        let mut model: Vec<u32> = (0..start as u32).collect();
        model.iter().for_each(|&word| stack.push(word));
        for op in ops {
            match op {
                Op::Push(word) => { stack.push(word); model.push(word) }
                Op::Pop => prop_assert_eq!(stack.pop(), model.pop()),
                Op::Truncate(len) => { stack.truncate(len); model.truncate(len as usize) }
                Op::Shrink => stack.shrink(),
            }
            prop_assert_eq!(stack.len() as usize, model.len());
            prop_assert_eq!(budget.committed_bytes(), stack.committed_bytes());
            prop_assert!(stack.committed_bytes() >= model.len() as u64 * 4);
        }
        prop_assert_eq!(budget.queue_peak_bytes(), None);
        for (index, &word) in model.iter().enumerate() {
            prop_assert_eq!(stack.get(index as u32), word);
        }
    }
}

#[test]
fn the_pages_of_queues_are_also_counted_separately() {
    let budget = Arc::new(Budget::new(u64::MAX));
    let page = PAGE_BYTES as u64;
    let [stack, mut first] =
        [Stack::new, Stack::queue].map(|new| new(Arc::clone(&budget), true).unwrap());
    assert_eq!(budget.queue_peak_bytes(), Some(0));
    let fill = |stack: &Stack| (0..3 * PAGE_ENTRIES).for_each(|word| stack.push(word));
    [&stack, &first].into_iter().for_each(fill);
    assert_eq!((budget.committed_bytes(), budget.queue_peak_bytes()), (6 * page, Some(3 * page)));
    first.truncate(0);
    first.shrink();
    let second = Stack::queue(Arc::clone(&budget), true).unwrap();
    second.push(0);
    assert_eq!(budget.queue_peak_bytes(), Some(3 * page), "two pages now, three before");
    first.top().push(0);
    fill(&second);
    assert_eq!(budget.queue_peak_bytes(), Some(5 * page), "of both at once");
    drop([stack, first, second]);
    assert_eq!(budget.committed_bytes(), 0);
}
