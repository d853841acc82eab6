//! The formats of payloads that `--decode` and `--encode` name, with the files that they need.

use std::path::Path;

use crate::cmd::connect::data_args::{DataArgs, Kind};
use crate::decode::{Format, FormatName, ProtoError, load_protobuf};
use crate::net::reason;
use crate::term::{Exit, Failure};

/// Message types of a .proto file that are named to whoever has named none of them.
const TYPES_SHOWN: usize = 20;

/// The format that an option names. `--proto` has been checked to be there where it is needed.
pub fn format(kind: &Kind, data: &DataArgs) -> Result<Format, Failure> {
    Ok(match kind.format {
        FormatName::Json => Format::Json,
        FormatName::Cbor => Format::Cbor,
        FormatName::MessagePack => Format::MessagePack,
        FormatName::Sparkplug => Format::Sparkplug,
        FormatName::Hex => Format::Hex,
        FormatName::Protobuf => {
            let file = data.proto.as_deref().unwrap_or(Path::new(""));
            let name = kind.message.as_deref().unwrap_or_default();
            let is_source = file.extension().is_some_and(|extension| extension == "proto");
            if !is_source && !data.proto_paths.is_empty() {
                let text =
                    format!("`{}` is no .proto file, and has nothing that --proto-path could find", file.display());
                return Err(Failure::new(Exit::FAILED, text));
            }
            let message = load_protobuf(file, &data.proto_paths, name).map_err(|error| failure(&error))?;
            Format::Protobuf(Box::new(message))
        }
    })
}

fn failure(error: &ProtoError) -> Failure {
    let failed = |text: String| Failure::new(Exit::FAILED, text);
    match error {
        ProtoError::Unreadable(path, error) => failed(format!("cannot read `{}`: {}", path.display(), reason(error))),
        ProtoError::NoCompiler(path) => {
            failed(format!("cannot read `{}`: this build has no compiler for .proto files", path.display())).hint(
                "protoc --include_imports --descriptor_set_out=FILE makes a descriptor set, which --proto takes; or build moskit \
                 with the cargo feature proto",
            )
        }
        ProtoError::Source(path, why) => failed(format!("cannot compile `{}`: {why}", path.display()))
            .hint("imports are looked for beside the file, or in the folders of --proto-path"),
        ProtoError::Descriptors(path, why) => {
            failed(format!("`{}` is no descriptor set of Protocol Buffers: {why}", path.display()))
                .hint("protoc --include_imports --descriptor_set_out=FILE makes one")
        }
        ProtoError::UnknownMessage { path, name, known } => {
            let what = if name.is_empty() {
                "protobuf needs a message type, as protobuf:TYPE".to_owned()
            } else {
                format!("`{}` has no message type `{name}`", path.display())
            };
            let more = if known.len() > TYPES_SHOWN { ", …" } else { "" };
            let known = known[..known.len().min(TYPES_SHOWN)].join(", ");
            failed(what).hint(format!("`{}` has {known}{more}", path.display()))
        }
    }
}
