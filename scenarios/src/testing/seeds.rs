//! Which seeds a test plays: its own, or those of the environment.

use std::ops::RangeInclusive;

use super::Unplayable;

/// One seed, for seeing a failure again.
pub const ONE: &str = "REHEARSAL_SEED";
/// Several seeds, for a long night: `1..500`, both ends included.
pub const SEVERAL: &str = "REHEARSAL_SEEDS";

/// The seeds of the environment, or else these.
pub fn chosen(own: &RangeInclusive<u64>) -> Result<RangeInclusive<u64>, Unplayable> {
    let given = |name: &str| std::env::var_os(name).map(|value| value.display().to_string());
    from(given(ONE), given(SEVERAL), own)
}

fn from(
    one: Option<String>,
    several: Option<String>,
    own: &RangeInclusive<u64>,
) -> Result<RangeInclusive<u64>, Unplayable> {
    if let Some(one) = one {
        let seed = one.trim().parse().map_err(|_| wrong(ONE, &one, "17"))?;
        return Ok(seed..=seed);
    }
    let Some(several) = several else { return Ok(own.clone()) };
    let wrong = || wrong(SEVERAL, &several, "1..50");
    let (first, last) = several.split_once("..").ok_or_else(wrong)?;
    let last = last.strip_prefix('=').unwrap_or(last);
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| wrong());
    match number(first)?..=number(last)? {
        seeds if seeds.is_empty() => Err(wrong()),
        seeds => Ok(seeds),
    }
}

fn wrong(name: &str, value: &str, right: &str) -> Unplayable {
    let what = format!("{name}=`{value}` in the environment names no seeds");
    Unplayable::Words { what, help: format!("write it as in {name}={right}") }
}

#[cfg(test)]
mod tests {
    use super::from;

    fn shown(one: Option<&str>, several: Option<&str>) -> String {
        let seeds = from(one.map(str::to_owned), several.map(str::to_owned), &(7..=9));
        seeds.map_or_else(|wrong| wrong.to_string(), |seeds| format!("{seeds:?}"))
    }

    #[test]
    fn the_environment_comes_first_and_one_seed_before_several() {
        assert_eq!(shown(None, None), "7..=9");
        assert_eq!(shown(Some("17"), Some("1..50")), "17..=17");
        assert_eq!(shown(None, Some("1..50")), "1..=50");
        assert_eq!(shown(None, Some("3..=3")), "3..=3");
    }

    #[test]
    fn nonsense_is_said_and_not_played() {
        insta::assert_snapshot!(shown(Some("many"), None), @r"
        REHEARSAL_SEED=`many` in the environment names no seeds
        help: write it as in REHEARSAL_SEED=17
        ");
        for wrong in ["5", "5..1", "..", "1..x", ""] {
            assert!(shown(None, Some(wrong)).contains("names no seeds"), "{wrong}");
        }
    }
}
