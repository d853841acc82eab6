//! What the shape of one client's queue means. Pure: what is known of its messages in, findings out.

use std::collections::HashMap;

use super::Waiting;
use crate::state::ids::UnixTime;

/// Mosquitto's defaults for the most messages that wait: since 2.0 and before.
const USUAL_LIMITS: [u64; 2] = [1000, 100];
/// Mosquitto's default for messages in flight.
const USUAL_IN_FLIGHT: u64 = 20;
const NANOS_PER_MINUTE: i64 = 60_000_000_000;
const NANOS_PER_DAY: i64 = 1440 * NANOS_PER_MINUTE;
/// A rate that differs by less over the columns is steady.
const STEADY_FACTOR: f64 = 4.0;
/// Columns that must hold something before a rate is called steady.
const STEADY_COLUMNS: usize = 4;
/// A burst is this much faster than the median of the other columns.
const BURST_FACTOR: f64 = 8.0;
const BURST_LEAST: u64 = 20;
/// A message that is held up is this much older than the next one.
const POISON_FACTOR: i64 = 4;
/// A backlog that has not been touched for so long belongs to nobody.
const ABANDONED_AFTER: i64 = 3 * NANOS_PER_DAY;
/// Columns of the analysis: doubling from five minutes, up to half a year.
const COLUMNS: usize = 17;

/// How long something waits, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    /// It is at least as old.
    pub least: i64,
    /// It is no older either.
    pub is_exact: bool,
}

/// One thing that the queue tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    NothingWaits,
    /// Every subscription is of QoS 0, so nothing is kept for it while it is away.
    QosZeroTrap {
        filters: usize,
    },
    /// QoS 0 messages wait, and go for good with a lost connection.
    QosZeroWaiting {
        count: u64,
    },
    /// Nothing younger than this, and the number waiting is a limit: the newest are being dropped.
    FullQueue {
        waiting: u64,
        limit: u64,
        assumed: bool,
        youngest: Option<Age>,
    },
    /// Messages come at a steady rate and nobody takes them.
    DeadConsumer {
        per_minute: f64,
        oldest: Age,
    },
    /// As long as that nobody will come back for it.
    NeverResumed {
        oldest: Age,
    },
    /// All that may be in flight is, and more waits behind.
    SlowConsumer {
        in_flight: u64,
        queued: u64,
        oldest_in_flight: Option<Age>,
    },
    /// One stretch of time holds most of the messages.
    Burst {
        from: i64,
        to: Option<i64>,
        count: u64,
        topic: Option<(String, u64)>,
    },
    /// The oldest in flight were sent before, and all are of one topic.
    PoisonTopic {
        topic: String,
        sent_again: u64,
        oldest: Option<Age>,
    },
    /// Old messages that are retained ones, given at a subscription: their age is no backlog.
    RetainedReplay {
        count: u64,
    },
    Expired {
        count: u64,
    },
    /// No message says since when it waits.
    AgesUnknown {
        count: u64,
    },
    /// How long they wait is known only from below.
    AtLeast {
        count: u64,
        oldest: Age,
    },
    /// Few and young.
    Healthy {
        count: u64,
        oldest: Age,
    },
}

/// What is known of one client's queue.
#[derive(Debug, Default)]
pub struct Facts {
    pub queued: u64,
    pub in_flight: u64,
    pub qos_zero: u64,
    pub expired: u64,
    pub retained: u64,
    pub unknown_age: u64,
    /// Messages that are not retained replays and of whose age something is known.
    dated: Vec<Dated>,
    oldest_in_flight: Option<Age>,
    /// What the queued messages are no older than, and how many may be older than anything.
    queued_most: Option<i64>,
    queued_without_bound: u64,
    /// Messages sent more than once, by topic, and the age of the oldest.
    sent_again: HashMap<String, (u64, Option<Age>)>,
    pub queue_limit: Option<u64>,
    pub in_flight_limit: Option<u64>,
    pub filters: usize,
    pub filters_of_qos_zero: usize,
}

/// A message of whose age something is known, in nanoseconds.
#[derive(Debug)]
struct Dated {
    age: Age,
    /// What it is no older than, if that is known.
    most: Option<i64>,
    topic: String,
}

impl Dated {
    /// The column that it belongs to for certain.
    fn column(&self) -> Option<usize> {
        let column = column(self.age.least);
        (self.most.map(self::column) == Some(column)).then_some(column)
    }
}

impl Facts {
    pub fn add(&mut self, message: &Waiting<'_>, now: UnixTime) {
        let most = message.since.most_age(now);
        let age = message.since.least_age(now).map(|least| Age { least, is_exact: most == Some(least) });
        if message.is_in_flight() {
            self.in_flight += 1;
            self.oldest_in_flight = self.oldest_in_flight.max(age);
        } else {
            self.queued += 1;
            self.queued_most = self.queued_most.max(most);
            self.queued_without_bound += u64::from(most.is_none());
        }
        self.qos_zero += u64::from(message.qos == 0);
        self.expired += u64::from(message.is_expired(now));
        self.retained += u64::from(message.retain);
        if message.is_in_flight() && message.dup {
            let (count, oldest) = self.sent_again.entry(message.topic.to_owned()).or_default();
            *count += 1;
            *oldest = (*oldest).max(age);
        }
        match age {
            Some(_) if message.retain => {}
            Some(age) => self.dated.push(Dated { age, most, topic: message.topic.to_owned() }),
            None => self.unknown_age += 1,
        }
    }

    fn waiting(&self) -> u64 {
        self.queued.saturating_add(self.in_flight)
    }

    /// All that can be said, the most telling first.
    pub fn findings(&self) -> Vec<Finding> {
        if self.waiting() == 0 {
            let trapped = self.filters > 0 && self.filters == self.filters_of_qos_zero;
            let trap = trapped.then_some(Finding::QosZeroTrap { filters: self.filters });
            return [Some(Finding::NothingWaits), trap].into_iter().flatten().collect();
        }
        let columns = self.columns();
        let held_up = self.poison().or_else(|| self.slow());
        let mut findings: Vec<_> =
            [self.full_queue(), held_up, self.burst(&columns), self.dead(&columns)].into_iter().flatten().collect();
        if findings.is_empty()
            && let Some(oldest) = self.oldest()
        {
            let count = self.waiting();
            // What may be of any age is not known to be young.
            let are_bounded = self.dated.iter().all(|dated| dated.most.is_some());
            findings.push(if are_bounded {
                Finding::Healthy { count, oldest }
            } else {
                Finding::AtLeast { count, oldest }
            });
        }
        let counted = [
            (self.retained, Finding::RetainedReplay { count: self.retained }),
            (self.expired, Finding::Expired { count: self.expired }),
            (self.qos_zero, Finding::QosZeroWaiting { count: self.qos_zero }),
            (self.unknown_age, Finding::AgesUnknown { count: self.unknown_age }),
        ];
        findings.extend(counted.into_iter().filter(|(count, _)| *count > 0).map(|(_, finding)| finding));
        findings
    }

    fn oldest(&self) -> Option<Age> {
        self.dated.iter().map(|dated| dated.age).max()
    }

    /// How many messages fall into each doubling stretch of time, of those of which that is certain.
    fn columns(&self) -> Vec<u64> {
        let mut columns = vec![0; COLUMNS];
        for column in self.dated.iter().filter_map(Dated::column) {
            columns[column] += 1;
        }
        columns
    }

    fn full_queue(&self) -> Option<Finding> {
        let (limit, assumed) = match self.queue_limit {
            Some(limit) => (limit, false),
            None => (USUAL_LIMITS.into_iter().find(|limit| self.queued == *limit)?, true),
        };
        let youngest = self.dated.iter().map(|dated| dated.age).min();
        (limit > 0 && self.queued >= limit).then_some(Finding::FullQueue {
            waiting: self.waiting(),
            limit,
            assumed,
            youngest,
        })
    }

    /// A client that dies on a message gets it again each time it comes back.
    fn poison(&self) -> Option<Finding> {
        let [(topic, (sent_again, oldest))] = self.sent_again.iter().collect::<Vec<_>>()[..] else { return None };
        // Whoever leaves with messages unacknowledged has them marked as well: only ones that are much
        // older than what waits behind them have held the client up.
        let behind = self.queued_most.unwrap_or(0);
        let held_up =
            self.queued_without_bound == 0 && oldest.is_some_and(|oldest| oldest.least / POISON_FACTOR > behind);
        held_up.then(|| Finding::PoisonTopic { topic: topic.clone(), sent_again: *sent_again, oldest: *oldest })
    }

    fn slow(&self) -> Option<Finding> {
        let limit = self.in_flight_limit.unwrap_or(USUAL_IN_FLIGHT);
        let full = self.in_flight >= limit || (self.in_flight > 0 && self.in_flight_limit.is_none() && self.queued > 0);
        (full && self.queued > 0).then_some(Finding::SlowConsumer {
            in_flight: self.in_flight,
            queued: self.queued,
            oldest_in_flight: self.oldest_in_flight,
        })
    }

    fn burst(&self, columns: &[u64]) -> Option<Finding> {
        let (column, count) = columns.iter().copied().enumerate().max_by_key(|(_, count)| *count)?;
        let rates: Vec<f64> = columns.iter().enumerate().map(|(column, count)| rate(column, *count)).collect();
        let mut others: Vec<f64> = rates
            .iter()
            .enumerate()
            .filter(|(at, rate)| *at != column && **rate > 0.0)
            .map(|(_, rate)| *rate)
            .collect();
        others.sort_by(f64::total_cmp);
        let median = others.get(others.len() / 2).copied().unwrap_or(0.0);
        let all = self.dated.len() as u64;
        if count < BURST_LEAST || count * 2 < all || rates[column] < median * BURST_FACTOR {
            return None;
        }
        let (from, to) = span(column);
        Some(Finding::Burst { from, to, count, topic: self.commonest_topic(column) })
    }

    fn commonest_topic(&self, column: usize) -> Option<(String, u64)> {
        let mut topics: HashMap<&str, u64> = HashMap::new();
        for dated in self.dated.iter().filter(|dated| dated.column() == Some(column)) {
            *topics.entry(&dated.topic).or_default() += 1;
        }
        topics
            .into_iter()
            .max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0)))
            .map(|(topic, count)| (topic.to_owned(), count))
    }

    /// Doubling columns that double in number are a steady rate that nobody takes.
    fn dead(&self, columns: &[u64]) -> Option<Finding> {
        let oldest = self.oldest()?;
        if oldest.least > ABANDONED_AFTER {
            return Some(Finding::NeverResumed { oldest });
        }
        let edge = columns.iter().rposition(|count| *count > 0)?;
        // The column of the edge is only partly filled, so its rate says nothing.
        let rates: Vec<f64> = (0..edge).map(|column| rate(column, columns[column])).collect();
        let (least, most) = rates.iter().fold((f64::MAX, 0.0_f64), |(least, most), r| (least.min(*r), most.max(*r)));
        let many_columns = columns.iter().filter(|count| **count > 0).count() >= STEADY_COLUMNS;
        let steady = !rates.is_empty() && least > 0.0 && most / least < STEADY_FACTOR;
        // Without a rate, messages in many columns and none on its way still have no reader.
        let unread = many_columns && self.in_flight == 0;
        let per_minute = self.dated.len() as f64 / (oldest.least.max(1) as f64 / NANOS_PER_MINUTE as f64);
        (unread || (many_columns && steady)).then_some(Finding::DeadConsumer { per_minute, oldest })
    }
}

/// The doubling stretch of time that an age falls into.
fn column(age: i64) -> usize {
    let units = age.max(0) / (5 * NANOS_PER_MINUTE);
    let column = if units == 0 { 0 } else { units.ilog2() as usize + 1 };
    column.min(COLUMNS - 1)
}

/// From which age to which a column reaches.
fn span(column: usize) -> (i64, Option<i64>) {
    let end = 5 * NANOS_PER_MINUTE * (1 << column);
    let from = if column == 0 { 0 } else { end / 2 };
    (from, (column < COLUMNS - 1).then_some(end))
}

/// Messages per minute in a column.
fn rate(column: usize, count: u64) -> f64 {
    let (from, to) = span(column);
    let width = to.unwrap_or(from * 2) - from;
    count as f64 / (width as f64 / NANOS_PER_MINUTE as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Since;
    use crate::state::Phase;

    const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);

    fn message(minutes: i64) -> Waiting<'static> {
        Waiting {
            client: "c",
            user: "",
            topic: "t",
            topic_number: None,
            publisher: "",
            publisher_number: None,
            filter: None,
            bytes: 1,
            qos: 1,
            phase: Phase::Queued,
            retain: false,
            dup: false,
            since: Since::Exact(UnixTime::from_seconds(NOW.seconds() - minutes * 60)),
            expires: None,
            payload: None,
            properties: &[],
        }
    }

    fn facts(messages: impl IntoIterator<Item = Waiting<'static>>) -> Facts {
        let mut facts = Facts::default();
        for message in messages {
            facts.add(&message, NOW);
        }
        facts
    }

    #[test]
    fn a_steady_rate_that_nobody_reads_is_a_dead_consumer() {
        let found = facts((0..600).map(message)).findings();
        assert!(matches!(found[..], [Finding::DeadConsumer { per_minute, .. }] if (0.9..1.1).contains(&per_minute)));
    }

    #[test]
    fn a_backlog_of_days_is_never_resumed() {
        let found = facts((0..99).map(|n| message(n * 100))).findings();
        assert!(matches!(found[..], [Finding::NeverResumed { .. }]), "{found:?}");
    }

    #[test]
    fn a_column_far_above_its_neighbours_is_a_burst() {
        let burst = (0..200).map(|_| Waiting { topic: "flood", ..message(15) });
        let found = facts(burst.chain((0..60).map(message))).findings();
        let Finding::Burst { count, topic, .. } = &found[0] else { panic!("{found:?}") };
        assert_eq!((*count, topic.as_ref().unwrap().0.as_str()), (210, "flood"));
    }

    #[test]
    fn a_full_window_with_more_behind_is_a_slow_consumer() {
        let sent = (0..20).map(|_| Waiting { phase: Phase::WaitPuback, ..message(2) });
        let found = facts(sent.chain((0..7).map(|_| message(1)))).findings();
        assert!(matches!(found[0], Finding::SlowConsumer { in_flight: 20, queued: 7, .. }), "{found:?}");
    }

    #[test]
    fn a_message_sent_again_and_again_is_poison() {
        let sent = [Waiting { phase: Phase::WaitPuback, dup: true, topic: "bad", ..message(300) }];
        let found = facts(sent.into_iter().chain((0..3).map(message))).findings();
        assert!(matches!(&found[0], Finding::PoisonTopic { topic, sent_again: 1, .. } if topic == "bad"), "{found:?}");
    }

    #[test]
    fn a_number_that_is_a_limit_is_a_full_queue() {
        let found = facts((0..1000).map(|n| message(500 + n / 10))).findings();
        assert!(matches!(found[0], Finding::FullQueue { limit: 1000, assumed: true, .. }), "{found:?}");
        let mut known = facts((0..50).map(message));
        known.queue_limit = Some(50);
        assert!(matches!(known.findings()[0], Finding::FullQueue { limit: 50, assumed: false, .. }));
    }

    #[test]
    fn what_is_known_from_below_is_neither_young_nor_in_one_column() {
        let at = |minutes: i64| UnixTime::from_seconds(NOW.seconds() - minutes * 60);
        let first_look = Since::Between { from: Since::EVER, to: NOW };
        let found = facts((0..31).map(|_| Waiting { since: first_look, ..message(0) })).findings();
        let oldest = Age { least: 0, is_exact: false };
        assert_eq!(found, [Finding::AtLeast { count: 31, oldest }]);
        // Between two looks, both in one column: a burst that is one.
        let looks = Since::Look { after: at(38), by: at(25) };
        let found = facts((0..31).map(|_| Waiting { since: looks, ..message(0) })).findings();
        assert!(matches!(found[..], [Finding::Burst { count: 31, .. }]), "{found:?}");
        // Looks that are far from each other tell of no column, but of youth.
        let looks = Since::Look { after: at(90), by: at(2) };
        let found = facts((0..31).map(|_| Waiting { since: looks, ..message(0) })).findings();
        let oldest = Age { least: 2 * NANOS_PER_MINUTE, is_exact: false };
        assert_eq!(found, [Finding::Healthy { count: 31, oldest }]);
        // Nobody knows that what waits behind is younger.
        let sent = [Waiting { phase: Phase::WaitPuback, dup: true, ..message(300) }];
        let behind = Waiting { since: first_look, ..message(0) };
        let found = facts(sent.into_iter().chain([behind])).findings();
        assert!(!found.iter().any(|found| matches!(found, Finding::PoisonTopic { .. })), "{found:?}");
    }

    #[test]
    fn subscriptions_of_qos_0_keep_nothing() {
        let trapped = Facts { filters: 2, filters_of_qos_zero: 2, ..Facts::default() };
        assert_eq!(trapped.findings(), [Finding::NothingWaits, Finding::QosZeroTrap { filters: 2 }]);
        let mixed = Facts { filters: 2, filters_of_qos_zero: 1, ..Facts::default() };
        assert_eq!(mixed.findings(), [Finding::NothingWaits]);
    }

    #[test]
    fn few_and_young_messages_are_healthy_and_oddities_are_added() {
        let found = facts([message(1), Waiting { retain: true, qos: 0, ..message(9000) }]).findings();
        assert!(matches!(
            found[..],
            [
                Finding::Healthy { count: 2, .. },
                Finding::RetainedReplay { count: 1 },
                Finding::QosZeroWaiting { count: 1 }
            ]
        ));
        let unknown = facts([Waiting { since: Since::Unknown, ..message(0) }]).findings();
        assert_eq!(unknown, [Finding::AgesUnknown { count: 1 }]);
    }
}
