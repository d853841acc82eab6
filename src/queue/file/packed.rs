//! Columns of numbers in as few bits as their neighbours allow: the messages of a file of 2 GB are twenty million, and
//! numbers that stand side by side in a file are nearly alike.

/// Numbers that share a base and a width. So many of any width fill whole words.
const BLOCK: usize = 128;

/// A column that grows at its end.
#[derive(Debug, Default)]
pub(super) struct Packed {
    blocks: Vec<Block>,
    words: Vec<u64>,
    /// What does not fill a block yet.
    tail: Vec<u64>,
}

/// Where a block stands, and what its numbers are counted from.
#[derive(Clone, Copy, Debug)]
struct Block {
    base: u64,
    start: u32,
    width: u8,
}

impl Packed {
    pub fn len(&self) -> usize {
        self.blocks.len() * BLOCK + self.tail.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that it needs.
    pub fn size(&self) -> usize {
        size_of_val(&self.words[..]) + size_of_val(&self.blocks[..])
    }

    #[inline]
    pub fn push(&mut self, number: u64) {
        self.tail.push(number);
        if self.tail.len() == BLOCK {
            self.close_block();
        }
    }

    /// Appends zeros until there are so many numbers.
    pub fn fill_up(&mut self, len: usize) {
        while self.len() < len {
            self.push(0);
        }
    }

    #[inline(never)]
    fn close_block(&mut self) {
        let (base, most) = self.tail.iter().fold((u64::MAX, 0), |(least, most), n| (least.min(*n), most.max(*n)));
        let width = width_of(most - base);
        self.blocks.push(Block { base, start: word_number(&self.words), width });
        pack(&mut self.words, self.tail.drain(..).map(|number| number - base), width);
    }

    /// The number at `place`, if there are so many.
    #[inline(always)]
    pub fn get(&self, place: usize) -> Option<u64> {
        match self.blocks.get(place / BLOCK) {
            Some(block) => {
                let words = &self.words[block.start as usize..];
                Some(block.base + unpack(words, place % BLOCK, block.width))
            }
            None => self.tail.get(place.checked_sub(self.blocks.len() * BLOCK)?).copied(),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = u64> {
        (0..self.len()).filter_map(|place| self.get(place))
    }
}

impl FromIterator<u64> for Packed {
    fn from_iter<T: IntoIterator<Item = u64>>(numbers: T) -> Self {
        let mut packed = Self::default();
        numbers.into_iter().for_each(|number| packed.push(number));
        packed
    }
}

/// The number of the next word. A file of 34 GB of nothing but ids would have more than fit.
fn word_number(words: &[u64]) -> u32 {
    u32::try_from(words.len()).unwrap_or(u32::MAX)
}

/// The bits that hold `most`.
fn width_of(most: u64) -> u8 {
    (u64::BITS - most.leading_zeros()) as u8
}

/// Appends a block of numbers, each of `width` bits.
fn pack(words: &mut Vec<u64>, numbers: impl Iterator<Item = u64>, width: u8) {
    if width == 0 {
        return;
    }
    let width = u32::from(width);
    let (mut word, mut used) = (0, 0);
    for number in numbers {
        word |= number << used;
        used += width;
        if used >= u64::BITS {
            words.push(word);
            used -= u64::BITS;
            // What of the number did not fit into the word.
            word = if used == 0 { 0 } else { number >> (width - used) };
        }
    }
}

/// The number at `place` of the block that `words` begin with.
#[inline]
fn unpack(words: &[u64], place: usize, width: u8) -> u64 {
    if width == 0 {
        return 0;
    }
    let bit = place * usize::from(width);
    let (word, shift) = (bit / 64, (bit % 64) as u32);
    let mut number = words[word] >> shift;
    if shift + u32::from(width) > u64::BITS {
        number |= words[word + 1] << (u64::BITS - shift);
    }
    number & (u64::MAX >> (u64::BITS - u32::from(width)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look thrown.
    fn thrown(n: u64) -> u64 {
        let mixed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ mixed >> 29).wrapping_mul(0xD6E8_FEB8_6659_FD93)
    }

    #[test]
    fn numbers_of_every_width_come_back() {
        for width in 0..=64_u32 {
            let numbers: Vec<u64> =
                (0..300).map(|n| if width == 0 { 7 } else { thrown(n) >> (u64::BITS - width) }).collect();
            let packed: Packed = numbers.iter().copied().collect();
            assert_eq!(packed.iter().collect::<Vec<_>>(), numbers, "{width} bits");
            assert_eq!((packed.len(), packed.get(300), packed.get(10_000)), (300, None, None));
        }
        assert!(Packed::default().is_empty());
        assert_eq!(Packed::default().get(0), None);
    }

    #[test]
    fn numbers_that_are_alike_take_no_room() {
        let same: Packed = std::iter::repeat_n(u64::MAX, 1280).collect();
        assert_eq!((same.words.len(), same.get(1279)), (0, Some(u64::MAX)));
        let near: Packed = (0..1280).map(|n| u64::MAX - n % 8).collect();
        assert_eq!(near.words.len(), 1280 * 3 / 64);
        let mut filled = near;
        filled.fill_up(2000);
        assert_eq!((filled.len(), filled.get(1279), filled.get(1999)), (2000, Some(u64::MAX - 7), Some(0)));
    }
}
