//! Turns, bounds and ends of waiting for a place.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::domain::ids::Id;

type Entering = Pin<Box<dyn Future<Output = ActionResult<Place>>>>;

fn owners<const N: usize>() -> [Owner; N] {
    std::array::from_fn(|_| Owner::Account(Id::new(chrono::DateTime::UNIX_EPOCH)))
}

fn places(at_once: usize, each: usize, waiting: usize) -> Places {
    Places::new(Bounds { at_once, each, waiting, patience: Duration::from_secs(3600) })
}

fn poll(entering: &mut Entering) -> Option<ActionResult<Place>> {
    match entering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(place) => Some(place),
        Poll::Pending => None,
    }
}

fn enter(places: &Places, owner: Owner) -> Entering {
    let places = places.clone();
    let mut entering: Entering = Box::pin(async move { places.enter(owner).await });
    assert!(poll(&mut entering).is_none(), "it waits");
    entering
}

async fn taken(places: &Places, owner: Owner) -> Place {
    places.enter(owner).await.expect("there is a place")
}

#[tokio::test]
async fn owners_take_turns_however_many_one_of_them_sends() {
    let [a, b] = owners();
    let places = places(1, 1, 100);
    let first = taken(&places, a).await;
    let mut of_a: Vec<Entering> = (0..50).map(|_| enter(&places, a)).collect();
    let mut of_b = enter(&places, b);
    drop(first);
    let second = poll(&mut of_a[0]).expect("its turn").expect("a place");
    assert!(poll(&mut of_b).is_none());
    drop(second);
    let third = poll(&mut of_b).expect("its turn, before 49 of the other").expect("a place");
    assert!(poll(&mut of_a[1]).is_none());
    drop(third);
    assert!(poll(&mut of_a[1]).is_some());
}

#[tokio::test]
async fn one_owner_has_so_many_and_others_find_a_place_at_once() {
    let [a, b] = owners();
    let places = places(4, 2, 100);
    let (one, _two) = (taken(&places, a).await, taken(&places, a).await);
    let mut third = enter(&places, a);
    let _other = taken(&places, b).await;
    assert_eq!(places.taken(), (3, 1));
    drop(one);
    assert!(poll(&mut third).expect("its turn").is_ok());
}

#[tokio::test]
async fn who_waits_no_more_is_passed_over_and_leaves_nothing_behind() {
    let [a, b] = owners();
    let places = places(1, 1, 100);
    let first = taken(&places, a).await;
    let gone: Vec<Entering> = (0..10).map(|_| enter(&places, a)).collect();
    let mut waits = enter(&places, b);
    drop(gone);
    drop(first);
    let place = poll(&mut waits).expect("its turn").expect("a place");
    // One that was given a place, and went before it looked.
    let late = enter(&places, a);
    drop(place);
    drop(late);
    assert_eq!(places.taken(), (0, 0));
    assert!(places.0.state.lock().owners.is_empty());
}

#[tokio::test]
async fn beyond_those_that_may_wait_it_says_so_and_room_is_made_by_who_has_most() {
    let [a, b, c] = owners();
    let places = places(1, 1, 4);
    let _first = taken(&places, a).await;
    let mut of_a: Vec<Entering> = (0..4).map(|_| enter(&places, a)).collect();
    let refused = places.enter(a).await.expect_err("too many wait");
    assert_eq!(refused.lack(), Some(Lack::Places));
    let _of_b = [enter(&places, b), enter(&places, b)];
    assert!(poll(&mut of_a[3]).is_some_and(|place| place.is_err()), "the last of the many was let go");
    assert!(poll(&mut of_a[2]).is_some_and(|place| place.is_err()) && poll(&mut of_a[1]).is_none());
    places.enter(a).await.expect_err("the others have no more than it has");
    places.enter(b).await.expect_err("nor has this one");
    let _of_c = enter(&places, c);
    assert_eq!(places.taken(), (1, 4));
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let [a] = owners();
    let places = Places::new(Bounds { at_once: 1, each: 1, waiting: 10, patience: Duration::from_millis(5) });
    let _first = taken(&places, a).await;
    assert!(places.enter(a).await.is_err());
}
