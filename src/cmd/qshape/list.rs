//! `moskit qshape list CLIENT`: what waits for one client, in the order it will get it.

use super::options::ListArgs;
use super::options::selection;
use super::render;
use super::sources::Sources;
use super::table::not_known;
use crate::cmd::applet::Invocation;
use crate::cmd::connect::unreadable::cannot_read;
use crate::queue::select::Selection;
use crate::queue::{Item, Waiting, Want};
use crate::state::ids::UnixTime;
use crate::term::{Exit, Failure, Term, escape_controls};

pub fn run(args: &ListArgs, invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    term.set_quiet(args.quiet.quiet);
    let sources = Sources::new(&args.from, invocation, term)?;
    let selection = selection(&args.selection)?;
    let want = Want {
        topics: true,
        publishers: true,
        bytes: true,
        payloads: args.payload,
        properties: true,
        client: Some(args.client.clone()),
        incoming: args.selection.incoming,
        age_from: sources.age_from.clone(),
        ..Want::default()
    };
    let mut listing =
        Listing { args, selection, seen: 0, shown: 0, undecided: 0, known: false, said: None, damaged: false };
    for word in &sources.words {
        listing.source(word, &sources, &want, term)?;
    }
    listing.end(term)
}

struct Listing<'a> {
    args: &'a ListArgs,
    selection: Selection,
    seen: u64,
    shown: u64,
    /// Messages of which it is not known whether `--older` takes them.
    undecided: u64,
    /// A session of this client was seen, or a message for it.
    known: bool,
    /// How many wait, from a source that lists none.
    said: Option<u64>,
    damaged: bool,
}

impl Listing<'_> {
    fn source(&mut self, word: &str, sources: &Sources, want: &Want, term: &mut Term) -> Result<(), Failure> {
        let now = sources.now(word);
        let mut source = sources.open(word)?;
        let read = source.read(want, &mut |item| match item {
            Item::Message(message) if message.client == self.args.client => self.message(&message, now, term),
            Item::Total(total) if total.client == self.args.client => {
                self.known = true;
                let said = self.said.get_or_insert(0);
                *said = said.saturating_add(total.waiting());
            }
            Item::Session(session) => self.known |= session.client == self.args.client,
            Item::Message(_) | Item::Total(_) | Item::Progress { .. } => {}
        });
        let snapshot = read.map_err(|error| cannot_read(&error, sources.place(word)))?;
        sources.keep_ledger(&snapshot, term)?;
        self.damaged |= render::reading(word, &snapshot, now, term);
        Ok(())
    }

    fn message(&mut self, message: &Waiting<'_>, now: UnixTime, term: &mut Term) {
        self.known = true;
        if !self.selection.takes(message, now) {
            self.undecided += u64::from(self.selection.is_not_known(message, now));
            return;
        }
        self.seen += 1;
        if self.args.limit != 0 && self.seen > self.args.limit as u64 {
            return;
        }
        self.shown += 1;
        // At once: there may be more than fit into memory.
        render::waiting(message, now, self.args, self.shown == 1, term);
    }

    fn end(self, term: &mut Term) -> Result<Exit, Failure> {
        let client = escape_controls(&self.args.client);
        if let Some(said) = self.said.filter(|_| self.seen == 0) {
            render::counted(&client, said, None, term);
        } else if self.known {
            render::counted(&client, self.seen, Some(self.shown), term);
        } else if !self.damaged {
            return Err(Failure::new(Exit::FAILED, format!("no client `{client}` here"))
                .hint("moskit qshape lists the clients that have messages waiting"));
        }
        if !self.damaged && self.undecided > 0 {
            return Err(not_known(self.undecided));
        }
        Ok(if self.damaged { Exit::DAMAGED } else { Exit::OK })
    }
}
