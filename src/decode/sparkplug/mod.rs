//! Sparkplug B: payloads as JSON with the metrics' names, which most messages leave out for an alias of the last birth.

mod datatype;
mod payload;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message as _;
use serde_json::{Map, Value, json};

use super::error::FormatError;
use super::value::float;
use datatype::DataType;
use payload::{
    DataSet, Metric, MetricValue, ParameterValue, Payload, PropertyContent, PropertySet, PropertyValue, Simple,
    Template,
};

const NAME: &str = "Sparkplug B";
const NAMESPACE: &str = "spBv1.0/";

/// Aliases that are remembered, of all edge nodes together. Further ones are shown as their number.
const MAXIMUM_ALIASES: usize = 1_000_000;

/// What a host says about itself, which is JSON.
pub fn is_state(topic: &str) -> bool {
    topic.strip_prefix(NAMESPACE).is_some_and(|rest| rest.starts_with("STATE/"))
}

/// A topic taken apart: `spBv1.0/GROUP/TYPE/EDGE[/DEVICE]`, §4.1.
struct Address<'a> {
    /// Group and edge node.
    edge: (&'a str, &'a str),
    kind: &'a str,
    device: Option<&'a str>,
}

impl<'a> Address<'a> {
    fn parse(topic: &'a str) -> Option<Self> {
        let mut levels = topic.strip_prefix(NAMESPACE)?.split('/');
        let (group, kind, edge) = (levels.next()?, levels.next()?, levels.next()?);
        let device = levels.next();
        levels.next().is_none().then_some(Self { edge: (group, edge), kind, device })
    }
}

/// What the births have said about metrics. An alias is unique within an edge node, its devices included, §6.4.6.
#[derive(Debug, Default)]
pub struct Births {
    edges: HashMap<(String, String), HashMap<u64, Born>>,
    aliases: usize,
}

#[derive(Debug)]
struct Born {
    name: String,
    datatype: Option<DataType>,
    device: Option<String>,
}

impl Births {
    pub fn decode(&mut self, topic: &str, bytes: &[u8]) -> Result<Value, FormatError> {
        let address = Address::parse(topic).ok_or(FormatError::NotSparkplugTopic)?;
        let payload = Payload::decode(bytes).map_err(|error| FormatError::Wrong(NAME, error.to_string()))?;
        if payload == Payload::default() && !bytes.is_empty() {
            return Err(FormatError::Wrong(NAME, "no field of a payload is in it".to_owned()));
        }
        match address.kind {
            "NBIRTH" => {
                self.forget(&address, |_| true);
                self.remember(&address, &payload);
            }
            "DBIRTH" => {
                self.forget(&address, |born| born.device.as_deref() == address.device);
                self.remember(&address, &payload);
            }
            "NDEATH" => self.forget(&address, |_| true),
            "DDEATH" => self.forget(&address, |born| born.device.as_deref() == address.device),
            _ => {}
        }
        let edge = self.edges.get(&(address.edge.0.to_owned(), address.edge.1.to_owned()));
        Ok(self::payload(&payload, edge))
    }

    fn forget(&mut self, address: &Address<'_>, is_dead: impl Fn(&Born) -> bool) {
        let key = (address.edge.0.to_owned(), address.edge.1.to_owned());
        if let Some(edge) = self.edges.get_mut(&key) {
            let before = edge.len();
            edge.retain(|_, born| !is_dead(born));
            self.aliases -= before - edge.len();
            if edge.is_empty() {
                self.edges.remove(&key);
            }
        }
    }

    fn remember(&mut self, address: &Address<'_>, payload: &Payload) {
        let key = (address.edge.0.to_owned(), address.edge.1.to_owned());
        for metric in &payload.metrics {
            let (Some(alias), Some(name)) = (metric.alias, &metric.name) else { continue };
            if self.aliases >= MAXIMUM_ALIASES {
                return;
            }
            let born = Born {
                name: name.clone(),
                datatype: metric.datatype.map(DataType),
                device: address.device.map(str::to_owned),
            };
            if self.edges.entry(key.clone()).or_default().insert(alias, born).is_none() {
                self.aliases += 1;
            }
        }
    }
}

fn put(map: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), value.into());
    }
}

fn payload(payload: &Payload, edge: Option<&HashMap<u64, Born>>) -> Value {
    let mut map = Map::new();
    put(&mut map, "timestamp", payload.timestamp);
    put(&mut map, "seq", payload.seq);
    put(&mut map, "uuid", payload.uuid.clone());
    put(&mut map, "body", payload.body.as_ref().map(|body| BASE64.encode(body)));
    map.insert("metrics".to_owned(), payload.metrics.iter().map(|one| metric(one, edge)).collect());
    Value::Object(map)
}

fn metric(metric: &Metric, edge: Option<&HashMap<u64, Born>>) -> Value {
    let born = metric.alias.and_then(|alias| edge?.get(&alias));
    let name = metric.name.clone().or_else(|| born.map(|born| born.name.clone()));
    let datatype = metric.datatype.map(DataType).or_else(|| born.and_then(|born| born.datatype));
    let mut map = Map::new();
    put(&mut map, "name", name);
    put(&mut map, "alias", metric.alias);
    put(&mut map, "timestamp", metric.timestamp);
    put(&mut map, "datatype", datatype.map(DataType::name));
    put(&mut map, "is_historical", metric.is_historical);
    put(&mut map, "is_transient", metric.is_transient);
    put(&mut map, "metadata", metric.metadata.as_ref().map(metadata));
    put(&mut map, "properties", metric.properties.as_ref().map(properties));
    let value = match &metric.value {
        _ if metric.is_null == Some(true) => Value::Null,
        None => Value::Null,
        Some(MetricValue::Int(number)) => datatype::int(*number, datatype),
        Some(MetricValue::Long(number)) => datatype::long(*number, datatype),
        Some(MetricValue::Float(number)) => single(*number),
        Some(MetricValue::Double(number)) => float(*number),
        Some(MetricValue::Boolean(flag)) => Value::from(*flag),
        Some(MetricValue::String(text)) => Value::from(text.as_str()),
        Some(MetricValue::Bytes(bytes)) => datatype::bytes(bytes, datatype),
        Some(MetricValue::DataSet(set)) => data_set(set),
        Some(MetricValue::Template(one)) => template(one, edge),
    };
    map.insert("value".to_owned(), value);
    Value::Object(map)
}

/// The shortest decimal number that is this one in 32 bits: 21.3 and not 21.299999237060547.
fn single(number: f32) -> Value {
    float(number.to_string().parse().unwrap_or_else(|_| f64::from(number)))
}

fn metadata(metadata: &payload::MetaData) -> Value {
    let mut map = Map::new();
    put(&mut map, "is_multi_part", metadata.is_multi_part);
    put(&mut map, "content_type", metadata.content_type.clone());
    put(&mut map, "size", metadata.size);
    put(&mut map, "seq", metadata.seq);
    put(&mut map, "file_name", metadata.file_name.clone());
    put(&mut map, "file_type", metadata.file_type.clone());
    put(&mut map, "md5", metadata.md5.clone());
    put(&mut map, "description", metadata.description.clone());
    Value::Object(map)
}

fn properties(set: &PropertySet) -> Value {
    let members = set.keys.iter().cloned().zip(set.values.iter().map(property));
    Value::Object(members.collect())
}

fn property(property: &PropertyValue) -> Value {
    let datatype = property.datatype.map(DataType);
    match &property.value {
        _ if property.is_null == Some(true) => Value::Null,
        None => Value::Null,
        Some(PropertyContent::Int(number)) => datatype::int(*number, datatype),
        Some(PropertyContent::Long(number)) => datatype::long(*number, datatype),
        Some(PropertyContent::Float(number)) => single(*number),
        Some(PropertyContent::Double(number)) => float(*number),
        Some(PropertyContent::Boolean(flag)) => Value::from(*flag),
        Some(PropertyContent::String(text)) => Value::from(text.as_str()),
        Some(PropertyContent::Set(set)) => properties(set),
        Some(PropertyContent::Sets(list)) => list.sets.iter().map(properties).collect(),
    }
}

fn data_set(set: &DataSet) -> Value {
    let types: Vec<_> = set.types.iter().map(|number| DataType(*number)).collect();
    let cell = |(place, element): (usize, &payload::Element)| {
        let datatype = types.get(place).copied();
        match &element.value {
            None => Value::Null,
            Some(Simple::Int(number)) => datatype::int(*number, datatype),
            Some(Simple::Long(number)) => datatype::long(*number, datatype),
            Some(Simple::Float(number)) => single(*number),
            Some(Simple::Double(number)) => float(*number),
            Some(Simple::Boolean(flag)) => Value::from(*flag),
            Some(Simple::String(text)) => Value::from(text.as_str()),
        }
    };
    json!({
        "columns": set.columns,
        "types": types.iter().map(|datatype| datatype.name()).collect::<Vec<_>>(),
        "rows": set.rows.iter().map(|row| row.elements.iter().enumerate().map(cell).collect()).collect::<Vec<Value>>(),
    })
}

fn template(template: &Template, edge: Option<&HashMap<u64, Born>>) -> Value {
    let parameter = |parameter: &payload::Parameter| {
        let datatype = parameter.datatype.map(DataType);
        let value = match &parameter.value {
            None => Value::Null,
            Some(ParameterValue::Int(number)) => datatype::int(*number, datatype),
            Some(ParameterValue::Long(number)) => datatype::long(*number, datatype),
            Some(ParameterValue::Float(number)) => single(*number),
            Some(ParameterValue::Double(number)) => float(*number),
            Some(ParameterValue::Boolean(flag)) => Value::from(*flag),
            Some(ParameterValue::String(text)) => Value::from(text.as_str()),
        };
        let mut map = Map::new();
        put(&mut map, "name", parameter.name.clone());
        put(&mut map, "datatype", datatype.map(DataType::name));
        map.insert("value".to_owned(), value);
        Value::Object(map)
    };
    let mut map = Map::new();
    put(&mut map, "version", template.version.clone());
    put(&mut map, "template_ref", template.reference.clone());
    put(&mut map, "is_definition", template.is_definition);
    map.insert("parameters".to_owned(), template.parameters.iter().map(parameter).collect());
    map.insert("metrics".to_owned(), template.metrics.iter().map(|one| metric(one, edge)).collect());
    Value::Object(map)
}

/// A payload from JSON as it is decoded to, without data sets, templates, properties and metadata.
pub fn encode(value: &Value) -> Result<Vec<u8>, FormatError> {
    let Value::Object(fields) = value else { return Err(unfit("a payload is an object")) };
    let mut payload = Payload::default();
    for (name, value) in fields {
        match name.as_str() {
            "timestamp" => payload.timestamp = Some(whole(name, value)?),
            "seq" => payload.seq = Some(whole(name, value)?),
            "uuid" => payload.uuid = Some(text(name, value)?),
            "body" => payload.body = Some(base64(name, value)?),
            "metrics" => {
                let list = value.as_array().ok_or_else(|| unfit("`metrics` is no list"))?;
                payload.metrics = list.iter().map(encode_metric).collect::<Result<_, _>>()?;
            }
            other => return Err(unfit(format_args!("there is no field `{other}` in a payload"))),
        }
    }
    Ok(payload.encode_to_vec())
}

fn encode_metric(value: &Value) -> Result<Metric, FormatError> {
    let Value::Object(fields) = value else { return Err(unfit("a metric is an object")) };
    let mut metric = Metric::default();
    for (name, value) in fields {
        match name.as_str() {
            "name" => metric.name = Some(text(name, value)?),
            "alias" => metric.alias = Some(whole(name, value)?),
            "timestamp" => metric.timestamp = Some(whole(name, value)?),
            "is_historical" => metric.is_historical = Some(flag(name, value)?),
            "is_transient" => metric.is_transient = Some(flag(name, value)?),
            "datatype" => {
                let datatype = DataType::from_name(&text(name, value)?);
                let datatype = datatype.ok_or_else(|| unfit(format_args!("{value} is no data type")))?;
                metric.datatype = Some(datatype.0);
            }
            "value" => {}
            other => return Err(unfit(format_args!("there is no field `{other}` in a metric that can be written"))),
        }
    }
    let datatype = metric.datatype.map(DataType).ok_or_else(|| unfit("a metric needs its `datatype`"))?;
    match fields.get("value") {
        None => return Err(unfit("a metric needs a `value`, which may be null")),
        Some(Value::Null) => metric.is_null = Some(true),
        Some(value) => metric.value = Some(encode_value(value, datatype)?),
    }
    Ok(metric)
}

fn encode_value(value: &Value, datatype: DataType) -> Result<MetricValue, FormatError> {
    if let Some((least, greatest)) = datatype.range() {
        let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
        let number = number.filter(|number| (least..=greatest).contains(number));
        let number = number.ok_or_else(|| unfit(format_args!("{value} is no {}", datatype.name())))?;
        // Signed types are sent as their two's complement.
        return Ok(if datatype.is_int() { MetricValue::Int(number as u32) } else { MetricValue::Long(number as u64) });
    }
    let wrong = || unfit(format_args!("{value} is no {}", datatype.name()));
    match datatype {
        DataType::FLOAT => Ok(MetricValue::Float(value.as_f64().ok_or_else(wrong)? as f32)),
        DataType::DOUBLE => Ok(MetricValue::Double(value.as_f64().ok_or_else(wrong)?)),
        DataType::BOOLEAN => Ok(MetricValue::Boolean(flag("value", value)?)),
        DataType::BYTES | DataType::FILE => Ok(MetricValue::Bytes(base64("value", value)?)),
        text_like if text_like.is_text() => Ok(MetricValue::String(text("value", value)?)),
        _ => Err(unfit(format_args!("values of the data type {} cannot be written", datatype.name()))),
    }
}

fn unfit(why: impl std::fmt::Display) -> FormatError {
    FormatError::Unfit(NAME, why.to_string())
}

fn whole(name: &str, value: &Value) -> Result<u64, FormatError> {
    value.as_u64().ok_or_else(|| unfit(format_args!("`{name}` is no whole number")))
}

fn text(name: &str, value: &Value) -> Result<String, FormatError> {
    value.as_str().map(str::to_owned).ok_or_else(|| unfit(format_args!("`{name}` is no text")))
}

fn flag(name: &str, value: &Value) -> Result<bool, FormatError> {
    value.as_bool().ok_or_else(|| unfit(format_args!("`{name}` is neither true nor false")))
}

fn base64(name: &str, value: &Value) -> Result<Vec<u8>, FormatError> {
    BASE64.decode(text(name, value)?).map_err(|_| unfit(format_args!("`{name}` is no base64")))
}
