//! Statements that are run for one row after another.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection};

/// Bytes of a text that are compared with that of the row before: longer ones seldom come again.
const COMPARED: usize = 128;

/// A statement with the values of the last row. Only those that differ from it are bound for the next: most of a batch comes from
/// one client, and binding a value takes longer than seeing that it is the same.
#[derive(Default)]
pub(super) struct RowByRow<'a> {
    statement: Option<CachedStatement<'a>>,
    /// One for each parameter; none while it is not known what they are.
    bound: Vec<Bound>,
}

/// A value of the last row.
#[derive(Default)]
enum Bound {
    /// It is bound for each row.
    #[default]
    Unknown,
    Null,
    Integer(i64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl<'a> RowByRow<'a> {
    /// Runs `statement`, which is the same each time, with `values` for its parameters.
    pub(super) fn run(
        &mut self,
        connection: &'a Connection,
        statement: &str,
        values: &[ValueRef<'_>],
    ) -> Result<(), rusqlite::Error> {
        let ready = match &mut self.statement {
            Some(ready) => ready,
            none => none.insert(connection.prepare_cached(statement)?),
        };
        if self.bound.len() != values.len() {
            self.bound.resize_with(values.len(), Bound::default);
        }
        if let Err(error) = bind(ready, &mut self.bound, values) {
            self.bound.clear();
            return Err(error);
        }
        ready.raw_execute().map(|_| ())
    }
}

fn bind(
    statement: &mut CachedStatement<'_>,
    bound: &mut [Bound],
    values: &[ValueRef<'_>],
) -> Result<(), rusqlite::Error> {
    for (index, (value, bound)) in values.iter().zip(bound).enumerate() {
        if !bound.is(*value) {
            statement.raw_bind_parameter(index + 1, ToSqlOutput::Borrowed(*value))?;
            bound.set(*value);
        }
    }
    Ok(())
}

impl Bound {
    #[inline]
    fn is(&self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (Self::Integer(bound), ValueRef::Integer(value)) => *bound == value,
            (Self::Text(bound), ValueRef::Text(value)) | (Self::Blob(bound), ValueRef::Blob(value)) => bound == value,
            (Self::Null, ValueRef::Null) => true,
            _ => false,
        }
    }

    #[inline]
    fn set(&mut self, value: ValueRef<'_>) {
        match (self, value) {
            (Self::Integer(bound), ValueRef::Integer(value)) => *bound = value,
            (Self::Text(bound), ValueRef::Text(value)) | (Self::Blob(bound), ValueRef::Blob(value))
                if value.len() <= COMPARED =>
            {
                bound.clear();
                bound.extend_from_slice(value);
            }
            (bound, value) => *bound = Self::of(value),
        }
    }

    fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Integer(value),
            ValueRef::Text(value) if value.len() <= COMPARED => Self::Text(value.to_vec()),
            ValueRef::Blob(value) if value.len() <= COMPARED => Self::Blob(value.to_vec()),
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_own_values_whatever_the_one_before_had() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (a, b)").unwrap();
        let long = [b'x'; COMPARED + 1];
        let other_long = [b'y'; COMPARED + 1];
        let rows = [
            [ValueRef::Integer(1), ValueRef::Text(b"one")],
            [ValueRef::Integer(2), ValueRef::Text(b"one")],
            [ValueRef::Integer(2), ValueRef::Text(b"two")],
            [ValueRef::Integer(2), ValueRef::Blob(b"two")],
            [ValueRef::Text(b"2"), ValueRef::Null],
            [ValueRef::Integer(2), ValueRef::Blob(b"two")],
            [ValueRef::Null, ValueRef::Text(b"two")],
            [ValueRef::Null, ValueRef::Text(&long)],
            [ValueRef::Integer(0), ValueRef::Text(&other_long)],
            [ValueRef::Integer(0), ValueRef::Text(b"")],
            [ValueRef::Real(0.5), ValueRef::Blob(b"")],
            [ValueRef::Real(1.5), ValueRef::Blob(b"")],
        ];
        let mut insert = RowByRow::default();
        for row in &rows {
            insert.run(&connection, "INSERT INTO t VALUES (?1, ?2)", row).unwrap();
        }
        let mut statement = connection.prepare("SELECT a, b FROM t ORDER BY rowid").unwrap();
        let mut found = statement.query([]).unwrap();
        for row in rows {
            let next = found.next().unwrap().unwrap();
            assert_eq!([next.get_ref(0).unwrap(), next.get_ref(1).unwrap()], row);
        }
        assert!(found.next().unwrap().is_none());
    }
}
