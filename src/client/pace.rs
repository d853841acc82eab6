//! When a client lets bytes gather before it reads again, pure: sizes and times in, pauses out.
//!
//! A broker that writes each message by itself wakes its subscriber for each, which costs thirty times
//! the work of reading them together. So a stream of small reads is slowed to few large ones, each a few
//! milliseconds behind the one before; a message that comes alone is never delayed.

use std::time::{Duration, Instant};

/// A read below this is a few small messages.
const SMALL_READ: usize = 4 * 1024;

/// So many small reads in a row are a stream.
const STREAM_READS: u32 = 16;

/// Reads further apart than this, beyond what was paused, are no stream.
const STREAM_GAP: Duration = Duration::from_millis(2);

/// A stream that was interrupted for less goes on: a broker reads for some milliseconds, then it writes again.
const STREAM_MEMORY: Duration = Duration::from_millis(100);

/// So many small reads in a row are that stream again.
const RESUMED_READS: u32 = 2;

/// Pauses where nothing is answered (QoS 0): as long as fills half a read, within these.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// The pause where messages are acknowledged. It is on trial: a peer that holds its window waits for us meanwhile.
const ANSWERED_PAUSE: Duration = Duration::from_millis(1);

/// Paused reads after which the trial is judged, again and again.
const TRIAL_READS: u32 = 8;

/// Small reads without a pause after a failed trial; doubled by each, so that trials cost next to nothing.
const FIRST_RESPITE: u32 = 1024;
const LONGEST_RESPITE: u32 = 1 << 16;

/// How one connection's reads follow each other.
#[derive(Debug)]
pub struct Pace {
    /// What one read may hold.
    read_size: usize,
    gait: Gait,
    /// Small reads in a row, each close behind the one before.
    small_reads: u32,
    last_read: Option<Instant>,
    /// The pause of the stream that was interrupted a moment ago.
    interrupted: Option<Duration>,
    /// Acknowledgements went out since the last read.
    answered: bool,
    /// Small reads to go before the next trial, and as many as after the last one that failed.
    respite: u32,
    next_respite: u32,
    /// What came since `span_start`, for the rate.
    span_start: Instant,
    span_bytes: u64,
    span_reads: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Gait {
    /// Every read as soon as there is something.
    Eager,
    /// A pause before each read: nothing is answered, so nobody waits for us.
    Unanswered(Duration),
    /// A short pause before each read, for as long as at least `rate` bytes a second come.
    Answered { rate: f64 },
}

impl Pace {
    pub fn new(read_size: usize, now: Instant) -> Self {
        Self {
            read_size,
            gait: Gait::Eager,
            small_reads: 0,
            last_read: None,
            interrupted: None,
            answered: false,
            respite: 0,
            next_respite: FIRST_RESPITE,
            span_start: now,
            span_bytes: 0,
            span_reads: 0,
        }
    }

    /// How long to wait before the next read.
    pub fn pause(&self) -> Option<Duration> {
        match self.gait {
            Gait::Eager => None,
            Gait::Unanswered(pause) => Some(pause),
            Gait::Answered { .. } => Some(ANSWERED_PAUSE),
        }
    }

    /// Bytes went out that the peer waits for: acknowledgements, or, with `awaited`, what it will answer, and then
    /// every read counts.
    pub fn note_write(&mut self, awaited: bool) {
        self.answered = true;
        if awaited {
            self.stop();
        }
    }

    pub fn note_read(&mut self, count: usize, now: Instant) {
        let limit = STREAM_GAP + self.pause().unwrap_or_default();
        let gap = self.last_read.replace(now).map_or(Duration::MAX, |last| now - last);
        let is_close = gap < limit;
        // What gathered while a busy machine kept us waiting is a stream too.
        let is_stream = is_close || (self.pause().is_some() && count >= SMALL_READ);
        let answered = std::mem::take(&mut self.answered);
        if !is_stream {
            let interrupted = if let Gait::Unanswered(pause) = self.gait { Some(pause) } else { self.interrupted };
            self.stop();
            self.interrupted = interrupted.filter(|_| gap < STREAM_MEMORY);
            self.begin_span(now);
            return;
        }
        self.span_bytes += count as u64;
        self.span_reads += 1;
        match self.gait {
            Gait::Eager => self.note_eager_read(count, answered, now),
            Gait::Unanswered(_) if answered => self.stop(),
            Gait::Unanswered(pause) => self.gait = self.fill(pause, count),
            Gait::Answered { rate } => self.judge(rate, now),
        }
    }

    fn note_eager_read(&mut self, count: usize, answered: bool, now: Instant) {
        if count >= SMALL_READ {
            self.small_reads = 0;
            self.begin_span(now);
            return;
        }
        self.small_reads += 1;
        self.respite = self.respite.saturating_sub(1);
        let wanted = if self.interrupted.is_some() { RESUMED_READS } else { STREAM_READS };
        if self.small_reads < wanted || self.respite > 0 {
            if self.small_reads.is_multiple_of(STREAM_READS) {
                self.begin_span(now);
            }
            return;
        }
        let pause = self.interrupted.take().unwrap_or(SHORTEST_PAUSE);
        self.gait = if answered { Gait::Answered { rate: self.rate(now) } } else { Gait::Unanswered(pause) };
        self.begin_span(now);
    }

    /// The pause after one that let `count` bytes gather: half a read is wanted, a full one is read on at once.
    fn fill(&self, pause: Duration, count: usize) -> Gait {
        if count >= self.read_size {
            return Gait::Eager;
        }
        Gait::Unanswered(match count {
            _ if count < self.read_size / 4 => (pause * 2).min(LONGEST_PAUSE),
            _ if count > self.read_size / 4 * 3 => (pause / 2).max(SHORTEST_PAUSE),
            _ => pause,
        })
    }

    /// Whether as much comes with pauses as came without.
    fn judge(&mut self, rate: f64, now: Instant) {
        let hopeless = self.span_reads == 2 && self.rate(now) < rate / 4.0;
        if self.span_reads < TRIAL_READS && !hopeless {
            return;
        }
        if self.rate(now) < rate * 0.8 {
            self.stop();
            self.respite = self.next_respite;
            self.next_respite = (self.next_respite * 2).min(LONGEST_RESPITE);
        }
        self.begin_span(now);
    }

    fn stop(&mut self) {
        self.gait = Gait::Eager;
        self.small_reads = 0;
        self.interrupted = None;
    }

    fn begin_span(&mut self, now: Instant) {
        self.span_start = now;
        self.span_bytes = 0;
        self.span_reads = 0;
    }

    /// Bytes a second in the present span.
    fn rate(&self, now: Instant) -> f64 {
        self.span_bytes as f64 / (now - self.span_start).as_secs_f64().max(1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ_SIZE: usize = 64 * 1024;

    /// A peer that sends `rate` bytes a second in messages of 70, as far as `window` bytes ahead of our reads.
    struct Peer {
        pace: Pace,
        now: Instant,
        rate: f64,
        window: usize,
        answered: bool,
        reads: u32,
        taken: usize,
    }

    impl Peer {
        fn new(rate: f64, window: usize, answered: bool) -> Self {
            let now = Instant::now();
            Self { pace: Pace::new(READ_SIZE, now), now, rate, window, answered, reads: 0, taken: 0 }
        }

        /// The next read, of what gathered in the pause or of one message.
        fn read(&mut self) -> usize {
            let message = Duration::from_secs_f64(70.0 / self.rate);
            let waited = self.pace.pause().unwrap_or_default().max(message);
            self.now += waited;
            let gathered = (waited.as_secs_f64() * self.rate + 0.5) as usize / 70 * 70;
            let count = gathered.min(self.window).min(READ_SIZE);
            if self.answered {
                self.pace.note_write(false);
            }
            self.pace.note_read(count, self.now);
            self.reads += 1;
            self.taken += count;
            count
        }

        fn run(&mut self, time: Duration) {
            let end = self.now + time;
            while self.now < end {
                self.read();
            }
        }
    }

    #[test]
    fn a_message_that_comes_alone_is_never_delayed() {
        let mut pace = Pace::new(READ_SIZE, Instant::now());
        let mut now = Instant::now();
        for _ in 0..1000 {
            now += Duration::from_millis(20);
            pace.note_read(70, now);
            assert_eq!(pace.pause(), None);
        }
    }

    #[test]
    fn a_stream_of_qos_0_is_read_in_few_large_pieces() {
        let mut peer = Peer::new(7e6, usize::MAX, false);
        peer.run(Duration::from_secs(1));
        assert!(peer.reads < 300, "{} reads", peer.reads);
        assert!(peer.read() >= READ_SIZE / 4);
    }

    #[test]
    fn what_fills_every_read_is_read_without_a_pause() {
        let mut peer = Peer::new(7e6, usize::MAX, false);
        peer.run(Duration::from_millis(100));
        assert!(peer.pace.pause().is_some());
        peer.now += Duration::from_millis(2);
        peer.pace.note_read(READ_SIZE, peer.now);
        assert_eq!(peer.pace.pause(), None);
    }

    #[test]
    fn a_peer_that_sends_on_while_its_messages_are_unanswered_is_read_in_pieces() {
        let mut peer = Peer::new(7e6, usize::MAX, true);
        peer.run(Duration::from_secs(1));
        assert!(peer.reads < 1200, "{} reads", peer.reads);
        assert!(peer.taken > 6_500_000, "{} bytes", peer.taken);
    }

    #[test]
    fn a_peer_that_holds_its_window_loses_next_to_nothing_by_trials() {
        // Twenty messages wait for twenty acknowledgements: a pause of 1 ms would leave a fifth of the rate.
        let mut peer = Peer::new(7e6, 20 * 70, true);
        peer.run(Duration::from_secs(10));
        assert!(peer.taken > 67_000_000, "{} bytes", peer.taken);
    }

    #[test]
    fn who_waits_for_an_answer_reads_it_at_once() {
        let mut peer = Peer::new(7e6, usize::MAX, false);
        peer.run(Duration::from_millis(100));
        peer.pace.note_write(true);
        assert_eq!(peer.pace.pause(), None);
    }

    #[test]
    fn a_stream_that_is_interrupted_again_and_again_is_read_in_pieces() {
        let mut peer = Peer::new(7e6, usize::MAX, false);
        for _ in 0..50 {
            peer.run(Duration::from_millis(10));
            peer.now += Duration::from_millis(15);
        }
        assert!(peer.reads < 400, "{} reads", peer.reads);
    }

    #[test]
    fn the_first_message_after_an_interruption_is_read_at_once() {
        let mut peer = Peer::new(7e6, usize::MAX, false);
        peer.run(Duration::from_millis(100));
        peer.now += Duration::from_millis(15);
        peer.pace.note_read(70, peer.now);
        assert_eq!(peer.pace.pause(), None);
    }

    #[test]
    fn a_stream_that_ends_is_forgotten() {
        let mut peer = Peer::new(7e6, usize::MAX, false);
        peer.run(Duration::from_millis(100));
        peer.now += Duration::from_millis(200);
        for _ in 0..10 {
            peer.pace.note_read(70, peer.now);
            assert_eq!(peer.pace.pause(), None);
        }
    }
}
