//! A column of a Parquet file, value by value.

use half::f16;
use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::FileReader;
use parquet::schema::types::ColumnDescriptor;
use std::fs::File;

use super::pages::{Checked, check_sizes};

/// Rows that are decoded at a time.
const ROWS: usize = 1 << 13;

/// What a column's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    /// Whole numbers, with a sign or without.
    Integer {
        signed: bool,
    },
    /// Floats of 16, 32 or 64 bits.
    Float,
    Text,
}

impl Kind {
    /// The kind of a column.
    ///
    /// # Errors
    /// What it is instead, where it is none of these.
    pub fn of(column: &ColumnDescriptor) -> Result<Self, String> {
        let logical = column.logical_type_ref();
        match (column.physical_type(), logical) {
            (_, Some(LogicalType::Decimal(_))) => return Err("decimal".to_owned()),
            (_, Some(LogicalType::Date | LogicalType::Time(_) | LogicalType::Timestamp(_))) => {
                return Err("date or time".to_owned());
            }
            (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16)) => return Ok(Self::Float),
            (Physical::INT32 | Physical::INT64, Some(LogicalType::Integer(int))) => {
                return Ok(Self::Integer { signed: int.is_signed });
            }
            (Physical::BYTE_ARRAY, Some(LogicalType::String | LogicalType::Enum)) => return Ok(Self::Text),
            _ => {}
        }
        // What older writers say in place of the logical type.
        let unsigned = [ConvertedType::UINT_8, ConvertedType::UINT_16, ConvertedType::UINT_32, ConvertedType::UINT_64];
        let signed = [ConvertedType::NONE, ConvertedType::INT_8, ConvertedType::INT_16];
        let long = [ConvertedType::INT_32, ConvertedType::INT_64];
        match (column.physical_type(), column.converted_type()) {
            (Physical::BOOLEAN, _) => Ok(Self::Bool),
            (Physical::FLOAT | Physical::DOUBLE, _) => Ok(Self::Float),
            (Physical::BYTE_ARRAY, ConvertedType::UTF8 | ConvertedType::ENUM) => Ok(Self::Text),
            (Physical::INT32 | Physical::INT64, of) if unsigned.contains(&of) => Ok(Self::Integer { signed: false }),
            (Physical::INT32 | Physical::INT64, of) if signed.contains(&of) || long.contains(&of) => {
                Ok(Self::Integer { signed: true })
            }
            (Physical::INT96, _) => Err("date or time".to_owned()),
            (Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY, _) => Err("bytes".to_owned()),
            (physical, converted) => Err(format!("{physical} ({converted})").to_lowercase()),
        }
    }
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(&'a str),
    /// Text that is no UTF-8.
    Broken,
}

/// Why a column could not be read to its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// A damaged file.
    File(ParquetError),
    /// A row without a value.
    Null(usize),
    /// Something about a value.
    Value(String),
}

impl From<ParquetError> for Stop {
    fn from(error: ParquetError) -> Self {
        Self::File(error)
    }
}

/// Hands over the values of column `index`, of this kind, row by row from 0. `bytes` is the same file.
///
/// # Errors
/// A damaged file, a null, what `each` refuses.
pub(super) fn read(
    file: &dyn FileReader,
    bytes: &File,
    index: usize,
    kind: Kind,
    each: &mut dyn FnMut(usize, Cell<'_>) -> Result<(), String>,
) -> Result<(), Stop> {
    let mut first = 0;
    for number in 0..file.num_row_groups() {
        let group = file.get_row_group(number)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let unsigned = kind == Kind::Integer { signed: false };
        let column = group.metadata().column(index);
        let (start, length) = column.byte_range();
        check_sizes(bytes, start, start.saturating_add(length))?;
        let descriptor = column.column_descr_ptr();
        let (pages, nullable) = (group.get_column_page_reader(index)?, descriptor.max_def_level() > 0);
        let pages = Checked { pages, rows: rows as u64, nullable };
        let read = match get_column_reader(descriptor, Box::new(pages)) {
            ColumnReader::BoolColumnReader(r) => of_group(r, first, &|v| Cell::Bool(*v), each),
            ColumnReader::Int32ColumnReader(r) if unsigned => {
                of_group(r, first, &|v| Cell::Integer(i128::from(*v as u32)), each)
            }
            ColumnReader::Int64ColumnReader(r) if unsigned => {
                of_group(r, first, &|v| Cell::Integer(i128::from(*v as u64)), each)
            }
            ColumnReader::Int32ColumnReader(r) => of_group(r, first, &|v| Cell::Integer(i128::from(*v)), each),
            ColumnReader::Int64ColumnReader(r) => of_group(r, first, &|v| Cell::Integer(i128::from(*v)), each),
            ColumnReader::FloatColumnReader(r) => of_group(r, first, &|v| Cell::Float(f64::from(*v)), each),
            ColumnReader::DoubleColumnReader(r) => of_group(r, first, &|v| Cell::Float(*v), each),
            ColumnReader::ByteArrayColumnReader(r) => {
                of_group(r, first, &|v| v.as_utf8().map_or(Cell::Broken, Cell::Text), each)
            }
            ColumnReader::FixedLenByteArrayColumnReader(r) => {
                let half = |bytes: &[u8]| match *bytes {
                    [low, high] => Cell::Float(f16::from_le_bytes([low, high]).to_f64()),
                    _ => Cell::Broken,
                };
                of_group(r, first, &|v| half(v.data()), each)
            }
            ColumnReader::Int96ColumnReader(_) => Ok(0),
        }?;
        if read != rows {
            let message = format!("row group {number} has {read} values, expected {rows}");
            return Err(Stop::File(ParquetError::General(message)));
        }
        first += rows;
    }
    Ok(())
}

/// The values of a row group, whose first row is `first`. Returns their number.
fn of_group<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    first: usize,
    cell: &dyn Fn(&T::T) -> Cell<'_>,
    each: &mut dyn FnMut(usize, Cell<'_>) -> Result<(), String>,
) -> Result<usize, Stop> {
    let (mut values, mut levels, mut done) = (Vec::new(), Vec::new(), 0);
    loop {
        values.clear();
        levels.clear();
        let (rows, found, _) = reader.read_records(ROWS, Some(&mut levels), None, &mut values)?;
        if rows == 0 {
            return Ok(done);
        }
        if found < rows {
            let null = levels.iter().position(|&level| level == 0).unwrap_or(0);
            return Err(Stop::Null(first + done + null));
        }
        for (i, value) in values.iter().enumerate() {
            each(first + done + i, cell(value)).map_err(Stop::Value)?;
        }
        done += rows;
    }
}
