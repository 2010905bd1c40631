//! Writes an export file row by row, counting and hashing on the way.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use sha2::{Digest, Sha256};

use super::export::{Filter, Order, Product};
use crate::sandbox::faults::FaultKind;
use crate::sandbox::people::People;
use crate::sandbox::people::person::Person;
use crate::sandbox::world::{World, hex};

/// Passes bytes on, counting and hashing them.
struct Measured<W> {
    inner: W,
    bytes: u64,
    hash: Sha256,
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Writes the file of job `id`. Blocks; memory doesn't depend on the number of rows.
///
/// # Errors
/// What the file system reports.
pub fn write(world: &World, id: &str, order: &Order) -> io::Result<Product> {
    let path = world.directory.join(format!("{id}.{}", if order.format.delimiter() == b',' { "csv" } else { "txt" }));
    let measured = Measured { inner: BufWriter::with_capacity(64 * 1024, File::create(&path)?), bytes: 0, hash: Sha256::new() };
    let mut rows = csv::WriterBuilder::new().delimiter(order.format.delimiter()).flexible(true).from_writer(measured);
    let spoilt = world.take_fault("GET", &format!("/marketo/bulk/v1/leads/export/{id}/file.json"), FaultKind::spoils_rows);

    rows.write_record(&order.headers)?;
    let mut records = 0;
    for person in chosen(&world.people, order.filter) {
        let mut row: Vec<String> = order.fields.iter().map(|field| person.marketo_value(field).unwrap_or_else(|| "null".into())).collect();
        match spoilt.as_ref().filter(|_| records == 0) {
            Some(FaultKind::MalformedRow) => row.push("one column too many".into()),
            Some(FaultKind::OversizeLine { bytes }) => {
                if let Some(last) = row.last_mut() {
                    *last = "x".repeat(*bytes);
                }
            }
            _ => {}
        }
        rows.write_record(&row)?;
        records += 1;
        if spoilt == Some(FaultKind::RepeatRows) {
            rows.write_record(&row)?;
            records += 1;
        }
    }
    let mut measured = rows.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    measured.flush()?;
    Ok(Product { path, bytes: measured.bytes, records, sha256: hex(&measured.hash.finalize()) })
}

fn chosen(people: &People, filter: Filter) -> Box<dyn Iterator<Item = Person> + '_> {
    match filter {
        Filter::CreatedAt(from, to) => {
            let window = people.first_since(from)..people.first_since(to.saturating_add(1));
            Box::new(window.filter_map(|index| people.in_marketo(index)))
        }
        // The time of the last change doesn't grow with the index, so everyone created before the end is looked at.
        Filter::UpdatedAt(from, to) => {
            let window = 0..people.first_since(to.saturating_add(1));
            Box::new(window.filter_map(|index| people.in_marketo(index)).filter(move |person| (from..=to).contains(&person.updated_at)))
        }
    }
}
