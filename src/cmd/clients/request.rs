//! `moskit rr`, and `mosquitto_rr`: publishes a request and prints the first response.

use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use tokio::time::sleep_until;

use super::printer::Printer;
use super::session::{self, Setup};
use super::{debug_lines, ending, leaving, manuals, payload, setup};
use crate::client::{Client, Ending};
use crate::cmd::applet::{Applet, Invocation};
use crate::cmd::connect;
use crate::cmd::connect::arg_error::ArgError;
use crate::cmd::connect::args::{ClientArgs, Strict, Verb};
use crate::cmd::connect::outcome::Outcome;
use crate::cmd::connect::runtime;
use crate::mqtt::packet::{Properties, Property, PropertyOwner, ProtocolVersion, Publish, ReasonCode, Subscription};
use crate::mqtt::session::Event;
use crate::os::signal::SignalKind;
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "rr",
    mosquitto_name: Some("mosquitto_rr"),
    about: "Publish a request and print the response",
    command: || connect::options::command("rr", APPLET.about, connect::options::RR),
    run,
    manual: manuals::RR,
};

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let args = setup::read(&APPLET, Verb::Rr, invocation, term)?;
    let printer = Printer::new(&args, invocation.as_mosquitto, term);
    let payload = payload::of(args.payload.as_ref())?;
    let (Some(payload), Some(topic), Some(response_topic)) = (payload, args.topic.clone(), args.response_topic.clone())
    else {
        let error = ArgError::plain("Error: All of topic, message, and response topic must be supplied.");
        return Err(error.into_failure(&invocation.program));
    };
    let mut properties = args.properties.publish.clone();
    properties.push(Property::ResponseTopic(response_topic.clone().into_inner()));
    // Whatever is wrong with them, Mosquitto has one text for it.
    if properties.check(PropertyOwner::Publish).is_err() {
        let line = "Error in PUBLISH properties: Duplicate response topic.\n";
        return Err(Failure::verbatim(Exit::FAILED, line).quietable());
    }
    let setup = session::prepare(Verb::Rr, invocation, &args, term)?;
    let (topic, response_topic) = (topic.into_inner(), response_topic.into_inner());
    session::run(Verb::Rr, async move {
        Requesting::new(&args, setup, printer, Request { topic, response_topic, payload }).run(term).await
    })
}

/// What is asked, and where the answer comes.
struct Request {
    topic: ByteString,
    response_topic: ByteString,
    payload: Bytes,
}

/// A run of rr.
struct Requesting<'a> {
    args: &'a ClientArgs,
    setup: Setup,
    client: Client,
    printer: Printer,
    request: Request,
    accepted: bool,
    /// When the request went out.
    asked_at: Option<Instant>,
}

impl<'a> Requesting<'a> {
    fn new(args: &'a ClientArgs, mut setup: Setup, printer: Printer, request: Request) -> Self {
        let client = Client::new(setup.session());
        Self { args, setup, client, printer, request, accepted: false, asked_at: None }
    }

    async fn run(mut self, term: &mut Term) -> Result<Exit, Failure> {
        self.setup.start(&mut self.client).await?;
        let timeout_at = self.args.timeout.map(|after| Instant::now() + after);
        let mut alarm = runtime::listen(SignalKind::alarm())?;
        loop {
            let now = Instant::now();
            loop {
                match self.client.poll_event(now) {
                    Ok(None) => break,
                    Ok(Some(event)) => {
                        if let Some(exit) = self.handle(event, now, term)? {
                            return Ok(self.leave(exit, ReasonCode::SUCCESS, term).await);
                        }
                    }
                    Err(ending) => return Err(self.lost(&ending, term).await),
                }
            }
            if !leaving::acknowledge_shown(&mut self.client, term) {
                return Ok(self.leave(Exit::OK, ReasonCode::SUCCESS, term).await);
            }
            let moved = tokio::select! {
                moved = self.client.transfer() => moved,
                () = sleep_until(timeout_at.unwrap_or(now).into()), if timeout_at.is_some() => {
                    return Ok(self.timed_out(term).await);
                }
                _ = alarm.recv() => return Ok(self.timed_out(term).await),
            };
            if let Err(ending) = moved {
                return Err(self.lost(&ending, term).await);
            }
        }
    }

    /// Acts on one event; an exit code ends the program.
    fn handle(&mut self, event: Event, now: Instant, term: &mut Term) -> Result<Option<Exit>, Failure> {
        match event {
            Event::Trace(trace) => debug_lines::tell(self.client.session(), &trace, term),
            Event::Connected(_) => {
                self.accepted = true;
                self.subscribe(now, term);
            }
            Event::Refused(connack) => return Err(self.setup.refused(Verb::Rr, &connack)),
            Event::SubAck(suback) => match suback.codes.iter().find(|code| code.is_error()) {
                Some(code) => {
                    term.note(code.text());
                    return Ok(Some(if self.args.strict >= Strict::Refusals { Exit(code.0) } else { Exit::OK }));
                }
                None => self.ask(now, term)?,
            },
            Event::Message(publish) if publish.retain && self.args.no_retained => {
                self.client.session().acknowledge(&publish);
            }
            Event::Message(publish) => {
                self.client.session().acknowledge(&publish);
                // Its line of the log stands in front of the message.
                if self.args.debug {
                    self.drain_log(term);
                }
                self.printer.print(publish.as_ref(), term);
                // What comes before the question is shown, as Mosquitto does, and is no answer to it.
                let Some(asked_at) = self.asked_at else { return Ok(None) };
                if self.args.latency {
                    term.line(latency(now - asked_at));
                }
                return Ok(Some(Exit::OK));
            }
            Event::Acknowledged(acknowledged) if acknowledged.reason.is_error() => {
                let (id, reason) = (acknowledged.packet_id, acknowledged.reason);
                term.note(format_args!("Warning: Publish {id} failed: {}.", reason.text()));
                if self.args.strict >= Strict::Refusals {
                    return Ok(Some(Exit(reason.0)));
                }
            }
            // Mosquitto takes the number of "not connected" for a good end.
            Event::Disconnected(_) => return Ok(Some(Exit::OK)),
            Event::Unsendable { error, .. } => return Err(ending::not_sent(error)),
            Event::Auth(_) => return Err(ending::asked_to_authenticate()),
            Event::Acknowledged(_) | Event::UnsubAck(_) => {}
        }
        Ok(None)
    }

    fn subscribe(&mut self, now: Instant, term: &mut Term) {
        let args = self.args;
        let options = args.subscription_options();
        let subscriptions = vec![Subscription { filter: self.request.response_topic.clone(), options }];
        let sent = self.client.session().subscribe(subscriptions, args.properties.subscribe.clone(), now);
        if let Err(error) = sent {
            ending::note_unsent("SUBSCRIBE", error, term);
        }
    }

    fn ask(&mut self, now: Instant, term: &mut Term) -> Result<(), Failure> {
        let mut properties = self.args.properties.publish.clone();
        if self.setup.version() == ProtocolVersion::V5 {
            properties.push(Property::ResponseTopic(self.request.response_topic.clone()));
        } else if !properties.is_empty() {
            term.note("warning: this version of MQTT has no properties: -D publish is left out");
            properties = Properties::new();
        }
        let publish = Publish {
            dup: false,
            qos: self.args.qos,
            retain: false,
            topic: self.request.topic.clone(),
            packet_id: None,
            properties,
            payload: self.request.payload.clone(),
        };
        self.asked_at = Some(Instant::now());
        self.client.session().publish(publish, now).map(drop).map_err(ending::not_sent)
    }

    /// `-W`, or an alarm.
    async fn timed_out(&mut self, term: &mut Term) -> Exit {
        let exit = self.leave(Exit(Outcome::Timeout as u8), ReasonCode::DISCONNECT_WITH_WILL, term).await;
        term.note("Timed out");
        exit
    }

    /// DISCONNECT, and the end.
    async fn leave(&mut self, exit: Exit, reason: ReasonCode, term: &mut Term) -> Exit {
        leaving::acknowledge_shown(&mut self.client, term);
        leaving::settle(&mut self.client, term).await;
        leaving::leave(&mut self.client, reason, &self.args.properties.disconnect, term).await;
        exit
    }

    async fn lost(&mut self, ending: &Ending, term: &mut Term) -> Failure {
        self.drain_log(term);
        leaving::acknowledge_shown(&mut self.client, term);
        self.setup.lost(&mut self.client, self.accepted, ending).await
    }

    fn drain_log(&mut self, term: &mut Term) {
        debug_lines::drain(self.client.session(), term);
    }
}

/// The time between request and response, in the largest unit that is not 0.
fn latency(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    match nanoseconds {
        0..1_000 => format!("Latency: {nanoseconds}ns"),
        1_000..1_000_000 => format!("Latency: {:.6}µs", nanoseconds as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("Latency: {:.6}ms", nanoseconds as f64 / 1e6),
        _ => format!("Latency: {}.{:09}", time.as_secs(), time.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_shown_in_the_unit_that_fits() {
        let rows = [
            (999, "Latency: 999ns"),
            (1_500, "Latency: 1.500000µs"),
            (2_345_678, "Latency: 2.345678ms"),
            (3_000_000_007, "Latency: 3.000000007"),
        ];
        for (nanoseconds, text) in rows {
            assert_eq!(latency(Duration::from_nanos(nanoseconds)), text);
        }
    }
}
