//! The bridges of a mosquitto.conf. moskit's broker has none; a mistake in one is read all the same, because Mosquitto
//! does not start with it. What is asked of an option was measured with Mosquitto 2.1.2.

use super::problem::{BridgeProblem, Place, Problem};
use super::value::Line;
use crate::mqtt::topic::TopicFilter;

/// What the value of a bridge's option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Flag,
    Number,
    Range(i32, i32),
    /// May be given once.
    Text,
    /// The same; Mosquitto's sentences speak of it under this name.
    TextOf(&'static str),
    LastText,
    /// A text that chooses TLS with certificates.
    Certificate,
    /// A text that chooses TLS with a pre-shared key.
    Psk,
    LocalClientId,
    /// One of these.
    Word(&'static [&'static str]),
    StartType,
    /// `HOST[:PORT]…`
    Addresses,
    Topic,
    RestartTimeout,
    /// Three numbers: idle, interval, counter.
    TcpKeepAlive,
}

/// One bridge, as far as it decides whether Mosquitto starts.
#[derive(Clone, Debug)]
pub(super) struct Bridge {
    pub name: String,
    pub place: Place,
    pub local_client_id: Option<String>,
    has_address: bool,
    has_topic: bool,
    has_certificate: bool,
    has_psk: bool,
    has_identity: bool,
    texts_seen: Vec<&'static str>,
}

impl Bridge {
    pub fn new(name: &str, place: Place) -> Self {
        Self {
            name: name.to_owned(),
            place,
            local_client_id: None,
            has_address: false,
            has_topic: false,
            has_certificate: false,
            has_psk: false,
            has_identity: false,
            texts_seen: Vec::new(),
        }
    }

    /// Reads the line of the option `name`.
    pub fn apply(&mut self, name: &'static str, value: Value, line: &Line<'_>) -> Result<(), Problem> {
        match value {
            Value::Flag => drop(line.flag()?),
            Value::Number => drop(line.number()?),
            Value::Range(least, most) => {
                let number = line.number()?;
                if number < least {
                    return Err(Problem::TooSmall { option: line.name.to_owned(), least });
                }
                if number > most {
                    return Err(Problem::TooLarge { option: line.name.to_owned(), most });
                }
            }
            Value::Text => drop(self.once(name, line)?),
            Value::TextOf(called) => drop(self.once(called, &line.called(called))?),
            Value::LastText => drop(line.text()?),
            Value::LocalClientId => {
                // Mosquitto's sentence leaves a letter out.
                const CALLED: &str = "bridge local clientd";
                self.local_client_id = Some(self.once(CALLED, &line.called(CALLED))?.to_owned());
            }
            Value::Certificate => {
                if self.has_psk || self.has_identity {
                    return Err(both(line));
                }
                self.has_certificate = true;
                self.once(name, line)?;
            }
            Value::Psk => {
                if self.has_certificate {
                    return Err(both(line));
                }
                self.once(name, line)?;
                match name {
                    "bridge_psk" => self.has_psk = true,
                    _ => self.has_identity = true,
                }
            }
            Value::Word(known) => {
                let word = line.word()?;
                if !known.contains(&word) {
                    return Err(line.invalid(word));
                }
            }
            Value::StartType => match line.word()? {
                "automatic" | "lazy" | "once" => {}
                "manual" => return Err(Problem::Bridge(BridgeProblem::ManualStart)),
                other => return Err(line.invalid(other)),
            },
            Value::Addresses => {
                if std::mem::replace(&mut self.has_address, true) {
                    return Err(Problem::Bridge(BridgeProblem::DuplicateAddress));
                }
                addresses(line)?;
            }
            Value::Topic => {
                self.has_topic = true;
                topic(line)?;
            }
            Value::RestartTimeout => restart_timeout(line)?,
            Value::TcpKeepAlive => tcp_keep_alive(line)?,
        }
        Ok(())
    }

    fn once<'a>(&mut self, name: &'static str, line: &Line<'a>) -> Result<&'a str, Problem> {
        let text = line.text()?;
        if self.texts_seen.contains(&name) {
            return Err(Problem::Duplicate { option: name.to_owned() });
        }
        self.texts_seen.push(name);
        Ok(text)
    }

    /// What only the whole bridge shows.
    pub fn problem(&self) -> Option<BridgeProblem> {
        let name = || self.name.clone();
        if !self.has_address {
            return Some(BridgeProblem::NoAddress { name: name() });
        }
        if !self.has_topic {
            return Some(BridgeProblem::NoTopic { name: name() });
        }
        match (self.has_psk, self.has_identity) {
            (true, false) => Some(BridgeProblem::PskNeeds { name: name(), missing: "bridge_identity" }),
            (false, true) => Some(BridgeProblem::PskNeeds { name: name(), missing: "bridge_psk" }),
            _ => None,
        }
    }
}

fn both(line: &Line<'_>) -> Problem {
    Problem::Bridge(BridgeProblem::PskAndCertificate { option: line.name.to_owned() })
}

/// Words with a colon end in a port. What follows `#` is taken for a host there too, and only not found.
fn addresses(line: &Line<'_>) -> Result<(), Problem> {
    line.text()?;
    for word in line.words().map(String::from_utf8_lossy) {
        let Some((_, port)) = word.rsplit_once(':') else { continue };
        let digits: String = port.chars().take_while(char::is_ascii_digit).collect();
        if !digits.parse().is_ok_and(|port: u16| port != 0) {
            return Err(Problem::Bridge(BridgeProblem::Port { value: port.to_owned() }));
        }
    }
    Ok(())
}

/// `topic PATTERN [DIRECTION [QOS [LOCAL-PREFIX [REMOTE-PREFIX]]]]`. `""` is an empty one.
fn topic(line: &Line<'_>) -> Result<(), Problem> {
    line.text()?;
    // A comment may follow the direction.
    let is_read = |(index, word): &(usize, &[u8])| *index < 2 || !word.starts_with(b"#");
    let words = line.words().enumerate().take_while(is_read);
    let words: Vec<_> = words.map(|(_, word)| String::from_utf8_lossy(word.trim_ascii())).collect();
    let word = |index: usize| words.get(index).map(AsRef::as_ref);
    let refuse = |problem| Err(Problem::Bridge(problem));
    if let Some(direction) = word(1).filter(|word| !matches!(*word, "in" | "out" | "both")) {
        return refuse(BridgeProblem::Direction { value: direction.to_owned() });
    }
    // A word without digits counts as 0 there.
    if let Some(qos) = word(2).filter(|word| word.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
        && !matches!(qos, "0" | "1" | "2")
    {
        return refuse(BridgeProblem::QoS { value: qos.to_owned() });
    }
    let pattern = word(0).filter(|word| *word != "\"\"");
    let prefixes = [word(3), word(4)].map(|prefix| prefix.filter(|word| *word != "\"\""));
    for prefix in prefixes.into_iter().flatten() {
        if prefix.contains(['+', '#']) {
            return refuse(BridgeProblem::Prefix { value: prefix.to_owned() });
        }
        let joined = format!("{prefix}{}", pattern.unwrap_or_default());
        if TopicFilter::check(&joined).is_err() {
            return refuse(BridgeProblem::Prefix { value: joined });
        }
    }
    if pattern.is_none() && prefixes.iter().any(Option::is_none) {
        return refuse(BridgeProblem::Remapping);
    }
    Ok(())
}

/// `restart_timeout FIRST [MOST]`
fn restart_timeout(line: &Line<'_>) -> Result<(), Problem> {
    line.word()?;
    let mut numbers = line.words().map(leading_number);
    match (numbers.next(), numbers.next()) {
        (Some(first), Some(most)) if most < first.max(1) => Err(Problem::Bridge(BridgeProblem::RestartTimeout)),
        _ => Ok(()),
    }
}

/// As C's `atoi`: what stands before the first other character, or 0.
fn leading_number(word: &[u8]) -> u64 {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

fn tcp_keep_alive(line: &Line<'_>) -> Result<(), Problem> {
    let parts = ["bridge_tcp_keepalive_idle", "bridge_tcp_keepalive_interval", "bridge_tcp_keepalive_counter"];
    let mut words = line.words();
    for part in parts {
        let word = words.next().ok_or_else(|| Problem::Empty { option: part.to_owned() })?;
        let number = std::str::from_utf8(word).ok().and_then(|word| word.trim_ascii().parse::<i32>().ok());
        let number = number.ok_or_else(|| Problem::NotANumber { option: part.to_owned() })?;
        if number < 1 {
            return Err(line.called(part).invalid(number));
        }
    }
    Ok(())
}
