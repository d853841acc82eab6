//! `sub --decode`: payloads as JSON, or as digits, before they are shown, selected from and matched.

use super::formats;
use crate::cmd::connect::data_args::DataArgs;
use crate::decode::{Decoded, Decoder, FormatError};
use crate::mqtt::packet::PublishRef;
use crate::mqtt::topic::TopicFilter;
use crate::term::Failure;

/// The formats of topics, in the order in which they were typed.
#[derive(Debug)]
pub struct Decoding(Vec<(Option<TopicFilter>, Decoder)>);

impl Decoding {
    /// `None`: payloads are not decoded.
    pub fn new(data: &DataArgs) -> Result<Option<Self>, Failure> {
        let rules: Result<Vec<_>, Failure> = data
            .decodes
            .iter()
            .map(|(kind, filter)| Ok((filter.clone(), Decoder::new(formats::format(kind, data)?))))
            .collect();
        rules.map(|rules| (!rules.is_empty()).then_some(Self(rules)))
    }

    /// What a payload is in the format of the first filter that matches; `None` where none does.
    pub fn decode(&mut self, publish: &PublishRef<'_>) -> Option<Result<Decoded, FormatError>> {
        let matches = |filter: &Option<TopicFilter>| filter.as_ref().is_none_or(|filter| filter.matches(publish.topic));
        let (_, decoder) = self.0.iter_mut().find(|(filter, _)| matches(filter))?;
        Some(decoder.decode(publish.topic, publish.payload))
    }
}
