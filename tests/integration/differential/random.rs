//! Scripts from a seed: three clients that connect, subscribe, publish, acknowledge and leave as they like.

use moskit::mqtt::packet::{Packet, Properties, Property, QoS};

use super::Pair;
use super::packets::{self, ack, bytes, connect, disconnect, lasting, publish, subscribe, unsubscribe, will};
use super::script::Script;

/// Retained is only the last: 2.0.11 gives retained messages to shared subscriptions, and of several that match it
/// chooses the order by its hash table.
const TOPICS: [&str; 3] = ["@@@@/x", "@@@@/y", RETAINED];
const RETAINED: &str = "@@@@/x/z";

/// The topic of all wills. Their owners do not subscribe to it: Mosquitto sends a dying client its own will, and so for
/// the second time when it is back.
const WILL: &str = "@@@@w";
const FILTERS: [&str; 9] =
    ["@@@@/x", "@@@@/y", "@@@@/x/z", "@@@@/+", "@@@@/#", "@@@@/x/#", "@@@@/+/z", "$share/g/@@@@/x", "$share/h/@@@@/+"];

const CLIENTS: [&str; 3] = ["@@@@a", "@@@@b", "@@@@c"];

/// Whoever is connected on a line.
#[derive(Clone, Copy)]
struct Who {
    level: u8,
    /// Of [`CLIENTS`].
    client: usize,
}

impl Who {
    fn watches_wills(self) -> bool {
        self.client == 0
    }

    /// Has a receive-maximum, and is always of version 5.
    fn is_narrow(self) -> bool {
        self.client == 2
    }
}

/// Differences that one run tells of at most.
const TOLD: usize = 5;

/// A generator of numbers that gives the same ones for the same seed (xorshift64*).
struct Dice {
    state: u64,
    /// Messages so far: each has a payload of its own.
    messages: u16,
    /// The last message at QoS 2 of each line, to be sent a second time: to 2.1 a third time is an error.
    again: [Option<Vec<u8>>; 3],
}

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }

    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn small(&mut self, limit: u64) -> u16 {
        1 + self.below(limit) as u16
    }

    fn connect(&mut self, who: Who) -> Vec<u8> {
        let (level, client_id) = (who.level, CLIENTS[who.client]);
        let mut connect = if self.once_in(3) { connect(level, client_id) } else { lasting(level, client_id) };
        if !who.watches_wills() && self.once_in(3) {
            let qos = self.below(3) as u8;
            let retain = self.once_in(4);
            connect.will = Some(will(WILL, qos, retain));
        }
        // Always the same for a client: Mosquitto resends at once what an earlier, larger window held.
        if who.is_narrow() {
            connect.properties.push(Property::ReceiveMaximum(2));
        }
        packets::encode(&connect)
    }

    fn publish(&mut self, line: usize, level: u8) -> Vec<u8> {
        let qos = self.below(3) as u8;
        let topic = self.of(&TOPICS);
        let mut publish = publish(topic, qos, self.small(6));
        self.messages += 1;
        publish.payload = format!("message {}", self.messages).into();
        publish.retain = topic == RETAINED && self.once_in(3);
        publish.dup = publish.qos > QoS::AtMostOnce && self.once_in(6);
        if publish.retain && self.once_in(4) {
            publish.payload = bytes::Bytes::new();
        }
        if level == 5 {
            let mut some = [
                Property::PayloadFormatIndicator(1),
                Property::ContentType("text".into()),
                Property::UserProperty("name".into(), "value".into()),
                Property::MessageExpiryInterval(1000),
                Property::ResponseTopic("answer".into()),
                Property::CorrelationData("data".into()),
                Property::TopicAlias(self.small(10)),
            ];
            some.swap(self.below(7) as usize, self.below(7) as usize);
            publish.properties = some.into_iter().filter(|_| self.once_in(6)).collect();
            // An alias that may not be known.
            if publish.properties.topic_alias().is_some() && self.once_in(2) {
                publish.topic = "".into();
            }
        }
        let bytes = bytes(level, &Packet::Publish(publish));
        self.again[line] = (qos == 2).then(|| bytes.clone());
        bytes
    }

    fn subscribe(&mut self, who: Who) -> Vec<u8> {
        let level = who.level;
        let count = 1 + self.below(2);
        let filters: Vec<_> = (0..count)
            .map(|_| {
                let filter = if who.watches_wills() && self.once_in(4) { WILL } else { self.of(&FILTERS) };
                let mut bits = self.below(3) as u8;
                if level == 5 {
                    // 2.0.11 keeps these two of the first time when a client subscribes again.
                    bits |= [0, 8, 0, 4, 12][(filter.len() + who.client) % 5] | self.of(&[0, 0, 0x10, 0x20]);
                    // No local is not for shared subscriptions.
                    if filter.starts_with('$') {
                        bits &= !4;
                    }
                }
                (filter, bits)
            })
            .collect();
        let identifier = if level == 5 { self.of(&[0, 0, 1, 200]) } else { 0 };
        subscribe(level, self.small(9), &filters, identifier)
    }

    fn action(&mut self, line: usize, who: Who) -> Vec<u8> {
        let level = who.level;
        match self.below(20) {
            0 => self.again[line].take().unwrap_or_else(|| self.publish(line, level)),
            1 => {
                let mut both = self.publish(line, level);
                both.extend(self.publish(line, level));
                both
            }
            2..=4 => self.subscribe(who),
            5 => unsubscribe(level, self.small(9), &[self.of(&FILTERS), self.of(&FILTERS)]),
            // To Mosquitto an acknowledgement of nothing widens the window too.
            6.. if who.is_narrow() => self.publish(line, level),
            6..=8 => ack(level, 4, self.small(4), 0),
            9 => ack(level, 5, self.small(4), 0),
            10 => ack(level, 7, self.small(4), 0),
            11..=12 => ack(level, 6, self.small(6), 0),
            13 if level == 5 => {
                let kind = self.of(&[4, 5]);
                ack(level, kind, self.small(4), 0x80)
            }
            _ => self.publish(line, level),
        }
    }

    fn leave(&mut self, level: u8) -> Vec<u8> {
        if level < 5 {
            return disconnect(level, 0, Properties::new());
        }
        let expiry = self.once_in(5).then_some(Property::SessionExpiryInterval(self.below(2) as u32 * 500));
        let reason = self.of(&[0, 0, 4]);
        disconnect(level, reason, expiry.into_iter().collect())
    }
}

fn script(seed: u64) -> Script {
    let mut dice = Dice { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, messages: 0, again: [None, None, None] };
    let mut script = Script::new(&format!("seed {seed}"));
    let mut there = [None; 3];
    for _ in 0..20 + dice.below(20) {
        let line = dice.below(3) as usize;
        script = match there[line] {
            None => {
                let client = if dice.once_in(8) { dice.below(3) as usize } else { line };
                let mut who = Who { level: dice.of(&[3, 4, 4, 5, 5, 5, 5]), client };
                if who.is_narrow() {
                    who.level = 5;
                }
                there[line] = Some(who);
                script.open(line, dice.connect(who))
            }
            Some(who) => match dice.below(14) {
                0 => {
                    there[line] = None;
                    script.cut(line)
                }
                1 => {
                    there[line] = None;
                    script.send(line, dice.leave(who.level)).cut(line)
                }
                _ => script.send(line, dice.action(line, who)),
            },
        };
    }
    script
}

/// Takes away what the difference does not need.
fn shortened(pair: &mut Pair, mut script: Script) -> Script {
    let mut at = 0;
    while at < script.steps.len() {
        let mut shorter = script.clone();
        shorter.steps.remove(at);
        if pair.difference(&shorter).is_some() {
            script = shorter;
        } else {
            at += 1;
        }
    }
    script
}

fn run(seeds: std::ops::Range<u64>) {
    let Some(mut pair) = Pair::start("", "") else { return };
    let mut told = Vec::new();
    for seed in seeds {
        let script = script(seed);
        if let Some(first) = pair.difference(&script) {
            let shorter = shortened(&mut pair, script.clone());
            told.push(match pair.difference(&shorter) {
                Some(difference) => difference.tell(&shorter),
                None => format!("not every time: {}", first.tell(&script)),
            });
        }
        if told.len() == TOLD {
            break;
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n\n"));
}

#[test]
fn random_dialogues_are_the_same_with_both_brokers() {
    run(1..60);
}

#[test]
#[ignore = "minutes: as many scripts as MOSKIT_SCRIPTS says, from MOSKIT_SEED on"]
fn many_random_dialogues_are_the_same_with_both_brokers() {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let first = number("MOSKIT_SEED", 1);
    run(first..first + number("MOSKIT_SCRIPTS", 5_000));
}
