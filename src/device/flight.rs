//! Submissions on their way, and the tickets that stand for them.

use std::sync::{Arc, Weak};

use super::DeviceError;

/// Stands for a submission: what [`super::Device::submit`] gives and [`super::Device::collect`] takes.
#[must_use = "the read-backs of a submission come by its ticket"]
#[derive(Debug)]
pub struct Ticket(Arc<()>);

/// What is on its way, each with its ticket's other end. What nobody can collect any more is given up.
pub(super) struct Flight<T>(Vec<(Weak<()>, T)>);

impl<T> Default for Flight<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Flight<T> {
    /// Takes a submission in.
    pub fn add(&mut self, submission: T) -> Ticket {
        self.0.retain(|(end, _)| end.strong_count() > 0);
        let ticket = Ticket(Arc::new(()));
        self.0.push((Arc::downgrade(&ticket.0), submission));
        ticket
    }

    /// Gives a submission out.
    pub fn take(&mut self, ticket: Ticket) -> Result<T, DeviceError> {
        match self.0.iter().position(|(end, _)| end.as_ptr() == Arc::as_ptr(&ticket.0)) {
            Some(index) => Ok(self.0.remove(index).1),
            None => Err(DeviceError::Internal("a ticket of another device".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_taken_in_any_order_by_their_own_device() {
        let mut flight = Flight::default();
        let (a, dropped, b) = (flight.add('a'), flight.add('x'), flight.add('b'));
        drop(dropped);
        let c = flight.add('c');
        assert_eq!(flight.0.len(), 3);
        let stranger = Flight::default().add('s');
        assert!(matches!(flight.take(stranger), Err(DeviceError::Internal(_))));
        assert_eq!([b, a, c].map(|ticket| flight.take(ticket).unwrap()), ['b', 'a', 'c']);
        assert!(flight.0.is_empty());
    }
}
