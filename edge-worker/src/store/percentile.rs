//! Percentiles: of a call's own turns exactly, of many days' by buckets.

/// The value that at least `percent` of a hundred are not above, by nearest rank. None of nothing.
#[must_use]
pub fn nearest_rank(values: &mut [u32], percent: u32) -> Option<u32> {
    values.sort_unstable();
    let count = u64::try_from(values.len()).ok()?;
    let index = rank(count, percent)?.checked_sub(1)?;
    values.get(usize::try_from(index).ok()?).copied()
}

/// The same of replies that were counted by buckets, as the schema has them: the place within the bucket is taken as if they were spread
/// evenly.
#[must_use]
pub fn of_buckets(counts: &[u64], percent: u32) -> Option<u32> {
    let count = counts
        .iter()
        .fold(0_u64, |sum, count| sum.saturating_add(*count));
    let mut before = rank(count, percent)?;
    for (index, count) in (0..).zip(counts) {
        if before > *count {
            before = before.saturating_sub(*count);
            continue;
        }
        let (bound, width) = bucket(index);
        let within = u64::from(width)
            .saturating_mul(before)
            .checked_div(*count)
            .unwrap_or_default();
        let within = u32::try_from(within).unwrap_or_default();
        return Some(bound.saturating_add(within.min(width.saturating_sub(1))));
    }
    None
}

/// The lower bound of a bucket and its width, in milliseconds. The last has no end; it is taken as a point.
const fn bucket(index: u32) -> (u32, u32) {
    match index {
        0..100 => (index.saturating_mul(20), 20),
        100..140 => (index.saturating_sub(90).saturating_mul(200), 200),
        _ => (10_000, 1),
    }
}

/// Which of so many, counted from one.
fn rank(count: u64, percent: u32) -> Option<u64> {
    let rank = count.checked_mul(percent.into())?.div_ceil(100);
    (count > 0).then_some(rank.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rank_is_a_value_there_is() {
        assert_eq!(nearest_rank(&mut [], 50), None);
        assert_eq!(nearest_rank(&mut [7], 95), Some(7));
        assert_eq!(nearest_rank(&mut [4, 1, 3, 2], 50), Some(2));
        let mut hundred: Vec<u32> = (1..=100).rev().collect();
        assert_eq!(nearest_rank(&mut hundred, 95), Some(95));
    }

    #[test]
    fn buckets_place_a_percentile_within_their_width() {
        let counts = |buckets: &[(usize, u64)]| {
            let mut counts = [0; 141];
            for (index, count) in buckets {
                counts[*index] = *count;
            }
            counts
        };
        assert_eq!(of_buckets(&[], 50), None);
        assert_eq!(of_buckets(&counts(&[]), 50), None);
        assert_eq!(of_buckets(&counts(&[(21, 1)]), 50), Some(439));
        let two = counts(&[(20, 50), (40, 50)]);
        assert_eq!(of_buckets(&two, 50), Some(419));
        assert_eq!(of_buckets(&two, 51), Some(800));
        assert_eq!(of_buckets(&counts(&[(20, 1), (140, 99)]), 95), Some(10_000));
    }

    #[test]
    fn buckets_lie_side_by_side() {
        for index in 0..140 {
            let (bound, width) = bucket(index);
            assert_eq!(bucket(index + 1).0, bound + width);
        }
    }
}
