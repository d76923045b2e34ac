//! Who the agency's clients are: a name, a trade, a domain, a size, and for the first few a part to play.

use chrono::{DateTime, Utc};

use super::Wish;
use super::calendar::Calendar;
use super::names::{PLACES, SURNAMES};
use super::random::Random;
use super::sectors::{SECTORS, Sector};
use crate::domain::ids::Id;

/// Beyond this many, further clients are small ones that write every other week.
const REGULARS: usize = 400;

/// What a client shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Healthy, its domain verified: the one to send from at once.
    Ready,
    NearCap,
    AtCap,
    /// Suspended for abuse, with the bounces that led to it.
    Abusive,
    /// Its DNS is not done: it has never sent.
    NoDns,
    Deleted,
    Usual,
    /// One of very many: a letter every other week.
    Rare,
}

/// Everything about a client that does not depend on what it sends.
pub struct Client {
    pub id: Id,
    pub part: Part,
    pub name: String,
    pub domain: String,
    pub sector: &'static Sector,
    pub external_id: String,
    pub tags: Vec<&'static str>,
    pub created_at: DateTime<Utc>,
    /// Messages on a usual day.
    pub usual: f64,
    /// How much more it sends now than 90 days ago: 1 is the same.
    pub growth: f64,
    /// What else is drawn for it comes from here.
    pub random: Random,
}

impl Client {
    /// The client in place `index`: the deleted one comes after all that were wished for.
    #[must_use]
    pub fn new(index: usize, wish: &Wish, calendar: &Calendar) -> Self {
        let mut random = Random::stream(wish.seed, "client", index as u64);
        let part = part(index, wish.sub_accounts);
        let sector = match part {
            Part::Ready => &SECTORS[0],
            Part::NearCap => &SECTORS[6],
            _ => &SECTORS[random.below(SECTORS.len())],
        };
        let name = name(index, sector, wish.seed);
        let created_at = calendar.ago(age(index, part, wish, &mut random));
        Self {
            id: random.id(created_at),
            part,
            domain: format!("{}.example", slug(&name)),
            sector,
            external_id: format!("HS-{:05}", 10_240 + index * 7),
            tags: tags(sector, &mut random),
            created_at,
            usual: usual(part, &mut random),
            growth: 0.9 + random.unit() * 0.7,
            name,
            random,
        }
    }
}

fn part(index: usize, wished: usize) -> Part {
    match index {
        _ if index == wished => Part::Deleted,
        0 => Part::Ready,
        1 => Part::NearCap,
        2 => Part::AtCap,
        3 => Part::Abusive,
        4 => Part::NoDns,
        _ if index >= REGULARS => Part::Rare,
        _ => Part::Usual,
    }
}

/// Days since the client joined. The first have been here longest; one in seven joined within the last 90 days.
fn age(index: usize, part: Part, wish: &Wish, random: &mut Random) -> f64 {
    match part {
        Part::NoDns => 2.0 + random.unit(),
        Part::Deleted => 150.0,
        _ => {
            let place = index as f64 / wish.sub_accounts as f64;
            3.0 + 600.0 * (1.0 - place).powf(1.05) + random.unit() * 3.0
        }
    }
}

fn usual(part: Part, random: &mut Random) -> f64 {
    match part {
        Part::Ready => 38.0,
        Part::NearCap => 64.0,
        Part::AtCap => 42.0,
        Part::Abusive => 36.0,
        Part::NoDns => 0.0,
        Part::Deleted => 14.0,
        Part::Rare => 3.0 + random.unit() * 12.0,
        Part::Usual => match random.below(10) {
            0 => 90.0 + random.unit() * 90.0,
            1..=3 => 24.0 + random.unit() * 36.0,
            _ => 4.0 + random.unit() * 12.0,
        },
    }
}

fn tags(sector: &Sector, random: &mut Random) -> Vec<&'static str> {
    let mut tags = vec![sector.tag];
    let care = ["basic", "standard", "premium"];
    tags.push(care[random.below(3)]);
    if random.chance(0.12) {
        tags.push("vip");
    }
    tags
}

/// A name that no other index has: surname and trade, then surname, trade and place.
fn name(index: usize, sector: &Sector, seed: u64) -> String {
    // 7919 is prime and larger than any list, so that every turn goes through all surnames once.
    let turn = index / SURNAMES.len();
    let surname = SURNAMES[(index * 7919 + seed as usize % 1000) % SURNAMES.len()];
    let trade = sector.trades[(turn + index * 31) % sector.trades.len()];
    match turn {
        0 => format!("{surname} {trade}"),
        _ => {
            let place = PLACES[(turn - 1) % PLACES.len()];
            match (turn - 1) / PLACES.len() {
                0 => format!("{surname} {trade} {place}"),
                // Beyond 8,000 clients, families trade together.
                more => {
                    let partner = SURNAMES[(index * 7919 + more * 13) % SURNAMES.len()];
                    format!("{surname} & {partner} {trade} {place}")
                }
            }
        }
    }
}

/// The letters and digits of `name` in lower case, joined by hyphens.
#[must_use]
pub fn slug(name: &str) -> String {
    let words = name.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::domain_name::DomainName;
    use crate::domain::text::AccountName;

    #[test]
    fn a_hundred_thousand_names_and_domains_are_valid_and_come_once() {
        let now = "2026-11-24T09:30:00Z".parse().unwrap();
        let calendar = Calendar::new(now, 30, 1, Random::stream(1, "parent", 0).id(now)).unwrap();
        let wish = Wish { sub_accounts: 100_000, days: 30, seed: 1 };
        let (mut names, mut domains) = (HashSet::new(), HashSet::new());
        for index in 0..=wish.sub_accounts {
            let client = Client::new(index, &wish, &calendar);
            assert!(AccountName::parse(&client.name).is_ok() && DomainName::parse(&client.domain).is_ok());
            assert!(names.insert(client.name.clone()), "{} comes twice", client.name);
            assert!(domains.insert(client.domain.clone()), "{} comes twice", client.domain);
        }
    }

    #[test]
    fn each_part_is_played_once_and_the_wished_number_lives() {
        let parts: Vec<Part> = (0..=48).map(|index| part(index, 48)).collect();
        for once in [Part::Ready, Part::NearCap, Part::AtCap, Part::Abusive, Part::NoDns, Part::Deleted] {
            assert_eq!(parts.iter().filter(|part| **part == once).count(), 1, "{once:?}");
        }
        assert_eq!(part(1, 1), Part::Deleted);
        assert_eq!(part(450, 1000), Part::Rare);
    }
}
