//! Where waiting messages can be read from, and the table of their ages.
