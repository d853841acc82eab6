//! Numbers in an order that their owner knows, in pieces: a change moves a few kilobytes at most, however many there are, and
//! four bytes a number are nearly all that it takes.

/// Numbers of one piece, at most.
const MOST: usize = 512;

/// Two neighbours that have no more than this together become one.
const FEW: usize = MOST / 4 * 3;

#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// None of them is empty.
    pieces: Vec<Vec<u32>>,
}

/// A place in a sequence, until that is changed. It is that of a number, or the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    piece: usize,
    index: usize,
}

impl Sequence {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn last(&self) -> Option<u32> {
        self.pieces.last()?.last().copied()
    }

    pub(super) fn get(&self, place: Place) -> Option<u32> {
        self.pieces.get(place.piece)?.get(place.index).copied()
    }

    pub(super) fn end(&self) -> Place {
        Place { piece: self.pieces.len(), index: 0 }
    }

    /// The place behind that of a number.
    pub(super) fn next(&self, place: Place) -> Place {
        self.place(place.piece, place.index + 1)
    }

    /// The numbers from a place on.
    pub(super) fn from(&self, place: Place) -> impl Iterator<Item = u32> {
        let first = self.pieces.get(place.piece).and_then(|piece| piece.get(place.index..));
        let others = self.pieces.get(place.piece + 1..).unwrap_or_default();
        first.into_iter().chain(others.iter().map(Vec::as_slice)).flatten().copied()
    }

    /// The place of the first number that is not `before`, where all that are stand before all that are not.
    pub(super) fn partition_point(&self, before: impl Fn(u32) -> bool) -> Place {
        let behind = self.pieces.partition_point(|piece| before(piece[0]));
        let Some(piece) = behind.checked_sub(1) else { return Place::default() };
        self.place(piece, self.pieces[piece].partition_point(|&number| before(number)))
    }

    /// [`Sequence::partition_point`] that is not before `start`. It is found the quicker the nearer it is.
    pub(super) fn partition_point_from(&self, start: Place, before: impl Fn(u32) -> bool) -> Place {
        let is_before = |piece: &Vec<u32>| before(piece[0]);
        let (mut at, mut step) = (start.piece, 1);
        while self.pieces.get(at + step).is_some_and(is_before) {
            at += step;
            step *= 2;
        }
        let further = self.pieces.get(at + 1..self.pieces.len().min(at + step)).unwrap_or_default();
        at += further.partition_point(is_before);
        let first = if at == start.piece { start.index } else { 0 };
        let rest = self.pieces.get(at).and_then(|piece| piece.get(first..)).unwrap_or_default();
        self.place(at, first + rest.partition_point(|&number| before(number)))
    }

    /// The end of a piece is the start of the next.
    fn place(&self, piece: usize, index: usize) -> Place {
        match self.pieces.get(piece) {
            Some(numbers) if index < numbers.len() => Place { piece, index },
            Some(_) => Place { piece: piece + 1, index: 0 },
            None => self.end(),
        }
    }

    /// Puts a number before the one at the place.
    pub(super) fn insert(&mut self, place: Place, number: u32) {
        let Place { mut piece, mut index } = place;
        let has_room = |piece: usize| self.pieces.get(piece).is_some_and(|piece| piece.len() < MOST);
        if index == 0 && piece > 0 && !has_room(piece) {
            piece -= 1;
            index = self.pieces[piece].len();
        }
        if index == MOST && piece + 1 == self.pieces.len() || self.pieces.is_empty() {
            // What comes in its order, as most does, leaves full pieces behind.
            self.pieces.push(vec![number]);
            return;
        }
        if self.pieces[piece].len() == MOST {
            let upper = self.pieces[piece].split_off(MOST / 2);
            self.pieces[piece].shrink_to_fit();
            self.pieces.insert(piece + 1, upper);
            if index > MOST / 2 {
                piece += 1;
                index -= MOST / 2;
            }
        }
        self.pieces[piece].insert(index, number);
    }

    /// Takes out the number at the place, if that is not the end.
    pub(super) fn remove(&mut self, place: Place) -> Option<u32> {
        let at = place.piece;
        let piece = self.pieces.get_mut(at).filter(|piece| place.index < piece.len())?;
        let number = piece.remove(place.index);
        if piece.is_empty() {
            self.pieces.remove(at);
        } else if !(at > 0 && self.join(at - 1)) {
            self.join(at);
        }
        Some(number)
    }

    /// Joins a piece with the next, if both have few. Says whether they did.
    fn join(&mut self, first: usize) -> bool {
        let lengths =
            self.pieces.get(first).zip(self.pieces.get(first + 1)).map(|(one, other)| one.len() + other.len());
        if lengths.is_none_or(|both| both > FEW) {
            return false;
        }
        let other = self.pieces.remove(first + 1);
        self.pieces[first].extend(other);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in the order of their values.
    fn insert(sequence: &mut Sequence, number: u32) {
        sequence.insert(sequence.partition_point(|other| other < number), number);
    }

    fn remove(sequence: &mut Sequence, number: u32) -> Option<u32> {
        let place = sequence.partition_point(|other| other < number);
        sequence.get(place).filter(|&found| found == number)?;
        sequence.remove(place)
    }

    fn all(sequence: &Sequence) -> Vec<u32> {
        sequence.from(Place::default()).collect()
    }

    /// Room that the pieces take, for each number.
    fn room(sequence: &Sequence) -> f64 {
        let numbers: usize = sequence.pieces.iter().map(Vec::len).sum();
        let bytes: usize = sequence.pieces.iter().map(|piece| size_of::<Vec<u32>>() + piece.capacity() * 4).sum();
        bytes as f64 / numbers as f64
    }

    #[test]
    fn numbers_keep_their_order_however_they_come_and_go() {
        let count = 10_000;
        // Each number below the prime 10,007 once, in an order that looks like none.
        let shuffled = || (1..=count).map(|number| (number * 7_919) % 10_007);
        for order in [(1..=count).collect::<Vec<_>>(), (1..=count).rev().collect(), shuffled().collect()] {
            let mut sequence = Sequence::default();
            for &number in &order {
                insert(&mut sequence, number);
            }
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(all(&sequence), sorted);
            assert!(room(&sequence) < 9.0, "{}", room(&sequence));
            let middle = sequence.partition_point(|number| number < sorted[5_000]);
            assert_eq!(sequence.from(middle).collect::<Vec<_>>(), sorted[5_000..]);
            for (from, to) in
                [(0, 0), (0, 1), (0, 9_999), (5_000, 5_001), (5_000, 5_600), (5_000, 9_000), (9_999, 9_999)]
            {
                let [start, end] = [from, to].map(|at| sequence.partition_point(|number| number < sorted[at]));
                assert_eq!(sequence.partition_point_from(start, |number| number < sorted[to]), end, "{from} {to}");
            }
            assert_eq!(sequence.partition_point_from(middle, |_| true), sequence.end());
            assert_eq!(sequence.partition_point_from(sequence.end(), |_| true), sequence.end());
            for &number in order.iter().filter(|&number| number % 8 != 0) {
                assert_eq!(remove(&mut sequence, number), Some(number));
                assert_eq!(remove(&mut sequence, number), None);
            }
            sorted.retain(|number| number % 8 == 0);
            assert_eq!(all(&sequence), sorted);
            assert_eq!(sequence.last(), sorted.last().copied());
            assert!(sequence.pieces.len() <= 2 * sorted.len() / FEW + 2, "{} pieces", sequence.pieces.len());
            for &number in &sorted {
                remove(&mut sequence, number);
            }
            assert!(sequence.is_empty() && sequence.get(sequence.end()).is_none());
        }
    }

    #[test]
    fn what_comes_in_its_order_leaves_full_pieces_behind() {
        let mut sequence = Sequence::default();
        for number in 0..10 * MOST as u32 {
            sequence.insert(sequence.end(), number);
        }
        assert_eq!(sequence.pieces.len(), 10);
        // Beside full pieces no piece of one number is made again and again.
        for number in (10_000..10_100).rev() {
            sequence.insert(Place { piece: 5, index: 0 }, number);
        }
        assert_eq!(sequence.pieces.len(), 11);
        let places = std::iter::successors(Some(Place::default()), |&place| Some(sequence.next(place)));
        let numbers: Vec<_> = places.map_while(|place| sequence.get(place)).collect();
        assert_eq!(numbers, all(&sequence));
    }
}
