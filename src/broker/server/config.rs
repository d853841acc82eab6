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
    /// As many as `settings.listeners`, in the same order.
    pub listeners: Vec<Listener>,
    /// Where the state is kept, with what is in `restored`; `None`: in memory.
    pub store: Option<Store>,
    pub restored: Restored,
    /// Seconds; 0 = no `$SYS`.
    pub sys_interval: u16,
    /// What `$SYS/broker/version` says.
    pub version: &'static str,
    /// What is to go wrong, to test clients.
    pub faults: Faults,
    pub interest: Interest,
    /// Gets the events of `interest`. It must not block.
    pub events: Box<dyn FnMut(Event) + Send>,
}

impl Config {
    /// In memory, for everybody who reaches `bind`, silent.
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
