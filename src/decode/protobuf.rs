//! Protocol Buffers by a descriptor set or a .proto file, in their own JSON mapping.

use std::io;
use std::path::{Path, PathBuf};

use prost::Message as _;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};
use serde_json::Value;

use super::error::FormatError;

const NAME: &str = "Protocol Buffers";

/// The largest descriptor set: those of whole companies stay below.
const MAXIMUM_DESCRIPTORS: u64 = 64 * 1024 * 1024;

/// Why there is no message type to decode by.
#[derive(Debug)]
pub enum ProtoError {
    Unreadable(PathBuf, io::Error),
    /// A .proto file, and this build has no compiler for it: the cargo feature `proto`.
    NoCompiler(PathBuf),
    /// A .proto file, or one that it imports, with the compiler's reason.
    Source(PathBuf, String),
    /// No descriptor set.
    Descriptors(PathBuf, String),
    /// The file has these message types.
    UnknownMessage {
        path: PathBuf,
        name: String,
        known: Vec<String>,
    },
}

/// The message type `name` of `path`, a .proto file or a descriptor set. Imports are looked for in `includes`, then
/// beside the file.
pub fn load(path: &Path, includes: &[PathBuf], name: &str) -> Result<MessageDescriptor, ProtoError> {
    let pool = if path.extension().is_some_and(|extension| extension == "proto") {
        compile(path, includes)?
    } else {
        let bytes = read(path).map_err(|error| ProtoError::Unreadable(path.to_owned(), error))?;
        DescriptorPool::decode(&bytes[..])
            .map_err(|error| ProtoError::Descriptors(path.to_owned(), error.to_string()))?
    };
    pool.get_message_by_name(name).ok_or_else(|| ProtoError::UnknownMessage {
        path: path.to_owned(),
        name: name.to_owned(),
        known: message_names(&pool),
    })
}

/// The full names of all message types, in alphabetical order.
pub fn message_names(pool: &DescriptorPool) -> Vec<String> {
    let mut names: Vec<_> = pool.all_messages().map(|message| message.full_name().to_owned()).collect();
    names.sort();
    names
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(std::fs::File::open(path)?, MAXIMUM_DESCRIPTORS + 1), &mut bytes)?;
    if bytes.len() as u64 > MAXIMUM_DESCRIPTORS { Err(io::Error::from(io::ErrorKind::FileTooLarge)) } else { Ok(bytes) }
}

#[cfg(not(feature = "proto"))]
fn compile(path: &Path, _: &[PathBuf]) -> Result<DescriptorPool, ProtoError> {
    Err(ProtoError::NoCompiler(path.to_owned()))
}

#[cfg(feature = "proto")]
fn compile(path: &Path, includes: &[PathBuf]) -> Result<DescriptorPool, ProtoError> {
    let beside = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    // The file itself has to be below one of them.
    let includes = includes.iter().cloned().chain([beside]);
    let failed = |error: &protox::Error| ProtoError::Source(path.to_owned(), error.to_string());
    let mut compiler = protox::Compiler::new(includes).map_err(|error| failed(&error))?;
    compiler.include_imports(true);
    compiler.open_file(path).map_err(|error| failed(&error))?;
    Ok(compiler.descriptor_pool())
}

/// A line of JSON: written by itself, a float of 32 bits keeps its shortest digits.
pub fn decode(message: &MessageDescriptor, payload: &[u8]) -> Result<Vec<u8>, FormatError> {
    let decoded = DynamicMessage::decode(message.clone(), payload)
        .map_err(|error| FormatError::Wrong(NAME, error.to_string()))?;
    // Most bytes are some message: one with nothing that the type knows is none of it.
    if decoded.unknown_fields().next().is_some() && decoded.fields().next().is_none() {
        return Err(FormatError::Wrong(NAME, format!("no field of {} is in it", message.full_name())));
    }
    serde_json::to_vec(&decoded).map_err(|error| FormatError::Wrong(NAME, error.to_string()))
}

pub fn encode(message: &MessageDescriptor, value: &Value) -> Result<Vec<u8>, FormatError> {
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let message = DynamicMessage::deserialize_with_options(message.clone(), value, &options)
        .map_err(|error| FormatError::Unfit(NAME, error.to_string()))?;
    Ok(message.encode_to_vec())
}
