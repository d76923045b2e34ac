//! Turns, bounds and room of the line before the committer.

use super::*;

/// A request of an account: its number, kilobytes and recipients.
#[derive(Debug, PartialEq)]
struct Request(Id, usize, usize, usize);

impl Waits for Request {
    fn account(&self) -> Id {
        self.0
    }

    fn kilobytes(&self) -> usize {
        self.2
    }

    fn recipients(&self) -> usize {
        self.3
    }
}

fn ids<const N: usize>() -> [Id; N] {
    std::array::from_fn(|_| Id::new(chrono::DateTime::UNIX_EPOCH))
}

fn queues(requests: usize, megabytes: usize) -> Queues<Request> {
    Queues::new(Line { requests, megabytes })
}

#[test]
fn accounts_are_served_in_turn_and_each_in_its_own_order() {
    let [a, b, c] = ids();
    let mut queues = queues(64, 1);
    for (account, number) in [(a, 1), (a, 2), (a, 3), (b, 1), (c, 1), (b, 2)] {
        queues.push(Request(account, number, 1, 1)).expect("room");
    }
    let order: Vec<_> = queues.group().iter().map(|one| (one.0, one.1)).collect();
    assert_eq!(order, [(a, 1), (b, 1), (c, 1), (a, 2), (b, 2), (a, 3)]);
    assert!(queues.group().is_empty());
    assert_eq!(queues.waiting(), (0, 64));
}

#[test]
fn a_group_ends_at_512_requests_and_at_2000_recipients_and_turns_go_on_in_the_next() {
    let [a, b] = ids();
    let mut many = queues(8192, 16);
    (0..1000).for_each(|number| many.push(Request(a, number, 1, 1)).expect("room"));
    assert_eq!(many.group().len(), 512);
    many.push(Request(b, 0, 1, 1)).expect("room");
    let next = many.group();
    assert_eq!((next.len(), next[1].0), (489, b), "whoever comes later is in the next group, near its beginning");
    let mut large = queues(8192, 16);
    (0..30).for_each(|number| large.push(Request(a, number, 1, 100)).expect("room"));
    assert_eq!(large.group().len(), 20);
    large.push(Request(b, 0, 1, 5000)).expect("room");
    assert_eq!(large.group().len(), 1, "what does not fit any more begins the next");
    let next = large.group();
    assert_eq!((next.len(), next[0].0), (1, b), "and more than a group alone is a group");
}

#[test]
fn one_account_has_a_quarter_of_the_line_and_others_have_the_rest() {
    let [a, b] = ids();
    let mut queues = queues(16, 1);
    (0..4).for_each(|number| queues.push(Request(a, number, 1, 1)).expect("a quarter"));
    queues.push(Request(a, 4, 1, 1)).expect_err("more than a quarter");
    queues.push(Request(b, 0, 1, 1)).expect("another's");
    queues.group();
    queues.push(Request(a, 5, 1, 1)).expect("those being committed wait no more");
    let [c, d] = ids();
    queues.push(Request(c, 0, 256, 1)).expect("a quarter of the bytes");
    queues.push(Request(c, 1, 1, 1)).expect_err("more");
    queues.push(Request(d, 0, 700, 1)).expect("more than its quarter, but alone");
    queues.push(Request(b, 1, 100, 1)).expect_err("all there is, is taken");
}

#[test]
fn room_in_bytes_comes_back_with_the_answer_and_a_giant_may_come_alone() {
    let [a] = ids();
    let mut queues = queues(16, 1);
    queues.push(Request(a, 0, 9000, 1)).expect("alone");
    assert_eq!(queues.kilobytes_left(), 0);
    queues.group();
    queues.push(Request(a, 1, 1, 1)).expect_err("it is not answered yet");
    queues.answered(a, 9000);
    assert_eq!((queues.kilobytes_left(), queues.accounts.len()), (1024, 0), "nothing is left behind");
    queues.push(Request(a, 1, 1, 1)).expect("room again");
}
