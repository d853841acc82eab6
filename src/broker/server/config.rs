//! Everything that a server is started with.

use super::listen::{Bind, Listener};
use crate::broker::fault::Faults;
use crate::broker::store::Store;
use crate::broker::{Access, Event, Interest, Restored, Settings};

/// What the broker calls itself.
pub const VERSION: &str = concat!("moskit version ", env!("CARGO_PKG_VERSION"));

/// Everything a server needs.
pub struct Config {
    pub settings: Settings,
    pub access: Access,
    /// The sockets of `settings.listeners`, as many and in the same order.
    pub listeners: Vec<Listener>,
    /// Where the state is kept, with what is in `restored`; `None`: in memory.
    pub store: Option<Store>,
    pub restored: Restored,
    /// In seconds; 0 = no `$SYS`.
    pub sys_interval: u16,
    /// What `$SYS/broker/version` says.
    pub version: &'static str,
    /// What is to go wrong, to test clients.
    pub faults: Faults,
    pub interest: Interest,
    /// What is called with the events of `interest`. It must not block.
    pub events: Box<dyn FnMut(Event) + Send>,
}

impl Config {
    /// A server with its state in memory, for everybody who reaches `bind`, without a log.
    pub fn open(bind: Vec<Bind>) -> Self {
        Self {
            settings: Settings::default(),
            access: Access::open(),
            listeners: vec![Listener::new(bind)],
            store: None,
            restored: Restored::default(),
            sys_interval: 10,
            version: VERSION,
            faults: Faults::default(),
            interest: Interest::default(),
            events: Box::new(|_| {}),
        }
    }
}
