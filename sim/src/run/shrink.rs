//! Finds a small part of a list that still fails: takes away ever smaller pieces as long as what is left fails (delta debugging).

/// The items of `items` that are left when no single one can be taken away, or when `fails` says so by `None` for all that it is asked.
/// `fails` gets candidates and answers with the place of the first that still fails; it may try several at a time.
pub fn minimize<T: Clone>(items: Vec<T>, mut fails: impl FnMut(&[Vec<T>]) -> Option<usize>) -> Vec<T> {
    let mut left = items;
    if left.is_empty() || fails(&[Vec::new()]).is_some() {
        return Vec::new();
    }
    let mut pieces = 2;
    while left.len() > 1 {
        pieces = pieces.min(left.len());
        let candidates = without_each_piece(&left, pieces);
        match fails(&candidates) {
            Some(place) => {
                left = candidates[place].clone();
                pieces = (pieces - 1).max(2);
            }
            None if pieces == left.len() => break,
            None => pieces *= 2,
        }
    }
    left
}

/// The list without its first piece, without its second, and so on.
fn without_each_piece<T: Clone>(items: &[T], pieces: usize) -> Vec<Vec<T>> {
    let bound = |n: usize| n * items.len() / pieces;
    (0..pieces).map(|n| [&items[..bound(n)], &items[bound(n + 1)..]].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smallest(items: u32, needed: &[u32]) -> (Vec<u32>, usize) {
        let mut asked = 0;
        let found = minimize((0..items).collect(), |candidates| {
            asked += candidates.len();
            candidates.iter().position(|candidate| needed.iter().all(|n| candidate.contains(n)))
        });
        (found, asked)
    }

    #[test]
    fn what_is_needed_is_left_and_nothing_else() {
        assert_eq!(smallest(0, &[]).0, [] as [u32; 0]);
        assert_eq!(smallest(50, &[]), (vec![], 1));
        assert_eq!(smallest(1, &[0]).0, [0]);
        assert_eq!(smallest(300, &[17]).0, [17]);
        let (found, asked) = smallest(300, &[3, 100, 101, 299]);
        assert_eq!(found, [3, 100, 101, 299]);
        assert!(asked < 150, "asked {asked} times");
    }
}
